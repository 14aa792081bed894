"""Parts out of archives under attack: odd archives, odd servers, and what people do to the files between two calls."""

from __future__ import annotations

import json
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import medshelf
from medshelf.access._unpack_journal import Journal
from medshelf.access.archive import Archive
from medshelf.access.download import coming, many, read_lock
from medshelf.access.download.members import fetch_members
from medshelf.access.web import Patience, Web
from medshelf.catalogue import shelf
from medshelf.errors import NotWhole
from tests.access.faults.server import FaultServer, cut_after, no_ranges, running, serve, shifted_range, status
from tests.access.made import disks
from tests.fetch.test_parts import as_released, zipped

HASTY = Patience(tries=2, connect_s=2, stall_s=1, longest_wait_s=0.1, give_up_s=3, reach_s=2)
ACCEPTED = ["unknown", "CC-BY-4.0"]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running() as made:
        yield made


def a_zip(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", method) as out:
        for name, data in files.items():
            out.writestr(name, data)
    return made.getvalue()


def some(server: FaultServer, to: Path, *include: str, path: str = "/x.zip", **how: Any) -> Any:
    """Get some members of an archive of the server."""
    return medshelf.get(
        "sts2d-2023", to, include=include, source=server.url(path), accept_licences=ACCEPTED,
        web=Web(rewrites={}, patience=HASTY), **how,
    )  # fmt: skip


def found(folder: Path) -> dict[str, bytes]:
    """Return what lies in a folder, but for what the program keeps for itself."""
    every = (path for path in folder.rglob("*") if path.is_file() and ".unpacked" not in path.parts)
    return {path.name: path.read_bytes() for path in every if not path.name.startswith((".medshelf", "medshelf."))}


def asked_bytes(served: Any) -> int:
    """Return how many bytes of a file were asked for, in ranges."""
    asked = [headers["range"].removeprefix("bytes=").split("-") for _, headers in served.asked if "range" in headers]
    return sum(min(int(stop or len(served.data)) + 1, len(served.data)) - int(start) for start, stop in asked)


def random_files(n: int, n_bytes: int, ending: str = "bin") -> dict[str, bytes]:
    return {f"scan_{k}.{ending}": os.urandom(n_bytes) for k in range(n)}


def bent(data: bytes, name: str) -> bytes:
    """Return a zip with one byte of a member changed."""
    with zipfile.ZipFile(BytesIO(data)) as made:
        one = made.getinfo(name)
    changed = bytearray(data)
    changed[one.header_offset + 30 + len(name) + one.compress_size // 2] ^= 0xFF
    return bytes(changed)


# --- what is damaged comes anew ------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("password", [None, "secret"])
def test_damage_on_the_way_is_healed(
    method: int, password: str | None, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if password:
        monkeypatch.setenv("MEDSHELF_ARCHIVE_PASSWORD", password)
    files = {f"scan_{k}.bin": os.urandom(1_000_000) + bytes(500_000) for k in range(4)}
    good = a_zip(files, method)
    served = server.put("/x.zip", good, etag='"1"')

    def once_bent(handler: Any, one: Any) -> None:  # the directory is right, the first bytes that come are not
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        is_part = "/x.zip" in one.asked[-1][0] and start > 100_000 and len(one.data) - start > 200_000
        if is_part and not hits:
            hits.append(start)
            one.data = bent(good, "scan_1.bin")
            serve(handler, one)
            one.data = good
        else:
            serve(handler, one)

    hits: list[int] = []
    served.always = once_bent
    got = some(server, tmp_path, "scan_[12].bin")
    assert hits and got.exit_code == 0, got.failures
    assert found(tmp_path) == {name: files[name] for name in ("scan_1.bin", "scan_2.bin")}


def test_a_compression_that_is_not_read_is_told_before_its_bytes_come(server: FaultServer, tmp_path: Path) -> None:
    files = random_files(4, 500_000)
    data = bytearray(a_zip(files, zipfile.ZIP_STORED))
    for mark, at in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):  # all are called PPMd
        place = data.find(mark)
        while place >= 0:
            struct.pack_into("<H", data, place + at, 98)
            place = data.find(mark, place + 1)
    served = server.put("/x.zip", bytes(data), etag='"1"')
    got = some(server, tmp_path, "scan_[12].bin")
    assert "PPMd" in str(got.failures[0].error) and got.exit_code == 3
    assert asked_bytes(served) < 400_000
    assert not list(tmp_path.rglob("*.part"))


# --- passwords -----------------------------------------------------------------------------


def encrypted(files: Mapping[str, bytes], password: bytes) -> bytes:
    """Return a zip of stored members under the old cipher (APPNOTE 6.1)."""
    table = [0] * 256
    for n in range(256):
        value = n
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        table[n] = value

    def locked(data: bytes) -> bytes:
        a, b, c = 0x12345678, 0x23456789, 0x34567890

        def feed(byte: int) -> None:
            nonlocal a, b, c
            a = table[(a ^ byte) & 0xFF] ^ a >> 8
            b = ((b + (a & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
            c = table[(c ^ b >> 24) & 0xFF] ^ c >> 8

        for byte in password:
            feed(byte)
        out = bytearray()
        for byte in data:
            mixed = c | 2
            out.append(byte ^ (mixed * (mixed ^ 1) >> 8) & 0xFF)
            feed(byte)
        return bytes(out)

    body, directory = bytearray(), bytearray()
    for name, data in files.items():
        crc = zlib.crc32(data)
        packed = locked(os.urandom(11) + bytes([crc >> 24]) + data)
        sizes = (crc, len(packed), len(data), len(name), 0)
        told = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 1, 0, 0, 0, *sizes, 0, 0, 0, 0, len(body))
        directory += told + name.encode()
        body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, 1, 0, 0, 0, *sizes) + name.encode() + packed
    n, at = len(files), len(body)
    return bytes(body + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, len(directory), at, 0))


def test_passwords(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = random_files(4, 300_000)
    served = server.put("/x.zip", encrypted(files, b"right"), etag='"1"')
    monkeypatch.delenv("MEDSHELF_ARCHIVE_PASSWORD", raising=False)
    got = some(server, tmp_path, "scan_[12].bin")
    assert "MEDSHELF_ARCHIVE_PASSWORD" in str(got.failures[0].error) and asked_bytes(served) < 150_000
    monkeypatch.setenv("MEDSHELF_ARCHIVE_PASSWORD", "wrong-one")
    got = some(server, tmp_path, "scan_[12].bin")
    assert "the password is wrong" in str(got.failures[0].error) and "wrong-one" not in str(got.as_dict())
    sent = asked_bytes(served)
    monkeypatch.setenv("MEDSHELF_ARCHIVE_PASSWORD", "right")
    got = some(server, tmp_path, "scan_[12].bin")
    assert got.exit_code == 0 and asked_bytes(served) - sent < 150_000  # what came with the wrong one is used
    assert found(tmp_path) == {name: files[name] for name in ("scan_1.bin", "scan_2.bin")}


def test_a_damaged_member_under_the_right_password(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = random_files(4, 150_000)
    good = encrypted(files, b"right")
    server.put("/x.zip", bent(good, "scan_1.bin"), etag='"1"')
    monkeypatch.setenv("MEDSHELF_ARCHIVE_PASSWORD", "right")
    got = some(server, tmp_path, "scan_[12].bin")
    assert got.exit_code == 4, got.failures
    server.put("/x.zip", good, etag='"1"')  # it was the way, and not the file
    got = some(server, tmp_path, "scan_[12].bin")
    assert got.exit_code == 0, got.failures
    assert found(tmp_path) == {name: files[name] for name in ("scan_1.bin", "scan_2.bin")}


# --- odd archives --------------------------------------------------------------------------


def test_odd_members_of_a_zip(server: FaultServer, tmp_path: Path) -> None:
    files = {
        "empty.bin": b"", "a/deep/scan_1.bin": os.urandom(70_000), "what?.bin": b"odd name", "end..bin": b"dots",
        "other.txt": os.urandom(200_000),
    }  # fmt: skip
    stub = b"#!/bin/sh\nexit 1\n" * 1000  # a self-extracting archive
    server.put("/x.zip", stub + a_zip(files), etag='"1"')
    got = some(server, tmp_path, "*.bin")
    assert got.exit_code == 0, got.failures
    here = found(tmp_path)
    assert here == {"empty.bin": b"", "scan_1.bin": files["a/deep/scan_1.bin"], "what_.bin": b"odd name",
                    "end..bin": b"dots"}  # fmt: skip
    assert some(server, tmp_path, "*.bin").received_bytes == 0
    assert {plan.here for plan in medshelf.plan("sts2d-2023", tmp_path, include=["*.bin"], source=server.url("/x.zip"),
            web=Web(rewrites={}, patience=HASTY)).files} == {"yes"}  # fmt: skip


def test_a_zip_that_was_written_to_a_pipe(server: FaultServer, tmp_path: Path) -> None:
    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    files = random_files(4, 90_000)
    made = Pipe()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:  # with data descriptors
        for name, data in files.items():
            out.writestr(name, data)
    server.put("/x.zip", made.getvalue(), etag='"1"')
    assert some(server, tmp_path, "scan_[03].bin").exit_code == 0
    assert found(tmp_path) == {name: files[name] for name in ("scan_0.bin", "scan_3.bin")}


def test_empty_members_of_a_tar(server: FaultServer, tmp_path: Path) -> None:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        for name, data in {"empty_1.bin": b"", "x.txt": b"x" * 9000, "empty_2.bin": b""}.items():
            told = tarfile.TarInfo(name)
            told.size = len(data)
            out.addfile(told, BytesIO(data))
    server.put("/x.tar", made.getvalue(), etag='"1"')
    got = some(server, tmp_path, "*.bin", path="/x.tar")
    assert got.exit_code == 0, got.failures
    assert found(tmp_path) == {"empty_1.bin": b"", "empty_2.bin": b""}


def test_a_local_header_of_another_length(server: FaultServer, tmp_path: Path) -> None:
    files = random_files(3, 90_000)
    data = bytearray(a_zip(files, zipfile.ZIP_STORED))
    second = data.find(b"PK\x03\x04", 4)
    struct.pack_into("<H", data, second + 28, 60_000)  # says that its extra field is long
    server.put("/x.zip", bytes(data), etag='"1"')
    got = some(server, tmp_path, "scan_[01].bin")
    assert got.exit_code == 4 and isinstance(got.failures[0].error, NotWhole)
    assert "scan_1.bin" not in found(tmp_path)


def test_members_that_would_stand_in_the_way_of_other_files(server: FaultServer, tmp_path: Path) -> None:
    hostile = {
        "medshelf.lock.json": b"{}", ".medshelf.owner": b"{}", "x.zip": b"me", "x.zip.part": b"p",
        "x.zip.part.json": b"j",
    }  # fmt: skip
    server.put("/x.zip", a_zip({**hostile, "other.txt": b"1" * 5000}), etag='"1"')
    got = some(server, tmp_path, *(f"x.zip!/{name}" for name in hostile))
    if got.exit_code == 0:  # they went into a folder of their own
        assert {one.name.partition("/")[0] for one in got.fetched} == {"x"}
    json.loads((tmp_path / "medshelf.lock.json").read_bytes())["files"]
    assert not (tmp_path / "x.zip").exists()


# --- odd servers ---------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"strong"', 'W/"weak"', "unquoted", None])
@pytest.mark.parametrize("modified", ["Wed, 21 Oct 2015 07:28:00 GMT", None])
def test_what_servers_say_of_a_state(
    etag: str | None, modified: str | None, server: FaultServer, tmp_path: Path
) -> None:
    files = random_files(4, 400_000)
    served = server.put("/x.zip", a_zip(files), etag=etag, modified=modified)
    got = some(server, tmp_path, "scan_[02].bin")
    assert got.exit_code == 0, got.failures
    assert found(tmp_path) == {name: files[name] for name in ("scan_0.bin", "scan_2.bin")}
    assert asked_bytes(served) < 1_000_000


@pytest.mark.parametrize("fault", [no_ranges, shifted_range, status(429, Retry_After="0"), status(500), cut_after(1000),
                                   cut_after(40_000, rudely=True)], ids=str)  # fmt: skip
def test_faults_while_members_come(fault: Any, server: FaultServer, tmp_path: Path) -> None:
    files = random_files(12, 200_000)
    served = server.put("/x.zip", a_zip(files), etag='"1"')
    plan = medshelf.plan("sts2d-2023", tmp_path, include=["scan_?.bin"], exclude=["scan_[147].bin"],
                         source=server.url("/x.zip"), web=Web(rewrites={}, patience=HASTY))  # fmt: skip
    served.faults = [fault, fault]
    got = medshelf.get(plan, accept_licences=ACCEPTED, web=Web(rewrites={}, patience=HASTY))
    wanted = {name: data for name, data in files.items() if name in {f"scan_{n}.bin" for n in (0, 2, 3, 5, 6, 8, 9)}}
    if got.exit_code:
        assert found(tmp_path).keys() <= {*wanted, "x.zip.part", "x.zip.part.json"}
        served.faults = []
        got = some(server, tmp_path, "scan_[02356789].bin", exclude=["scan_[147].bin"])
    assert got.exit_code == 0, got.failures
    assert found(tmp_path) == wanted


def test_a_tar_that_changes_without_a_word(server: FaultServer, tmp_path: Path) -> None:
    """A server that tells neither ETag nor date, and a tar of the same size with other members."""

    def tar(names: list[str]) -> bytes:
        made = BytesIO()
        with tarfile.open(fileobj=made, mode="w") as out:
            for name in names:
                told = tarfile.TarInfo(name)
                told.size = 48_000
                out.addfile(told, BytesIO(name.encode() * 8000))
        return made.getvalue()

    served = server.put("/x.tar", tar(["aa.bin", "bb.bin", "cc.bin"]), etag=None)
    plan = medshelf.plan("sts2d-2023", tmp_path, include=["bb.bin"], source=server.url("/x.tar"),
                         web=Web(rewrites={}, patience=HASTY))  # fmt: skip
    served.data = tar(["aa.bin", "cc.bin", "bb.bin"])
    got = medshelf.get(plan, accept_licences=ACCEPTED, web=Web(rewrites={}, patience=HASTY))
    for data in found(tmp_path).values():
        assert data.startswith(b"bb.bin")
    assert got.exit_code == 4


# --- what people do in between -------------------------------------------------------------


def test_members_that_were_changed_or_removed(server: FaultServer, tmp_path: Path) -> None:
    files = random_files(4, 50_000)
    server.put("/x.zip", a_zip(files), etag='"1"')
    for unpacked_whole in (False, True):
        if unpacked_whole:
            medshelf.get("sts2d-2023", tmp_path, source=server.url("/x.zip"), accept_licences=ACCEPTED, unpack=True,
                         web=Web(rewrites={}, patience=HASTY))  # fmt: skip
        some(server, tmp_path, "scan_[012].bin")
        one, two = (next(tmp_path.rglob(name)) for name in ("scan_1.bin", "scan_2.bin"))
        one.unlink()
        two.write_bytes(bytes(50_000))
        got = some(server, tmp_path, "scan_[012].bin")
        assert got.exit_code == 0, got.failures
        assert one.read_bytes() == files["scan_1.bin"] and two.read_bytes() == files["scan_2.bin"]


def test_a_part_is_not_left_behind(server: FaultServer, tmp_path: Path) -> None:
    files = random_files(6, 2_000_000)
    server.put("/x.zip", a_zip(files), etag='"1"', rate_bytes_per_s=30e6)

    def stop(there: int, size: int | None, name: str) -> None:
        if there > 3_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        some(server, tmp_path, "scan_[0135].bin", progress=stop)
    assert list(tmp_path.rglob("*.part"))
    assert some(server, tmp_path, "scan_0.bin").exit_code == 0  # fewer than an earlier call began
    assert some(server, tmp_path, "scan_[0135].bin").exit_code == 0
    assert not list(tmp_path.rglob("*.part")) and not list(tmp_path.rglob("*.part.json"))


def test_a_part_of_a_killed_call_goes_when_all_is_in_place(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("/x.zip", a_zip(random_files(4, 900_000)), etag='"1"')
    with monkeypatch.context() as patched:  # killed after the last rename, before the part is removed
        patched.setattr(coming.Coming, "end", lambda self: None)
        some(server, tmp_path, "scan_[12].bin")
    assert list(tmp_path.rglob("*.part"))
    assert some(server, tmp_path, "scan_[12].bin").received_bytes == 0
    assert not list(tmp_path.rglob("*.part*"))


def test_progress_never_says_more_than_all(server: FaultServer, tmp_path: Path) -> None:
    server.put("/x.zip", a_zip(random_files(6, 400_000)), etag='"1"')
    for include in (["scan_[13].bin"], ["scan_[135].bin"], ["scan_[135].bin"]):
        said: list[tuple[int, int | None, str]] = []
        web = Web(rewrites={}, patience=HASTY)
        plan = medshelf.plan("sts2d-2023", tmp_path, include=include, source=server.url("/x.zip"), web=web)
        got = medshelf.get(plan, accept_licences=ACCEPTED, web=web, progress=lambda *one, said=said: said.append(one))
        assert got.received_bytes == plan.bytes_to_fetch
        assert all(size is not None and there <= size == plan.size_bytes for there, size, _ in said)
        assert said[-1][0] == plan.size_bytes


def test_an_interrupt_while_unpacking_does_not_wait_for_the_rest(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = random_files(6, 400_000)
    server.put("/x.zip", a_zip(files), etag='"1"')

    def interrupted(source: Any, picked: Any, target: Any, tools: Any, *rest: Any) -> Any:
        noting = Journal.add

        def add(journal: Journal, *what: Any) -> None:
            noting(journal, *what)
            tools.stop.set()  # what Ctrl-C does

        with monkeypatch.context() as patched:
            patched.setattr(Journal, "add", add)
            return fetch_members(source, picked, target, tools, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(many, "fetch_members", interrupted)
        got = some(server, tmp_path, "scan_[0123].bin")
    assert not got.fetched
    assert [name for name in found(tmp_path) if name.endswith(".bin")] == ["scan_0.bin"]
    assert some(server, tmp_path, "scan_[0123].bin").received_bytes == 0
    assert found(tmp_path) == {name: files[name] for name in ("scan_0.bin", "scan_1.bin", "scan_2.bin", "scan_3.bin")}


# --- adopting what is here -----------------------------------------------------------------


def test_add_after_a_part_was_fetched_keeps_what_is_known(server: FaultServer, tmp_path: Path) -> None:
    files = random_files(4, 50_000)
    server.put("/x.zip", a_zip(files), etag='"1"')
    some(server, tmp_path, "scan_[12].bin")
    before = read_lock(tmp_path)
    (tmp_path / "x.zip.part").write_bytes(b"begun")
    (tmp_path / "x.zip.part.json").write_bytes(b"{}")
    web = Web(rewrites={}, patience=HASTY)
    medshelf.add("sts2d-2023", tmp_path, source=server.url("/x.zip"), web=web, force=True)
    after = read_lock(tmp_path)
    assert {name: (one.ref, one.strength, one.sha256) for name, one in after.items()} == {
        name: (one.ref, one.strength, one.sha256) for name, one in before.items()
    }
    next(tmp_path.rglob("scan_1.bin")).write_bytes(bytes(50_000))
    added = medshelf.add("sts2d-2023", tmp_path, source=server.url("/x.zip"), web=web, force=True)
    assert [(one.name.rpartition("/")[2], one.kind) for one in added.doubts if one.kind != "missing"] == [
        ("scan_1.bin", "changed")
    ]



# --- folders that other programs unpacked --------------------------------------------------


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of a dataset that is released as three zips."""
    folder = tmp_path_factory.mktemp("nuclei") / "twin"
    medshelf.twin("bbbc039", folder, cases=8)
    return folder


def unpacked_by_hand(twin: Path, to: Path) -> None:
    to.mkdir()
    for part in ("images", "masks", "metadata"):
        (to / f"{part}.zip").write_bytes(zipped(twin / part))
        shutil.copytree(twin / part, to / part)


def test_what_was_unpacked_by_hand_is_no_second_copy(nuclei: Path, tmp_path: Path) -> None:
    by_hand = tmp_path / "by hand"
    unpacked_by_hand(nuclei, by_hand)
    with running() as server, as_released(server, nuclei) as web:
        added = medshelf.add("bbbc039", by_hand, web=web)
        assert (added.exit_code, added.doubts) == (0, ())
        got = medshelf.get("bbbc039", by_hand, unpack=True, web=web)
        assert (got.exit_code, got.received_bytes) == (0, 0)
    for _ in range(2):
        assert {one.check for one in medshelf.check("bbbc039", by_hand).findings} == {"layout.count"}
        assert len(medshelf.open("bbbc039", by_hand)) == 16
        assert medshelf.identify(by_hand).dataset == "bbbc039"
        shutil.rmtree(by_hand / ".unpacked", ignore_errors=True)
    changed = next((by_hand / "images").iterdir())
    changed.write_bytes(changed.read_bytes() + b"more")  # which of the two is right nobody can know
    assert {one.check for one in medshelf.check("bbbc039", by_hand).findings} == {"layout.count", "layout.duplicate"}


def test_archives_that_were_removed_after_unpacking(nuclei: Path, tmp_path: Path) -> None:
    by_hand = tmp_path / "by hand"
    unpacked_by_hand(nuclei, by_hand)
    (by_hand / "images.zip").unlink()
    record = shelf.load("bbbc039")
    assert record.layout is not None
    expect = record.layout.expect
    assert expect is not None
    here = replace(record, layout=replace(record.layout, expect=replace(expect, cases=16)))
    with running() as server, as_released(server, nuclei) as web:
        added = medshelf.add(here, by_hand, web=web)
        assert (added.exit_code, added.doubts) == (0, ()) and "images.zip" in added.notes[0]
        next((by_hand / "images").iterdir()).unlink()
        added = medshelf.add(here, by_hand, web=web)
        assert added.exit_code == 1 and [one.name for one in added.doubts] == ["images.zip"]


def test_an_archive_of_which_there_is_a_newer_state(nuclei: Path, tmp_path: Path) -> None:
    with running() as server, as_released(server, nuclei) as web:
        medshelf.get("bbbc039", tmp_path / "part", cases=3, web=web)
        medshelf.get("bbbc039", tmp_path / "whole", web=web)
        newer = tmp_path / "images"
        shutil.copytree(nuclei / "images", newer)
        first = min(newer.iterdir())
        first.write_bytes(first.read_bytes() + b"v2")
        server.put("/images.zip", zipped(newer), etag='"v2"')
        for folder, cases in (("part", 3), ("whole", None)):
            got = medshelf.get("bbbc039", tmp_path / folder, cases=cases, web=web)
            assert [one.name for one in got.failures] == ["images.zip"]
            assert "--existing replace" in str(got.failures[0].error)
            got = medshelf.get("bbbc039", tmp_path / folder, cases=cases, existing="replace", web=web)
            assert got.exit_code == 0, got.failures
    assert (tmp_path / "part" / "images" / first.name).read_bytes() == first.read_bytes()


def test_an_archive_whose_address_ends_otherwise(nuclei: Path, tmp_path: Path) -> None:
    record = shelf.load("bbbc039")
    there = "https://data.broadinstitute.org/bbbc/BBBC039"
    files = tuple(replace(one, url=f"{there}/{one.name[:-4]}/content") for one in record.access.files)
    record = replace(record, access=replace(record.access, files=files))
    with running() as server, as_released(server, nuclei) as web:
        for part in ("images", "masks", "metadata"):
            server.put(f"/{part}/content", zipped(nuclei / part), etag='"1"')
        assert medshelf.get(record, tmp_path, cases=3, web=web).exit_code == 0
        assert {path.name for path in tmp_path.rglob("*.journal")} == {"images.zip.journal", "masks.zip.journal"}
        assert medshelf.get(record, tmp_path, unpack=True, web=web).exit_code == 0
    assert len(medshelf.open("bbbc039", tmp_path)) == 16


def test_what_a_layout_ignores_is_not_taken_out_of_archives(nuclei: Path, tmp_path: Path) -> None:
    record = shelf.load("bbbc039")
    assert record.layout is not None
    record = replace(record, layout=replace(record.layout, ignore=(*record.layout.ignore, "**/*.preview")))
    data = BytesIO(zipped(nuclei / "images"))
    with zipfile.ZipFile(data, "a") as made:
        made.writestr("images/large.preview", os.urandom(300_000))
        made.writestr("images/README.md", b"read me")
    with running() as server, as_released(server, nuclei) as web:
        server.put("/images.zip", data.getvalue(), etag='"1"')
        got = medshelf.get(record, tmp_path, cases=3, web=web)
    assert got.exit_code == 0 and len(list((tmp_path / "images").iterdir())) == 3


def test_a_split_zip_comes_with_all_its_parts(server: FaultServer, tmp_path: Path) -> None:
    files = {"scan_1.bin": os.urandom(90_000), "scan_2.bin": os.urandom(90_000)}
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "x.zip").write_bytes(a_zip(files))
    disks(tmp_path / "made" / "x.zip", 100_000)
    record = shelf.load("bbbc039")
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names[0] == "x.z01" and names[-1] == "x.zip"
    told = tuple(replace(record.access.files[0], name=name, url=f"https://data.broadinstitute.org/bbbc/x/{name}")
                 for name in names)  # fmt: skip
    for name in names:
        server.put(f"/{name}", (tmp_path / "made" / name).read_bytes(), etag='"1"')
    record = replace(record, access=replace(record.access, files=told))
    web = Web(rewrites={"https://data.broadinstitute.org/bbbc/x": server.url("")}, patience=HASTY)
    got = medshelf.get(record, tmp_path / "to", include=["scan_1.bin"], web=web)
    assert sorted(one.name for one in got.fetched) == names
    assert sorted(Archive(tmp_path / "to" / "x.zip").names) == ["scan_1.bin", "scan_2.bin"]
