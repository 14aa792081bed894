"""Unpacking: whole files or none, gone on with after a kill, and what is refused before anything is written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medshelf.access import unpack as module
from medshelf.access.archive import Archive
from medshelf.access.unpack import unpack
from medshelf.errors import AccessError, DiskFull, NotFound
from tests.access import made
from tests.access.faults import unpack_kills
from tests.access.faults.unpack_kills import read

Maker = Callable[..., Path]
Content = dict[str, bytes]
KINDS = ["zip", "tar", "tar.gz", "tar.xz", "7z", "rar", "split", "pieces"]


def make(kind: str, content: Content, tmp_path: Path, make_zip: Maker, make_tar: Maker) -> Path:
    if kind in ("7z", "rar"):
        return {"7z": made.sevenzip, "rar": made.rar}[kind](tmp_path / f"a.{kind}", content)
    if kind == "split":
        return made.disks(make_zip(content), 65_536)
    if kind == "pieces":
        return made.pieces(make_zip(content), 65_536)
    return make_zip(content) if kind == "zip" else make_tar(content, f"a.{kind}", f"w:{kind[4:]}")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_unpacked_once(
    kind: str, tmp_path: Path, make_zip: Maker, make_tar: Maker, content: Content
) -> None:
    path, out, told = make(kind, content, tmp_path, make_zip, make_tar), tmp_path / "out", []
    first = unpack(path, out, progress=lambda done, of: told.append((done, of)))
    assert read(out) == content
    size = sum(map(len, content.values()))
    assert (first.n_files, first.size_bytes, first.n_kept, first.renamed) == (len(content), size, 0, {})
    assert told[-1] == (size, size)
    assert not list(out.rglob("*.part"))
    marker = json.loads((out / ".unpacked" / f"{path.name}.json").read_text())
    assert marker["directory_sha256"] == first.directory_sha256
    times = {p: p.stat().st_mtime_ns for p in out.rglob("*.bin")}
    again = unpack(path, out)
    assert (again.n_kept, again.directory_sha256) == (len(content), first.directory_sha256)
    assert times == {p: p.stat().st_mtime_ns for p in out.rglob("*.bin")}
    (out / "case_2" / "image.bin").unlink()
    assert unpack(path, out).n_kept == len(content) - 1
    assert read(out) == content


def test_members_alone_are_taken_and_the_rest_later(tmp_path: Path, make_zip: Maker, content: Content) -> None:
    path, out = make_zip({**content, "../up": b"1"}), tmp_path / "out"
    names = ["case_2/image.bin", "empty.bin"]
    assert unpack(path, out, members=names).n_files == 2
    assert read(out) == {name: content[name] for name in names}
    assert not list(out.rglob("*.json"))
    assert unpack(path, out, members=content).n_kept == 2
    assert read(out) == content
    with pytest.raises(NotFound, match="no such member"):
        unpack(path, out, members=["../up"])


def test_several_archives_share_a_folder(tmp_path: Path, make_zip: Maker, make_tar: Maker) -> None:
    unpack(make_zip({"a/x": b"1"}), tmp_path / "out")
    unpack(make_tar({"a/y": b"2"}), tmp_path / "out")
    assert read(tmp_path / "out") == {"a/x": b"1", "a/y": b"2"}


def test_what_others_put_there_is_not_touched(tmp_path: Path, make_zip: Maker) -> None:
    path, out = make_zip({"a/x": b"1", "b": b"2"}), tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "x").write_bytes(b"mine")
    with pytest.raises(AccessError, match="something else stands"):
        unpack(path, out)
    assert read(out) == {"a/x": b"mine"}
    shutil.rmtree(out)
    unpack(path, out)
    (out / "b").write_bytes(b"corrected")
    with pytest.raises(AccessError, match="something else stands"):
        unpack(path, out)
    assert (out / "b").read_bytes() == b"corrected"


@pytest.mark.parametrize("place", ["a", ".unpacked", "a/x"])
def test_a_link_on_the_way_is_not_followed(place: str, tmp_path: Path, make_zip: Maker) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    (out / place).parent.mkdir(parents=True)
    (out / place).symlink_to(outside)
    with pytest.raises(AccessError, match="stands"):
        unpack(make_zip({"a/x": b"1"}), out)
    assert not list(outside.iterdir())


def test_names_that_are_not_portable_are_mapped_and_told(tmp_path: Path, make_zip: Maker) -> None:
    names = {'t10:30/c?.bin': "t10_30/c_.bin", "end./x ": "end_/x_", "plain": "plain"}
    done = unpack(make_zip({name: name.encode() for name in names}), tmp_path / "out")
    assert read(tmp_path / "out") == {new: old.encode() for old, new in names.items()}
    assert done.renamed == {old: new for old, new in names.items() if old != new}


def test_sizes_are_compared_with_the_limit_and_the_disk_first(
    tmp_path: Path, make_zip: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = make_zip({"mask.nii": bytes(5_000_000), "x": b"1"}), tmp_path / "out"
    with pytest.raises(AccessError, match="5000001 bytes, the limit is 5000000"):
        unpack(path, out, limit_bytes=5_000_000)
    assert not out.exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**8, 10**8, 6_000_000))
    with pytest.raises(DiskFull, match="6000000 are free"):
        unpack(path, out)
    assert read(out) == {}
    monkeypatch.undo()
    assert unpack(path, out, limit_bytes=5_000_001).size_bytes == 5_000_001  # 1000 to 1 is honest


def test_a_disk_that_fills_leaves_whole_files(
    tmp_path: Path, make_zip: Maker, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    path, out, copy = make_zip(content), tmp_path / "out", module._copy

    def full(stream: object, file: object, step: module.Step, told: object) -> int:
        if step.name == "case_10/one block.bin":
            file.write(b"half")  # type: ignore[attr-defined]
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(stream, file, step, told)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_copy", full)
    with pytest.raises(DiskFull, match="it goes on"):
        unpack(path, out)
    assert all(data == content[name] for name, data in read(out).items())
    monkeypatch.undo()
    unpack(path, out)
    assert read(out) == content


def test_a_damaged_member_is_never_put_in_place(tmp_path: Path, make_zip: Maker, content: Content) -> None:
    import zipfile

    path, out = make_zip(content, method=zipfile.ZIP_STORED), tmp_path / "out"
    data = bytearray(path.read_bytes())
    data[data.index(content["case_2/image.bin"][:100]) + 50] ^= 1
    path.write_bytes(data)
    with pytest.raises(AccessError, match="checksum is wrong"):
        unpack(path, out)
    assert "case_2/image.bin" not in read(out)


def test_a_password_opens_what_is_locked(tmp_path: Path) -> None:
    import pyzipper

    with pyzipper.AESZipFile(tmp_path / "a.zip", "w", encryption=pyzipper.WZ_AES) as out:
        out.setpassword(b"sesame")
        out.writestr("x", b"1" * 1000)
    with pytest.raises(AccessError, match="encrypted"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    unpack(tmp_path / "a.zip", tmp_path / "out", password="sesame")
    assert read(tmp_path / "out") == {"x": b"1" * 1000}
    assert b"sesame" not in b"".join(p.read_bytes() for p in (tmp_path / "out" / ".unpacked").iterdir())


def test_an_archive_inside_stays_a_file(tmp_path: Path, make_zip: Maker) -> None:
    inner = make_zip({"../up": b"1"}, "inner.zip").read_bytes()
    unpack(make_zip({"inner.zip": inner}), tmp_path / "out")
    assert read(tmp_path / "out") == {"inner.zip": inner}


def test_a_journal_of_another_archive_says_nothing(tmp_path: Path, make_zip: Maker) -> None:
    unpack(make_zip({"x": b"one"}), tmp_path / "out")
    with pytest.raises(AccessError, match="something else stands"):
        unpack(make_zip({"x": b"two"}), tmp_path / "out")
    assert read(tmp_path / "out") == {"x": b"one"}


@pytest.mark.parametrize("cut", [1, 7])
def test_a_torn_journal_is_read_as_far_as_it_is_whole(
    cut: int, tmp_path: Path, make_tar: Maker, content: Content
) -> None:
    path, out = make_tar(content), tmp_path / "out"
    unpack(path, out)
    (out / ".unpacked" / "a.tar.json").unlink()
    journal = out / ".unpacked" / "a.tar.journal"
    journal.write_bytes(journal.read_bytes()[:-cut])
    with pytest.raises(AccessError, match="something else stands"):
        unpack(path, out)  # a line is written before its file is put in place
    (out / list(content)[-1]).unlink()
    (out / "case_2" / "image.bin").write_bytes(b"torn by a power cut")
    assert unpack(path, out).n_kept == len(content) - 2
    assert read(out) == content


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
@pytest.mark.parametrize("kind", unpack_kills.KINDS)
def test_killed_at_any_moment_every_file_is_whole_and_the_next_run_goes_on(kind: str, tmp_path: Path) -> None:
    """`make chaos` kills more often, and prints what was seen."""
    n_kills = 3 if kind == "zip" else 1
    assert unpack_kills.run(kind, tmp_path, n_kills, seed=n_kills).kills >= n_kills


def test_it_is_an_archive_that_is_unpacked(tmp_path: Path, make_zip: Maker) -> None:
    archive = Archive(make_zip({"x": b"1"}))
    assert unpack(archive, tmp_path / "out").archive == archive.where
