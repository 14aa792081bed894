"""The beginnings of a record: valid but for what is still to be filled in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from medshelf.catalogue.check import check_folder
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.scaffold import scaffold
from medshelf.errors import AccessError, UnknownTerm


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(catalogue_root() / "vocabulary", tmp_path / "vocabulary")
    (tmp_path / "datasets").mkdir()
    return tmp_path


def test_what_is_written_is_wrong_only_where_it_is_to_be_filled_in(root: Path) -> None:
    files = scaffold("knee-mr-2024", root, name="Knee «MR»", url="http://zenodo.org/record/12")
    assert [file.name for file in files] == ["dataset.toml", "access.toml", "id.txt"]
    record, problems = check_folder(root / "datasets" / "knee-mr-2024")
    assert record is not None
    assert (record.name, record.homepage) == ("Knee «MR»", "https://zenodo.org/records/12")
    told = " ".join(problem.message for problem in problems)
    for word in ("'MODALITY'", "'REGION'", "'TASK'", "'STRUCTURE'", "still what the scaffold says"):
        assert word in told


def test_the_id_takes_its_place_among_the_others(root: Path) -> None:
    before = (root / "vocabulary" / "id.txt").read_text().splitlines()
    scaffold("knee-mr-2024", root)
    after = (root / "vocabulary" / "id.txt").read_text().splitlines()
    assert sorted(set(after) - set(before)) == ["knee-mr-2024"]
    ids = [line for line in after if not line.startswith("#")]
    assert ids == sorted(ids)


@pytest.mark.parametrize("name", ["Knee", "knee_mr", "knee mr", "-knee", "../knee", ""])
def test_what_is_no_id_is_refused(root: Path, name: str) -> None:
    with pytest.raises(UnknownTerm, match="lower-case words joined by hyphens"):
        scaffold(name, root)
    assert list((root / "datasets").iterdir()) == []


def test_a_record_that_is_there_is_left_alone(root: Path) -> None:
    scaffold("knee-mr-2024", root)
    place = root / "datasets" / "knee-mr-2024" / "dataset.toml"
    place.write_text("mine")
    with pytest.raises(UnknownTerm, match="there is a record"):
        scaffold("knee-mr-2024", root)
    assert place.read_text() == "mine"


def test_the_catalogue_of_an_installed_package_is_left_alone(root: Path) -> None:
    (root / "shelf.sqlite").touch()
    with pytest.raises(AccessError, match="the next installation replaces"):
        scaffold("knee-mr-2024", root)
    assert list((root / "datasets").iterdir()) == []
