"""Archives that are hostile, broken, or not archives at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from medshelf.access import _codec, _read_index, _unpack_plan
from medshelf.access.archive import Archive
from medshelf.access.problem import SHOWN
from medshelf.access.unpack import unpack
from medshelf.errors import AccessError, MedshelfError
from tests.access import made

Maker = Callable[..., Path]
Content = dict[str, bytes]

UNSAFE = ["/etc/passwd", "../up.txt", "a/../../up.txt", "C:/x.txt", "c:x.txt"]


def _damaged(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_lead_out_are_left_out(name: str, make_zip: Maker, make_tar: Maker) -> None:
    for path in (make_zip({name: b"1", "good": b"2"}), make_tar({name: b"1", "good": b"2"})):
        found = Archive(path)
        assert found.names == ("good",)
        (problem,) = found.problems
        assert problem.path == name
        assert "left out" in problem.message


def test_backslashes_do_not_hide_a_way_out(make_zip: Maker) -> None:
    path = _damaged(make_zip({"..X..Xup.txt": b"1"}), b"..X..X", b"..\\..\\")
    assert Archive(path).names == ()
    assert "leads out" in Archive(path).problems[0].message


def test_a_nul_in_a_name_is_left_out(make_zip: Maker) -> None:
    path = _damaged(make_zip({"good.png_.exe": b"1"}), b".png_", b".png\0")
    assert Archive(path).names == ()
    assert "NUL" in Archive(path).problems[0].message


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_devices_and_pipes_of_a_tar_are_left_out(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        about = tarfile.TarInfo("odd")
        about.type, about.linkname = kind, "/etc/passwd"
        made.addfile(about)
        made.addfile(tarfile.TarInfo("good"))
    found = Archive(tmp_path / "a.tar")
    assert found.names == ("good",)
    assert [p.path for p in found.problems] == ["odd"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_devices_and_pipes_of_a_zip_are_left_out(kind: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        about = zipfile.ZipInfo("odd")
        about.create_system, about.external_attr = 3, (kind | 0o777) << 16
        made.writestr(about, "/etc/passwd")
        made.writestr("good", b"")
    found = Archive(tmp_path / "a.zip")
    assert found.names == ("good",)
    assert [p.path for p in found.problems] == ["odd"]


def test_of_two_members_with_one_name_the_later_counts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("x", b"first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("x", b"second one")
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        for name, data in (("x", b"first"), ("./x", b"second one")):
            about = tarfile.TarInfo(name)
            about.size = len(data)
            made.addfile(about, io.BytesIO(data))
    for name in ("a.zip", "a.tar"):
        found = Archive(tmp_path / name)
        assert found.names == ("x",)
        assert found.blob("x").read_bytes() == b"second one"
        assert [p.message for p in found.problems] == [
            "the archive holds this name twice; the later one counts"
        ]


def test_a_flood_of_problems_is_counted_not_kept(make_zip: Maker) -> None:
    found = Archive(make_zip({f"../{i}": b"" for i in range(SHOWN + 50)}))
    assert len(found.problems) == SHOWN + 1
    assert "50 more" in found.problems[-1].message


def test_encrypted_members_are_listed_and_refused(tmp_path: Path, make_zip: Maker) -> None:
    path = make_zip({"x": b"secret"})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + at] |= 1
    path.write_bytes(data)
    found = Archive(path)
    assert found.names == ("x",)
    assert "1 of 1 members are encrypted" in found.problems[0].message
    with pytest.raises(AccessError, match="encrypted"):
        found.blob("x").open()


@pytest.mark.parametrize(("method", "name"), [(6, "Implode"), (98, "PPMd"), (77, "method 77")])
def test_a_compression_that_is_not_read_is_named(method: int, name: str, make_zip: Maker) -> None:
    path = make_zip({"x": b"1" * 99})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        data[data.index(signature) + at] = method
    path.write_bytes(data)
    with pytest.raises(AccessError, match=rf"{name}, which is not read.*7-Zip"):
        Archive(path).blob("x").read_bytes()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_wrong_checksum_is_an_error_on_every_full_read(method: int, make_zip: Maker) -> None:
    data = random.Random(3).randbytes(200_000)
    crc = struct.pack("<L", zlib.crc32(data))
    path = _damaged(make_zip({"x": data}, method=method), crc, bytes(4))
    blob = Archive(path).blob("x")
    with pytest.raises(AccessError, match="checksum is wrong"):
        blob.read_bytes()
    with pytest.raises(AccessError, match="checksum is wrong"), blob.open() as stream:
        list(iter(partial(stream.read, 7777), b""))
    with blob.open() as stream:
        assert stream.read(1000) == data[:1000]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("declared", [99_999, 100_001, 20])
def test_a_member_longer_or_shorter_than_declared_is_an_error(
    method: int, declared: int, make_zip: Maker
) -> None:
    path = make_zip({"x": b"ab" * 50_000}, method=method)
    path = _damaged(path, struct.pack("<L", 100_000), struct.pack("<L", declared))
    blob = Archive(path).blob("x")
    for read in (blob.read_bytes, lambda: blob.open().read()):
        with pytest.raises(AccessError):
            read()


def test_a_declared_size_that_deflate_cannot_reach_is_refused_before_room_is_made(make_zip: Maker) -> None:
    path = _damaged(make_zip({"x": bytes(5000)}), struct.pack("<L", 5000), struct.pack("<L", 0xFFFFFFF0))
    with pytest.raises(AccessError, match="more bytes than its data can hold"):
        Archive(path).blob("x").read_bytes()


def test_an_honest_mask_of_a_thousand_to_one_is_read(make_zip: Maker) -> None:
    path = make_zip({"mask.nii": bytes(50_000_000)})
    assert path.stat().st_size < 50_000
    assert Archive(path).blob("mask.nii").read_bytes() == bytes(50_000_000)


def test_the_limit_for_one_member_in_memory_can_be_set(
    make_zip: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSHELF_MEMBER_LIMIT_BYTES", "1000")
    found = Archive(make_zip({"x": bytes(1001), "y": bytes(1000)}))
    assert found.blob("y").read_bytes() == bytes(1000)
    with pytest.raises(AccessError, match="MEDSHELF_MEMBER_LIMIT_BYTES"):
        found.blob("x").read_bytes()
    with found.blob("x").open() as stream:
        assert stream.read() == bytes(1001)


def test_a_bomb_that_says_it_is_small_stays_small(tmp_path: Path, python_env: dict[str, str]) -> None:
    """200 MiB behind a declared 100 KB must not be inflated."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    about = (20, 0, 8, 0, 0, 0, len(packed), 100_000, 1, 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", *about) + b"x" + packed
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, *about, 0, 0, 0, 0, 0) + b"x"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
    (tmp_path / "bomb.zip").write_bytes(local + entry + end)
    code = """
import resource, sys
from medshelf.access.archive import Archive
from medshelf.errors import AccessError
blob = Archive(sys.argv[1]).blob("x")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in (blob.read_bytes, lambda: blob.open().read()):
    try:
        read()
    except AccessError:
        continue
    sys.exit("was read")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "bomb.zip")]
    done = subprocess.run(command, env=python_env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scale = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * scale < 60_000_000


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_a_tar_that_would_unpack_for_hours_is_given_up(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_codec, "BOMB_FROM_BYTES", 4 << 20)
    monkeypatch.setattr(_codec, "CHUNK_BYTES", 64)
    about = tarfile.TarInfo("x")
    about.size = 20 << 20
    packed = {"bz2": bz2, "xz": lzma}[kind].compress(about.tobuf() + bytes(20 << 20))
    (tmp_path / "a.tar").write_bytes(packed)
    with pytest.raises(AccessError, match="absurdly much"):
        _ = Archive(tmp_path / "a.tar").names


def test_a_huge_extended_header_in_a_small_tar_is_refused(tmp_path: Path) -> None:
    about = tarfile.TarInfo("x")
    about.type, about.size = tarfile.XHDTYPE, 1 << 40
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(about.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(AccessError, match="extended header"):
        _ = Archive(tmp_path / "a.tar.gz").names


@pytest.mark.parametrize(
    "size", [b"\xff" * 12, b"\x80" + b"\xff" * 11, b"-0000000012\0", b"9999\0".ljust(12)]
)
def test_a_size_that_cannot_be_is_an_error(size: bytes, make_tar: Maker) -> None:
    path = make_tar({"x": b"1"})
    data = bytearray(path.read_bytes())
    data[124:136] = size
    data[148:156] = b" " * 8
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
    path.write_bytes(data)
    with pytest.raises(AccessError, match="cut or damaged"):
        _ = Archive(path).names


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_an_archive_that_was_cut_is_an_error(
    kind: str, kept: float, content: Content, make_zip: Maker, make_tar: Maker
) -> None:
    path = make_zip(content) if kind == "zip" else make_tar(content, f"a.{kind}", f"w:{kind[4:]}")
    data = path.read_bytes()
    if kind == "tar":
        data = data.rstrip(b"\0")  # the padding may go
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(AccessError, match="cut|too early|directory|damaged") as caught:
        _ = Archive(path).names
    assert caught.value.where == str(path)


def test_a_tar_without_end_mark_is_listed_with_a_problem(make_tar: Maker) -> None:
    path = make_tar({"x": b"1", "y": b"2"})
    path.write_bytes(path.read_bytes()[:2048])
    found = Archive(path)
    assert found.names == ("x", "y")
    assert "no end mark" in found.problems[0].message


def test_a_wrong_gzip_checksum_is_an_error(make_tar: Maker, content: Content) -> None:
    path = make_tar(content, "a.tar.gz", "w:gz")
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    with pytest.raises(AccessError, match="damaged"):
        _ = Archive(path).names


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><title>Log in</title>" + b" " * 999, "web page"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(99), "rar is damaged"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), "7z is damaged"),
        (b"\x28\xb5\x2f\xfd" + bytes(99), "zstd archives are not read"),
        (bytes(5 << 20), "begins with zeros"),
        (b"hello, world " * 99, "no archive that medshelf reads"),
        (gzip.compress(b"\x5c\x01\0\0" * 999), "one file compressed with gzip"),
        (bz2.compress(b"x" * 9999), "one file compressed with bz2"),
        (lzma.compress(b"x" * 9999), "one file compressed with xz"),
    ],
)
def test_what_is_no_archive_says_what_it_is(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(AccessError, match=message):
        _ = Archive(tmp_path / "a.tar").names


def test_the_last_part_of_a_split_zip_says_so(make_zip: Maker) -> None:
    path = make_zip({"x": b"1"})
    data = bytearray(path.read_bytes())
    data[-18:-14] = struct.pack("<2H", 3, 3)
    path.write_bytes(data)
    with pytest.raises(AccessError, match=r"split zip.*disk 4.*zip -s 0 a\.zip"):
        _ = Archive(path).names


def test_a_directory_that_lies_about_places_is_caught(make_zip: Maker) -> None:
    path = make_zip({"x": b"1" * 50, "y": b"2" * 50}, method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = struct.pack("<L", 17)
    path.write_bytes(data)
    with pytest.raises(AccessError, match="no local header at byte 17"):
        Archive(path).blob("y").read_bytes()
    data[second + 42 : second + 46] = struct.pack("<L", 1 << 30)
    path.write_bytes(data)
    assert Archive(path).names == ("x",)
    assert "outside the file" in Archive(path).problems[0].message


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_no_damage_gives_wrong_bytes_or_a_foreign_error(kind: str, make_zip: Maker, make_tar: Maker) -> None:
    """Flip bytes anywhere: what is read is right (zip: always; tar has no checksum of data) or refused."""
    rng = random.Random(7)
    content = {f"folder/{i}.bin": rng.randbytes(300) for i in range(5)}
    path = make_zip(content) if kind == "zip" else make_tar(content, f"a.{kind}", f"w:{kind[4:]}")
    whole, refused = path.read_bytes(), 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.choice((len(data), rng.randrange(len(data))))])
        try:
            found = Archive(path)
            for name in found.names:
                read = found.blob(name).read_bytes()
                assert kind != "zip" or read in content.values()
        except MedshelfError:
            refused += 1
    assert refused > 20


def test_an_archive_in_a_loop_of_itself_is_looked_into_once(
    make_zip: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = make_zip({"c": b"1"}, "c.zip").read_bytes()
    middle = make_zip({"c.zip": inner}, "b.zip").read_bytes()
    path = make_zip({"b.zip": middle}, "a.zip")
    calls: list[str] = []
    read_one = _read_index._read_one

    def watched(source: object, name: str, *rest: object) -> object:
        calls.append(name)
        return read_one(source, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(_read_index, "_read_one", watched)
    assert Archive(path).names == ("b.zip", "b.zip!/c.zip")
    assert len(calls) == 2


# --- unpacking ---------------------------------------------------------------------------------

KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "split", "pieces", "7z"]


def _built(kind: str, content: Content, tmp_path: Path, make_zip: Maker, make_tar: Maker) -> Path:
    if kind == "7z":
        return made.sevenzip(tmp_path / "a.7z", content)
    if kind in ("zip", "split", "pieces"):
        path = make_zip(content)
        return {"zip": lambda p, n: p, "split": made.disks, "pieces": made.pieces}[kind](path, 100)
    return make_tar(content, f"a.{kind}", f"w:{kind[4:]}")


def _refused(path: Path, tmp_path: Path, words: str, **how: object) -> None:
    """Unpack into a folder, and find that nothing was written there or beside it."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(AccessError, match=words) as caught:
        unpack(path, tmp_path / "out" / "deep", **how)  # type: ignore[arg-type]
    assert str(path) in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../up.txt", "leads out"), ("a/../../up.txt", "leads out"), ("/etc/passwd", "absolute"),
        ("C:/x.txt", "drive letter"), ("a/nul.txt", "Windows keeps"), ("COM1", "Windows keeps"),
        ("lpt9.nii.gz", "Windows keeps"), ("aux .txt", "Windows keeps"),
        (".unpacked/a.journal", "folder of the journal"),
        ("d/" * 70 + "x", "folders deep"), ("long" * 64, "longer than 255"),
    ],
)  # fmt: skip
def test_a_bad_name_refuses_the_whole_archive(
    name: str, words: str, kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker
) -> None:
    content = {"good": b"1" * 200, name: b"2" * 200}
    path = _built(kind, content, tmp_path, make_zip, make_tar)
    _refused(path, tmp_path, words)
    assert unpack(path, tmp_path / "out", members=["good"]).n_files == 1
    assert (tmp_path / "out" / "good").read_bytes() == b"1" * 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["Scan.nii", "scan.NII"], "case or spelling"), (["u\u0308.x", "\u00fc.x"], "case or spelling"),
        (["a<b", "a>b"], "case or spelling"), (["case", "case/x"], "a file, and the folder"),
        (["Case", "case/y/x"], "a file, and the folder"),
    ],
)  # fmt: skip
def test_names_that_collide_refuse_the_whole_archive(
    names: list[str], words: str, kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker
) -> None:
    content = {name: name.encode() * 50 for name in names}
    _refused(_built(kind, content, tmp_path, make_zip, make_tar), tmp_path, words)


