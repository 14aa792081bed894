"""Files are whole or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from medshelf.access.atomic import hash_file, write_atomically, written_atomically
from medshelf.errors import AccessError, NotFound


def test_the_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with write_atomically(target) as stream:
        stream.write(b"half")
        assert not target.exists()
        stream.write(b" and half")
    assert target.read_bytes() == b"half and half"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_an_error_leaves_the_old_file_and_no_temp_file(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), write_atomically(target) as stream:
        stream.write(b"new")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_an_interrupt_leaves_no_temp_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), write_atomically(tmp_path / "a.bin"):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_bytes_are_synced_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(handle: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def watched_replace(old: object, new: object) -> None:
        events.append("rename")
        replace(old, new)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    with write_atomically(tmp_path / "a.bin") as stream:
        stream.write(b"x")
    assert events == ["file", "rename", "folder"]


def test_a_path_to_write_keeps_the_file_endings(tmp_path: Path) -> None:
    with written_atomically(tmp_path / "case_1.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        assert temporary.parent == tmp_path
        temporary.write_bytes(b"x")
    assert (tmp_path / "case_1.nii.gz").read_bytes() == b"x"


def test_the_longest_possible_name_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".txt")
    with write_atomically(target) as stream:
        stream.write(b"x")
    assert target.read_bytes() == b"x"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    real = tmp_path / "real" / "a.bin"
    real.parent.mkdir()
    real.write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to(real)
    with write_atomically(tmp_path / "link.bin") as stream:
        stream.write(b"new")
    assert real.read_bytes() == b"new"
    assert (tmp_path / "link.bin").is_symlink()


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with write_atomically(tmp_path / "atomic") as stream:
        stream.write(b"")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="folder does not exist"), write_atomically(tmp_path / "no" / "a") as stream:
        stream.write(b"never reached")
    assert not (tmp_path / "no").exists()


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="disk is full"), write_atomically(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_an_unrelated_error_of_the_block_is_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, write_atomically(tmp_path / "a"):
        (tmp_path / "something else").read_bytes()
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "sha1"])
def test_the_hash_is_that_of_hashlib(tmp_path: Path, algorithm: str) -> None:
    data = os.urandom(3_000_001)
    (tmp_path / "a").write_bytes(data)
    assert hash_file(tmp_path / "a", algorithm) == hashlib.new(algorithm, data).hexdigest()


def test_hashing_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        hash_file(tmp_path / "no")
    with pytest.raises(AccessError):
        hash_file(tmp_path)
