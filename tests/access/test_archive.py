"""The same files read the same from every kind of archive."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import random
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from medshelf.access import _member
from medshelf.access.archive import Archive, ArchiveMember
from medshelf.errors import AccessError, NotFound
from medshelf.model.blob import Blob
from medshelf.model.natural import natural_sorted

Maker = Callable[..., Path]
Content = dict[str, bytes]

KINDS = [
    "zip stored", "zip deflated", "zip bz2", "zip lzma", "zip streamed", "zip64", "zip after other bytes",
    "zip with a comment", "tar v7", "tar ustar", "tar gnu", "tar pax", "tar.gz", "tar.gz of two streams",
    "tar.gz padded with zeros", "tar.bz2", "tar.bz2 of two streams", "tar.xz", "tar.xz of two streams",
]  # fmt: skip

ZIP_METHODS = {
    "zip stored": zipfile.ZIP_STORED,
    "zip deflated": zipfile.ZIP_DEFLATED,
    "zip bz2": zipfile.ZIP_BZIP2,
    "zip lzma": zipfile.ZIP_LZMA,
}
TAR_FORMS = {"tar ustar": tarfile.USTAR_FORMAT, "tar gnu": tarfile.GNU_FORMAT, "tar pax": tarfile.PAX_FORMAT}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 1),
    "bz2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
}


_BUILT: dict[str, tuple[str, bytes]] = {}


@pytest.fixture(params=KINDS)
def archive(
    request: pytest.FixtureRequest, content: Content, make_zip: Maker, make_tar: Maker, tmp_path: Path
) -> Path:
    """An archive of each kind; built once, written for each test."""
    if request.param not in _BUILT:
        path = _build(request.param, content, make_zip, make_tar, tmp_path)
        _BUILT[request.param] = path.name, path.read_bytes()
        path.unlink()
    name, data = _BUILT[request.param]
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def _build(kind: str, content: Content, make_zip: Maker, make_tar: Maker, tmp_path: Path) -> Path:
    if kind in ZIP_METHODS:
        return make_zip(content, method=ZIP_METHODS[kind])
    if kind.startswith("zip"):
        return _odd_zip(kind, content, make_zip, tmp_path)
    if kind in TAR_FORMS:
        return make_tar(content, form=TAR_FORMS[kind])
    if kind == "tar v7":
        return _strip_ustar(make_tar(content, form=tarfile.GNU_FORMAT))
    codec = kind[4:].partition(" ")[0]
    packed = make_tar(content).read_bytes()
    compress, middle = COMPRESS[codec], len(packed) // 3
    whole = compress(packed)
    if "two streams" in kind:
        whole = compress(packed[:middle]) + compress(packed[middle:])
    path = tmp_path / f"b.tar.{codec}"
    path.write_bytes(whole + (b"\0" * 1024 if "padded" in kind else b""))
    return path


def _odd_zip(kind: str, content: Content, make_zip: Maker, tmp_path: Path) -> Path:
    if kind == "zip after other bytes":
        path = make_zip(content)
        path.write_bytes(b"#!/bin/sh\nexit\n" * 77 + path.read_bytes())
        return path
    path = tmp_path / "odd.zip"
    if kind == "zip streamed":  # sizes after the data, in descriptors
        with open(path, "wb") as raw, zipfile.ZipFile(_Unseekable(raw), "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in content.items():
                made.writestr(name, data)
        return path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in content.items():
            with made.open(name, "w", force_zip64=kind == "zip64") as member:
                member.write(data)
        if kind == "zip with a comment":
            made.comment = b"PK\5\6 made on a Friday" * 50
    return _with_zip64_end(path) if kind == "zip64" else path


class _Unseekable(io.RawIOBase):
    def __init__(self, stream: io.BufferedWriter) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._stream.write(data)


def _with_zip64_end(path: Path) -> Path:
    """Replace the end record by zip64 ones, as for an archive that needs them."""
    data = path.read_bytes()
    _, _, _, count, _, size, offset, _ = struct.unpack("<4s4H2LH", data[-22:])
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    full = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(data[:-22] + end64 + locator + full)
    return path


def _strip_ustar(path: Path) -> Path:
    """Blank the magic of every header, as tars before 1988 have it."""
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as made:
        places = [m.offset_data - 512 for m in made] + [m.offset for m in made]
    for at in places:
        data[at + 257 : at + 265] = bytes(8)
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = f"{sum(data[at : at + 512]):06o}\0 ".encode()
    path.write_bytes(data)
    return path


def test_names_are_all_there_in_natural_order(archive: Path, content: Content) -> None:
    found = Archive(archive)
    assert found.names == tuple(natural_sorted(content))
    assert len(found) == len(content)
    assert found.problems == ()
    assert "empty.bin" in found
    assert "case_2" not in found


def test_every_way_to_read_gives_the_same_bytes(archive: Path, content: Content) -> None:
    found = Archive(archive)
    for name, data in content.items():
        blob = found.blob(name)
        assert blob.size_bytes == len(data)
        assert blob.read_bytes() == data
        with blob.open() as stream:
            assert stream.read() == data
        with blob.open() as stream:
            assert b"".join(iter(lambda stream=stream: stream.read(777), b"")) == data


def test_any_walk_about_in_a_member_reads_right(archive: Path, content: Content) -> None:
    found, choose = Archive(archive), random.Random(1)
    for name in ("case_2/image.bin", "case_2/label.bin", "empty.bin"):
        data = content[name]
        with found.blob(name).open() as stream, io.BytesIO(data) as wanted:
            assert stream.seekable()
            for _ in range(30):
                place, whence = choose.randrange(len(data) + 1), choose.choice((0, 2))
                offset = place if whence == 0 else place - len(data)
                assert stream.seek(offset, whence) == wanted.seek(offset, whence)
                size = choose.choice((1, 100, 100_000))
                assert stream.read(size) == wanted.read(size)
                assert stream.tell() == wanted.tell()


def test_a_large_member_is_unpacked_to_the_cache_when_read_backwards(
    make_zip: Maker, content: Content, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    monkeypatch.setattr(_member, "_IN_MEMORY_BYTES", 1000)
    data = content["case_2/label.bin"]
    blob = Archive(make_zip(content)).blob("case_2/label.bin")
    with blob.open() as stream:
        stream.seek(-99, 2)
        assert stream.read() == data[-99:]
        assert not (own_cache / "spool").exists()
        stream.seek(5)
        assert stream.read() == data[5:]
    assert [f.stat().st_size for f in (own_cache / "spool").iterdir() if f.suffix != ".lock"] == [len(data)]


def test_a_member_is_a_blob_with_name_and_siblings(archive: Path, content: Content) -> None:
    blob = Archive(archive).blob("case_2/image.bin")
    assert isinstance(blob, Blob)
    assert blob.name == f"{archive}!/case_2/image.bin"
    assert blob.path is None
    beside = blob.sibling("label.bin")
    assert beside.name == f"{archive}!/case_2/label.bin"
    assert beside.read_bytes() == content["case_2/label.bin"]
    assert blob.sibling("../empty.bin").read_bytes() == b""
    missing = blob.sibling("no.bin")
    with pytest.raises(NotFound, match=r"case_2/no\.bin"):
        missing.open()
    with pytest.raises(NotFound):
        blob.sibling("../../../etc/passwd").read_bytes()


def test_archive_and_member_survive_pickling_without_their_index(archive: Path, content: Content) -> None:
    found = Archive(archive)
    blob = found.blob("case_2/image.bin")
    packed = pickle.dumps([found, blob])
    assert len(packed) < 2000
    found_again, blob_again = pickle.loads(packed)
    assert blob_again == blob
    assert blob_again.read_bytes() == content["case_2/image.bin"]
    assert found_again.names == found.names


def test_threads_and_forks_read_without_disturbing_each_other(archive: Path, content: Content) -> None:
    found = Archive(archive)
    blobs = [found.blob(n) for n in content] * 4
    wanted = [zlib.crc32(content[n]) for n in content] * 4
    with ThreadPoolExecutor(8) as pool:
        assert [zlib.crc32(data) for data in pool.map(ArchiveMember.read_bytes, blobs)] == wanted
    with get_context("fork").Pool(2) as forks:
        assert [zlib.crc32(data) for data in forks.map(ArchiveMember.read_bytes, blobs)] == wanted


def test_an_archive_that_changed_is_not_read_with_the_old_index(archive: Path) -> None:
    blob = Archive(archive).blob("case_2/image.bin")
    with open(archive, "ab") as stream:
        stream.write(b"\0")
    with pytest.raises(AccessError, match="changed since"):
        blob.read_bytes()


def test_a_missing_member_is_not_found_and_names_its_neighbours(make_zip: Maker) -> None:
    found = Archive(make_zip({"imagesTr/case_001.nii.gz": b"", "labelsTr/case_001.nii.gz": b""}))
    with pytest.raises(NotFound, match=r"Nearest: imagesTr/case_001\.nii\.gz"):
        found.blob("imagesTr/case_01.nii.gz")


def test_a_missing_archive_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Archive(tmp_path / "no.zip")


def test_folders_are_not_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.mkdir("folder")
        made.writestr("folder/x", b"1")
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        about = tarfile.TarInfo("./folder")
        about.type = tarfile.DIRTYPE
        made.addfile(about)
        about = tarfile.TarInfo("./folder/x")
        about.size = 1
        made.addfile(about, io.BytesIO(b"1"))
    for name in ("a.zip", "a.tar"):
        found = Archive(tmp_path / name)
        assert found.names == ("folder/x",)
        assert found.problems == ()
        assert found.blob("folder/x").read_bytes() == b"1"


def test_the_kind_is_judged_by_bytes_not_by_name(make_zip: Maker, make_tar: Maker, tmp_path: Path) -> None:
    wrong = {"zip.tar.gz": make_zip({"x": b"1"}), "plain.tgz": make_tar({"x": b"1"})}
    for name, path in wrong.items():
        os.rename(path, tmp_path / name)
        assert Archive(tmp_path / name).blob("x").read_bytes() == b"1"


def test_empty_archives_have_no_names(make_zip: Maker, make_tar: Maker) -> None:
    assert Archive(make_zip({})).names == ()
    assert Archive(make_tar({})).names == ()
    assert Archive(make_tar({}, "a.tar.gz", "w:gz")).names == ()


def test_names_of_a_mac_zip_are_utf8_without_being_marked(make_zip: Maker) -> None:
    path = make_zip({"bild_ä.png": b"1"})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(signature) + flags
        assert int.from_bytes(data[at : at + 2], "little") & 0x800
        data[at : at + 2] = bytes(2)
    path.write_bytes(data)
    assert Archive(path).names == ("bild_ä.png",)


def test_names_of_an_old_zip_are_cp437(make_zip: Maker) -> None:
    path = make_zip({"bild_X.png": b"1"})
    path.write_bytes(path.read_bytes().replace(b"bild_X", b"bild_\x84"))
    assert Archive(path).names == ("bild_ä.png",)
    assert Archive(path).blob("bild_ä.png").read_bytes() == b"1"


def test_names_in_no_known_encoding_can_be_printed(make_tar: Maker) -> None:
    path = make_tar({"bild_X.png": b"1"}, form=tarfile.USTAR_FORMAT)
    data = bytearray(path.read_bytes().replace(b"bild_X", b"bild_\xe4"))
    data[148:156] = b" " * 8
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
    path.write_bytes(data)
    (name,) = Archive(path).names
    assert name == "bild_\\xe4.png"
    name.encode("utf-8")
    assert Archive(path).blob(name).read_bytes() == b"1"


def test_backslashes_of_windows_zips_are_folders(make_zip: Maker) -> None:
    path = make_zip({"folder/x.png": b"1"})
    path.write_bytes(path.read_bytes().replace(b"folder/x", b"folder\\x"))
    assert Archive(path).names == ("folder/x.png",)


def test_a_mac_zip_of_over_4_gib_without_zip64_is_read(tmp_path: Path) -> None:
    """Archive Utility cuts offsets to 32 bits; the file here is sparse and takes no room."""
    path, far = tmp_path / "mac.zip", (9 << 30) + 12345
    with open(path, "wb") as stream:
        directory = b""
        for name, data, place in (("a.txt", b"first", 0), ("b.txt", b"2", 3 << 30), ("c.txt", b"third", far)):
            about = (20, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0)
            stream.seek(place)
            stream.write(struct.pack("<4s5H3L2H", b"PK\3\4", *about) + name.encode() + data)
            cut = place & 0xFFFFFFFF
            directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, *about, 0, 0, 0, 0, cut) + name.encode()
        start = stream.tell()
        stream.write(directory)
        end = (0, 0, 3, 3, len(directory), start & 0xFFFFFFFF, 0)
        stream.write(struct.pack("<4s4H2LH", b"PK\5\6", *end))
    found = Archive(path)
    assert found.problems == ()
    assert [found.blob(n).read_bytes() for n in found.names] == [b"first", b"2", b"third"]


def test_a_member_beyond_4_gib_of_a_tar_is_read(tmp_path: Path) -> None:
    path, large = tmp_path / "large.tar", 9 << 30
    with open(path, "wb") as stream:
        about = tarfile.TarInfo("large.bin")
        about.size = large
        stream.write(about.tobuf(tarfile.GNU_FORMAT))
        stream.seek(large, 1)
        about = tarfile.TarInfo("after.bin")
        about.size = 3
        stream.write(about.tobuf(tarfile.GNU_FORMAT) + b"end".ljust(512, b"\0") + bytes(1024))
    found = Archive(path)
    assert found.blob("large.bin").size_bytes == large
    assert found.blob("after.bin").read_bytes() == b"end"


def test_the_crc_of_a_zip_member_is_known_without_reading(make_zip: Maker, make_tar: Maker) -> None:
    assert Archive(make_zip({"x": b"abc"})).blob("x").crc32 == zlib.crc32(b"abc")
    assert Archive(make_tar({"x": b"abc"})).blob("x").crc32 is None


def test_looking_at_a_head_does_not_inflate_the_rest(make_zip: Maker) -> None:
    path = make_zip({"x.nii": bytes(200_000_000)})
    blob, done = Archive(path).blob("x.nii"), threading.Event()

    def look() -> None:
        for _ in range(200):
            with blob.open() as stream:
                assert stream.read(352) == bytes(352)
        done.set()

    threading.Thread(target=look, daemon=True).start()
    assert done.wait(5)  # inflating it each time would take a minute


def test_progress_is_told_while_a_compressed_tar_is_listed(make_tar: Maker, content: Content) -> None:
    path = make_tar(content, "a.tar.gz", "w:gz")
    told: list[tuple[int, int]] = []
    assert Archive(path, progress=lambda at, total: told.append((at, total))).names
    assert told == sorted(told)
    assert {total for _, total in told} == {path.stat().st_size}
    assert told[-1][0] == path.stat().st_size