@pytest.mark.parametrize("kind", ["zip", "split", "pieces", "tar", "tar.gz", "7z"])
def test_a_name_that_comes_twice_refuses_the_whole_archive(
    kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker
) -> None:
    path = _built(kind, {"name1": b"1" * 99, "name2": b"2" * 99}, tmp_path, make_zip, make_tar)
    if kind == "7z":
        made.renamed(path, {"name2": "name1"})
    elif kind == "tar.gz":
        path.write_bytes(gzip.compress(_tar_renamed(gzip.decompress(path.read_bytes()))))
    elif kind == "tar":
        path.write_bytes(_tar_renamed(path.read_bytes()))
    else:
        for part in tmp_path.glob("a.z*"):
            part.write_bytes(part.read_bytes().replace(b"name2", b"name1"))
    _refused(path, tmp_path, "twice")


def _tar_renamed(data: bytes) -> bytes:
    """Call the member name2 name1, with the header's checksum made right: one less in one byte."""
    at = data.index(b"name2")
    head = bytearray(data[at : at + 512].replace(b"name2", b"name1"))
    head[148:156] = f"{int(head[148:154], 8) - 1:06o}\0 ".encode()
    return data[:at] + bytes(head) + data[at + 512 :]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_links_and_devices_of_a_tar_are_not_unpacked(kind: bytes, mode: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", mode) as out:  # type: ignore[call-overload]
        about = tarfile.TarInfo("odd")
        about.type, about.linkname = kind, "../../up"
        out.addfile(about)
        through = tarfile.TarInfo("odd/x")
        through.size = 3
        out.addfile(through, io.BytesIO(b"abc"))
    _refused(tmp_path / "a.tar", tmp_path, "odd: a (symbolic link|hard link|device|pipe)")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
@pytest.mark.parametrize("cut", ["zip", "split", "pieces"])
def test_links_and_devices_of_a_zip_are_not_unpacked(kind: int, cut: str, tmp_path: Path) -> None:
    path = _zip_of_mode(tmp_path, kind | 0o777)
    path = {"zip": lambda p, n: p, "split": made.disks, "pieces": made.pieces}[cut](path, 30)
    _refused(path, tmp_path, "odd: a (symbolic link|device or pipe)")


def _zip_of_mode(tmp_path: Path, mode: int) -> Path:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        about = zipfile.ZipInfo("odd")
        about.create_system, about.external_attr = 3, mode << 16
        out.writestr(about, "/etc/passwd")
    return tmp_path / "a.zip"


def test_a_link_of_a_7z_is_not_unpacked(tmp_path: Path) -> None:
    import py7zr

    (tmp_path / "odd").symlink_to("/etc/passwd")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as out:
        out.write(tmp_path / "odd", "odd")
        out.writestr(b"1", "good")
    (tmp_path / "odd").unlink()
    assert Archive(tmp_path / "a.7z").names == ("good",)
    _refused(tmp_path / "a.7z", tmp_path, "odd: a symbolic link")
    unpack(tmp_path / "a.7z", tmp_path / "out", members=["good"])
    assert (tmp_path / "out" / "good").read_bytes() == b"1"


@pytest.mark.parametrize("bit", [stat.S_ISUID, stat.S_ISGID])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "7z"])
def test_a_file_that_would_run_as_another_is_not_unpacked(kind: str, bit: int, tmp_path: Path) -> None:
    mode = stat.S_IFREG | bit | 0o755
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        _zip_of_mode(tmp_path, mode)
    elif kind == "7z":
        import py7zr

        (tmp_path / "odd").write_bytes(b"1")
        (tmp_path / "odd").chmod(mode & 0o7777)
        with py7zr.SevenZipFile(path, "w") as out:
            out.write(tmp_path / "odd", "odd")
    else:
        with tarfile.open(path, f"w:{kind[4:]}") as out:  # type: ignore[call-overload]
            about = tarfile.TarInfo("odd")
            about.mode = mode & 0o7777
            out.addfile(about)
    _refused(path, tmp_path, "odd: it would run as another user")


