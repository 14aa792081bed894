"""Archives inside archives, one level deep."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from medshelf.access.archive import Archive
from medshelf.errors import AccessError, NotFound
from medshelf.model.natural import natural_sorted

Maker = Callable[..., Path]
Content = dict[str, bytes]

INNER = ["inner.zip", "inner.tar", "inner.tar.gz", "inner.tar.bz2", "inner.tar.xz"]
OUTER = ["stored zip", "deflated zip", "tar", "tar.gz", "tar.xz"]


@pytest.fixture(params=INNER)
def inner(request: pytest.FixtureRequest, content: Content, make_zip: Maker, make_tar: Maker) -> Path:
    name: str = request.param
    if name.endswith(".zip"):
        return make_zip(content, name)
    return make_tar(content, name, f"w:{name[10:]}")


@pytest.fixture(params=OUTER)
def outer(request: pytest.FixtureRequest, inner: Path, make_zip: Maker, make_tar: Maker) -> Path:
    held = {f"part 1/{inner.name}": inner.read_bytes(), "readme.txt": b"hello"}
    if request.param.endswith("zip"):
        method = zipfile.ZIP_STORED if request.param.startswith("stored") else zipfile.ZIP_DEFLATED
        return make_zip(held, "outer.zip", method)
    return make_tar(held, f"outer.{request.param}", f"w:{request.param[4:]}")


def test_members_of_inner_archives_are_listed_and_read(outer: Path, inner: Path, content: Content) -> None:
    found, holder = Archive(outer), f"part 1/{inner.name}"
    inside = [f"{holder}!/{name}" for name in natural_sorted(content)]
    assert found.names == (holder, *inside, "readme.txt")
    assert found.problems == ()
    assert found.blob(holder).read_bytes() == inner.read_bytes()
    for name, data in content.items():
        blob = found.blob(f"{holder}!/{name}")
        assert blob.name == f"{outer}!/{holder}!/{name}"
        assert blob.size_bytes == len(data)
        assert blob.read_bytes() == data
        again = pickle.loads(pickle.dumps(blob))
        with again.open() as stream:
            assert stream.read() == data
    beside = found.blob(f"{holder}!/case_2/image.bin").sibling("label.bin")
    assert beside.read_bytes() == content["case_2/label.bin"]


def test_inner_archives_can_be_left_closed(make_zip: Maker) -> None:
    path = make_zip({"b.zip": make_zip({"c": b"1"}, "b.zip").read_bytes()})
    assert Archive(path, inner=False).names == ("b.zip",)
    with pytest.raises(NotFound):
        Archive(path, inner=False).blob("b.zip!/c")


def test_a_broken_inner_archive_is_a_problem_and_the_rest_is_read(make_zip: Maker) -> None:
    good = make_zip({"c": b"1"}, "c.zip").read_bytes()
    path = make_zip({"bad.zip": b"<html>Log in</html>", "cut.zip": good[:-30], "good.zip": good})
    found = Archive(path)
    assert found.names == ("bad.zip", "cut.zip", "good.zip", "good.zip!/c")
    assert [p.path for p in found.problems] == ["bad.zip", "cut.zip"]
    assert "web page" in found.problems[0].message


def test_problems_of_inner_members_say_where(make_zip: Maker) -> None:
    inner = make_zip({"../up": b"1", "fine": b"2"}, "b.zip").read_bytes()
    found = Archive(make_zip({"b.zip": inner}, "outer.zip"))
    assert [p.path for p in found.problems] == ["b.zip!/../up"]


def test_a_damaged_inner_archive_is_noticed_by_its_checksum(make_zip: Maker) -> None:
    inner = make_zip({"c": bytes(range(256)) * 50}, "b.zip", zipfile.ZIP_STORED).read_bytes()
    path = make_zip({"b.zip": inner}, "outer.zip", zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(AccessError, match="checksum"):
        Archive(path).blob("b.zip!/c").read_bytes()
    with pytest.raises(AccessError, match="checksum"):
        Archive(path).blob("b.zip").read_bytes()


def test_a_folder_whose_name_ends_like_an_archive_is_no_archive(make_tar: Maker) -> None:
    found = Archive(make_tar({"case.zip!/x": b"1", "y.tar/z": b"2"}, form=tarfile.GNU_FORMAT))
    assert found.problems == ()
    assert found.blob("case.zip!/x").read_bytes() == b"1"
    assert found.blob("y.tar/z").sibling("z").read_bytes() == b"2"
