"""Adopting: recognised, proved, what is missing or cut is told, nothing is changed."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import medshelf
from medshelf.access.download import LOCK_NAME, read_lock
from medshelf.access.web import Web
from medshelf.catalogue import shelf
from medshelf.errors import LayoutError, NotFound
from medshelf.model.dataset import Access, RemoteFile
from tests.fetch.hosts import FILES, Zenodo, serving
from tests.fetch.test_plan import NUMBER, OPEN
from tests.twins import data, twins

__all__ = ["data", "twins"]
OFFLINE = Web(offline=True, rewrites={})


def state(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*") if path.is_file() and path.name != LOCK_NAME
    }  # fmt: skip


def by_hand(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_copy_made_by_hand_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(by_hand(tmp_path))
    host = Zenodo(NUMBER)
    with serving(host, monkeypatch) as web:
        added = medshelf.add(OPEN, tmp_path, web=web)
        assert (added.exit_code, added.doubts) == (0, ())
        assert {one.name for one in added.files} == set(FILES)
        assert {(one.strength, one.ref) for one in added.files} == {("md5", f"zenodo:{NUMBER}")}
        got = medshelf.get(OPEN, tmp_path, web=web)
    assert got.received_bytes == 0 and host.bytes_asked == []
    assert state(tmp_path) == before


def test_what_is_cut_changed_and_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(tmp_path)
    (tmp_path / "large.bin").write_bytes(FILES["large.bin"][:1000])
    (tmp_path / "table.csv").write_bytes(b"id,value\n1,3\n")
    (tmp_path / "readme.txt").unlink()
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        added = medshelf.add(OPEN, tmp_path, force=True, web=web)
        assert {doubt.name: doubt.kind for doubt in added.doubts} == {
            "large.bin": "cut", "table.csv": "changed", "readme.txt": "missing"
        }  # fmt: skip
        cut = next(doubt for doubt in added.doubts if doubt.kind == "cut")
        assert "byte 1,000 of 3,072,000" in cut.message
        assert (added.exit_code, added.files, read_lock(tmp_path)) == (4, (), {})
        got = medshelf.get(OPEN, tmp_path, web=web)
    assert (got.exit_code, (tmp_path / "large.bin").read_bytes()) == (0, FILES["large.bin"])


def test_a_file_below_other_folders_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(tmp_path / "from my browser")
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        added = medshelf.add(OPEN, tmp_path, web=web)
    assert added.exit_code == 0
    assert {one.strength for one in added.files} == {"md5"}


def test_one_file_is_adopted_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(tmp_path)
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        added = medshelf.add(OPEN, tmp_path / "table.csv", web=web)
    assert ([one.name for one in added.files], set(read_lock(tmp_path))) == (["table.csv"], {"table.csv"})
    assert {doubt.kind for doubt in added.doubts} == {"missing"}
    assert added.exit_code == 1


def test_another_dataset_is_refused(data: Path) -> None:
    with pytest.raises(LayoutError, match="this is busi and not btcv"):
        medshelf.add("btcv", data / "busi", web=OFFLINE)
    assert not (data / "busi" / LOCK_NAME).exists()
    assert medshelf.add("btcv", data / "busi", force=True, web=OFFLINE).files
    assert (data / "busi" / LOCK_NAME).exists()


def test_what_was_unpacked_is_compared_with_the_layout(data: Path) -> None:
    before = state(data / "btcv")
    added = medshelf.add("btcv", data / "btcv", web=OFFLINE)
    assert added.exit_code == 0
    assert added.report is not None and added.report.n_cases == 4
    assert {one.ref for one in added.files} == {"by hand"}
    assert {one.strength for one in added.files if one.name.endswith(".nii.gz")} == {"structural"}
    assert state(data / "btcv") == before
    check = medshelf.check("btcv", data / "btcv")
    assert not [finding for finding in check.findings if LOCK_NAME in (finding.file or "")]
    assert medshelf.identify(data / "btcv").dataset == "btcv"


def test_a_file_that_was_cut_is_found_by_its_own_structure(data: Path) -> None:
    image = next(path for path in sorted((data / "btcv").rglob("*.nii.gz")))
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    added = medshelf.add("btcv", data / "btcv", web=OFFLINE)
    assert [(doubt.kind, doubt.size_bytes) for doubt in added.doubts] == [("cut", len(whole) // 2)]
    assert f"byte {len(whole) // 2:,}" in added.doubts[0].message
    assert image.relative_to(data / "btcv").as_posix() not in read_lock(data / "btcv")
    assert added.exit_code == 4


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_an_archive_that_was_cut_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file.bin").write_bytes(bytes(100_000))
    made = Path(shutil.make_archive(str(tmp_path / "a"), name[2:], tmp_path / "in"))
    shutil.rmtree(tmp_path / "in")
    access = Access("open", files=(RemoteFile(name, f"https://example.org/{name}"),))
    record = replace(shelf.load(OPEN), access=access)
    assert medshelf.add(record, tmp_path, web=OFFLINE).exit_code == 0
    (tmp_path / LOCK_NAME).unlink()
    made.write_bytes(made.read_bytes()[:-600])
    if name == "a.tar":
        made.write_bytes(made.read_bytes()[:50_000])
    added = medshelf.add(record, tmp_path, web=OFFLINE)
    assert added.exit_code == 4, added
    assert added.doubts[0].kind in ("cut", "damaged")


def test_a_damaged_archive_says_so_beside_its_checksum(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("x", bytes(1000))
    whole = (tmp_path / "a.zip").read_bytes()
    md5 = hashlib.md5(whole, usedforsecurity=False).hexdigest()
    (tmp_path / "a.zip").write_bytes(whole[:500] + b"?" + whole[501:])
    told = RemoteFile("a.zip", "https://e.org/a.zip", md5=md5)
    record = replace(shelf.load(OPEN), access=Access("open", files=(told,)))
    added = medshelf.add(record, tmp_path, web=OFFLINE)
    assert [doubt.kind for doubt in added.doubts] == ["damaged"]
    assert md5 in added.doubts[0].message


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("scan.nii.gz", bytes(5000), "not NIfTI"),
        ("a.zip", b"<!DOCTYPE html><html>Please log in</html>", "a web page"),
        ("b.nii.gz", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "Git LFS"),
        ("c.tar.gz", b"", "empty"),
    ],
)
def test_what_was_saved_under_the_name_of_a_file_is_told(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    added = medshelf.add(OPEN, tmp_path, web=OFFLINE)
    assert said in added.doubts[0].message
    assert (added.exit_code, added.files) == (4, ())


def test_nothing_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        medshelf.add(OPEN, tmp_path / "nowhere", web=OFFLINE)
    with pytest.raises(NotFound):
        medshelf.add(OPEN, tmp_path, web=OFFLINE)


def test_a_folder_that_can_not_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(tmp_path / "it")
    monkeypatch.setattr("medshelf.access.download.owner._create", denied)
    with pytest.raises(medshelf.MedshelfError, match="can't be written"):
        medshelf.add(OPEN, tmp_path / "it", web=OFFLINE)


def denied(path: Path, text: str) -> bool:
    raise PermissionError(13, "Permission denied")