def _overlapping(tmp_path: Path, count: int, shared: bool) -> Path:
    """A zip whose entries all point at one kernel, or each at one that begins inside the one before."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bytes(1_000_000)
    kernel = packer.compress(data) + packer.flush()
    fields = (20, 0, 8, 0, 0, zlib.crc32(data), len(kernel), len(data), 1, 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", *fields) + b"a" + kernel
    entries = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, *fields, 0, 0, 0, 0, 0 if shared else i) + bytes([97 + i])
        for i in range(count)
    )
    body = local + bytes(count)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), len(body), 0)
    (tmp_path / "a.zip").write_bytes(body + entries + end)
    return tmp_path / "a.zip"


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("cut", ["zip", "split", "pieces"])
def test_members_that_share_bytes_are_not_unpacked(cut: str, shared: bool, tmp_path: Path) -> None:
    path = _overlapping(tmp_path, 20, shared)
    path = {"zip": lambda p, n: p, "split": made.disks, "pieces": made.pieces}[cut](path, 400)
    _refused(path, tmp_path, "shares bytes with")


def test_more_members_than_a_release_has_are_not_unpacked(
    tmp_path: Path, make_zip: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_unpack_plan, "MOST_MEMBERS", 20)
    _refused(make_zip({str(i): b"" for i in range(21)}), tmp_path, "21 members, more than 20")


@pytest.mark.parametrize("kind", KINDS)
def test_more_bytes_than_the_limit_are_not_unpacked(
    kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker
) -> None:
    path = _built(kind, {"mask.nii": bytes(3_000_000)}, tmp_path, make_zip, make_tar)
    _refused(path, tmp_path, "3000000 bytes, the limit is 2999999", limit_bytes=2_999_999)


def test_a_size_that_cannot_be_is_not_unpacked(tmp_path: Path, make_zip: Maker) -> None:
    path = _damaged(make_zip({"x": bytes(5000)}), struct.pack("<L", 5000), struct.pack("<L", 0x7FFFFFF0))
    _refused(path, tmp_path, "more than its")


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "split", "pieces", "7z", "rar"])
def test_no_damage_gives_a_foreign_error_or_a_file_that_is_not_whole(
    kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker
) -> None:
    rng = random.Random(11)
    content = {f"folder/{i}.bin": rng.randbytes(300) for i in range(5)}
    if kind == "rar":
        path = made.rar(tmp_path / "a.rar", content)
    else:
        path = _built(kind, content, tmp_path, make_zip, make_tar)
    parts = {p: p.read_bytes() for p in sorted(tmp_path.glob("a.*"))}
    refused = 0
    for n in range(60):
        for part, whole in parts.items():
            data = bytearray(whole)
            for _ in range(rng.choice((0, 1, 3)) if len(parts) > 2 else rng.choice((1, 3))):
                data[rng.randrange(len(data))] = rng.randrange(256)
            part.write_bytes(data if len(parts) > 2 else data[: rng.choice((len(data), rng.randrange(len(data))))])
        out = tmp_path / "out" / str(n)
        try:
            unpack(path, out)
        except MedshelfError:
            refused += 1
        files = [p for p in out.rglob("*") if p.is_file() and ".unpacked" not in p.parts]
        assert kind.startswith("tar") or all(p.read_bytes() in content.values() for p in files)
        assert not list(out.rglob("*.part"))
    assert refused > 10
    assert {p.name for p in tmp_path.iterdir()} <= {*(p.name for p in parts), "out"}


@pytest.mark.parametrize("kind", ["aes", "7z with right checksums"])
def test_no_damage_behind_a_lock_or_a_checksum_gives_wrong_bytes_or_a_foreign_error(kind: str, tmp_path: Path) -> None:
    rng, path = random.Random(13), tmp_path / "a"
    content = {f"{i}.bin": rng.randbytes(200) + bytes(800) for i in range(4)}
    if kind == "aes":
        import pyzipper

        with pyzipper.AESZipFile(path, "w", pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as out:
            out.setpassword(b"sesame")
            for name, data in content.items():
                out.writestr(name, data)
    else:
        made.sevenzip(path, content)
    whole, refused = path.read_bytes(), 0
    (head,) = struct.unpack_from("<Q", whole, 12)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3))):
            begin = 0 if kind == "aes" else 32 + head
            data[rng.randrange(begin, len(data))] = rng.choice((0, 255, rng.randrange(256)))
        path.write_bytes(data)
        if kind != "aes":
            made.renamed(path, {})
        try:
            found = Archive(path, password="sesame" if kind == "aes" else None)
            for name in found.names:
                assert found.blob(name).read_bytes() in (*content.values(), b"")
        except MedshelfError:
            refused += 1
    assert refused > 100
