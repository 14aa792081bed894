"""The list of a large archive is kept, and never believed when it does not fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from medshelf.access import _random_access, archive
from medshelf.access.archive import Archive
from medshelf.errors import AccessError

Maker = Callable[..., Path]
Content = dict[str, bytes]

LIST_IT = """
import sys
from medshelf.access.archive import Archive
found = Archive(sys.argv[1])
print(len(found), sum(found.blob(n).size_bytes for n in found.names[:50]))
"""


@pytest.fixture
def many(make_zip: Maker) -> Path:
    return make_zip({f"case_{i}/image.bin": b"x" * (i % 7) for i in range(archive.CACHED_FROM_MEMBERS)})


def _kept(cache: Path, kind: str = "archives") -> list[Path]:
    return sorted(f for f in (cache / kind).glob("*") if f.suffix != ".lock")


def _refuse_to_read(*_: object, **__: object) -> None:
    raise AssertionError("the archive was read again")


def test_a_large_archive_is_listed_from_the_cache(
    many: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Archive(many)
    names, problems = first.names, first.problems
    assert len(_kept(own_cache)) == 1
    monkeypatch.setattr(archive, "read_index", _refuse_to_read)
    again = Archive(many)
    assert again.names == names
    assert again.problems == problems
    assert again.blob("case_6/image.bin").read_bytes() == b"x" * 6


def test_a_small_zip_leaves_nothing_in_the_cache(make_zip: Maker, own_cache: Path) -> None:
    assert Archive(make_zip({"x": b"1"})).names == ("x",)
    assert not list(own_cache.iterdir())


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_compressed_tar_is_decompressed_once_for_its_list(
    kind: str, make_tar: Maker, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_tar({**content, "../up": b""}, f"a.tar.{kind}", f"w:{kind}")
    names, problems = Archive(path).names, Archive(path).problems
    assert problems
    monkeypatch.setattr(archive, "read_index", _refuse_to_read)
    assert Archive(path).names == names
    assert Archive(path).problems == problems


def test_an_archive_that_changed_is_listed_anew(many: Path, make_zip: Maker, own_cache: Path) -> None:
    assert len(Archive(many)) == archive.CACHED_FROM_MEMBERS
    os.utime(many, ns=(1, 1))
    make_zip({"only": b"1"}, many.name)
    assert Archive(many).names == ("only",)
    assert len(_kept(own_cache)) == 1


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "no json", "other shape"])
def test_a_damaged_cache_is_not_believed(damage: str, many: Path, own_cache: Path) -> None:
    names = Archive(many).names
    (kept,) = _kept(own_cache)
    data = bytearray(kept.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "emptied":
        data.clear()
    elif damage == "no json":
        data[:4] = b"\xff\xfe{["
    else:
        head = json.loads(data.split(b"\n")[0])
        body = b'{"names":["x"],"columns":{}}'
        head |= {"bytes": len(body), "crc32": zlib.crc32(body)}
        data = bytearray(json.dumps(head).encode() + b"\n" + body)
    kept.write_bytes(data)
    assert Archive(many).names == names
    assert kept.read_bytes() != data  # and it has been put right


def test_a_cache_that_cannot_be_written_is_no_error(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MEDSHELF_CACHE_DIR", str(tmp_path / "file"))
    assert len(Archive(many)) == archive.CACHED_FROM_MEMBERS


def test_two_processes_that_list_at_once_agree(
    many: Path, own_cache: Path, python_env: dict[str, str]
) -> None:
    command = [sys.executable, "-c", LIST_IT, str(many)]
    both = [subprocess.Popen(command, env=python_env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert said[0].split()[0] == str(archive.CACHED_FROM_MEMBERS)
    assert len(_kept(own_cache)) == 1
    assert len(Archive(many)) == archive.CACHED_FROM_MEMBERS


def test_a_tar_bz2_is_unpacked_once_and_shared(
    make_tar: Maker, content: Content, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_tar(content, "a.tar.bz2", "w:bz2")
    found = Archive(path)
    assert found.names
    assert not _kept(own_cache, "spool")
    assert found.blob("case_2/image.bin").read_bytes() == content["case_2/image.bin"]
    assert len(_kept(own_cache, "spool")) == 1
    monkeypatch.setattr(_random_access, "_fill_spool", _refuse_to_read)
    assert found.blob("case_10/one block.bin").read_bytes() == content["case_10/one block.bin"]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_without_room_to_unpack_reading_is_slow_but_right(
    kind: str, make_tar: Maker, content: Content, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSHELF_SPOOL_LIMIT_BYTES", "1000")
    monkeypatch.setattr(_random_access._indexes, "get", lambda _: None)
    found = Archive(make_tar(content, f"a.tar.{kind}", f"w:{kind}"))
    for name in reversed(found.names):
        assert found.blob(name).read_bytes() == content[name]
    assert not _kept(own_cache, "spool")


def test_what_was_unused_longest_makes_room(
    make_tar: Maker, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSHELF_SPOOL_LIMIT_BYTES", "250000")
    found = [Archive(make_tar({"x": bytes([i]) * 100_000}, f"{i}.tar.xz", "w:xz")) for i in range(3)]
    for age, one in enumerate(found[:2]):
        assert len(one.blob("x").read_bytes()) == 100_000
        new = max(_kept(own_cache, "spool"), key=lambda f: f.stat().st_mtime)
        os.utime(new, (1000 + age, 1000 + age))
    first = min(_kept(own_cache, "spool"), key=lambda f: f.stat().st_mtime)
    assert found[2].blob("x").read_bytes() == b"\2" * 100_000
    assert not first.exists()
    assert len(_kept(own_cache, "spool")) == 2
    assert found[0].blob("x").read_bytes() == b"\0" * 100_000


def test_a_tar_gz_is_read_through_an_index_that_is_kept(
    make_tar: Maker, content: Content, own_cache: Path
) -> None:
    pytest.importorskip(
        "indexed_gzip", reason="the extra that reads tar.gz without unpacking is not installed"
    )
    found = Archive(make_tar(content, "a.tar.gz", "w:gz"))
    for name in reversed(found.names):
        assert found.blob(name).read_bytes() == content[name]
    (kept,) = _kept(own_cache, "gzip")
    assert not (own_cache / "spool").exists()
    for damage in (b"", b"rubbish", kept.read_bytes()[:-9] + b"123456789"):
        kept.write_bytes(damage)
        _random_access._indexes._forget()
        assert found.blob("case_2/image.bin").read_bytes() == content["case_2/image.bin"]


def test_a_damaged_tar_gz_that_is_listed_is_still_refused_when_read(
    make_tar: Maker, content: Content
) -> None:
    path = make_tar(content, "a.tar.gz", "w:gz")
    found = Archive(path)
    assert found.names
    stamp = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # a disk that rots keeps the time
    with pytest.raises(AccessError, match="damaged|short|inside"):
        for name in found.names:
            found.blob(name).read_bytes()
