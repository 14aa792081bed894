"""Every folder of real data is recognised as what it is, however it is wrapped, and opens with its cases."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

import medshelf
from medshelf.errors import NotFound
from tests.real.folders import BIG, BY_ITS_NAME_ALONE, CASES, FOLDERS, KNOWN, files_below, opened


def test_every_folder_is_accounted_for(shared_data: Path) -> None:
    tops = {folder.partition("/")[0] for folder in FOLDERS}
    assert {p.name for p in shared_data.iterdir() if p.is_dir()} == tops
    assert {p.name for p in (shared_data / "medqa-medmcqa").iterdir()} == {"medqa", "medmcqa"}
    assert set(CASES) == set(KNOWN.values())


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_the_folder_is_recognised(shared_data: Path, folder: str, name: str | None) -> None:
    answer = medshelf.identify(shared_data / folder)
    assert answer.dataset == name, answer.guesses[:2]
    assert answer.n_names == len(files_below(shared_data / folder))


def test_two_datasets_in_one_folder_are_not_one(shared_data: Path) -> None:
    answer = medshelf.identify(shared_data / "medqa-medmcqa")
    assert answer.dataset is None
    assert {guess.dataset for guess in answer.guesses} >= {"medqa", "medmcqa"}


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_a_listing_of_the_folder_is_recognised(
    shared_data: Path, tmp_path: Path, folder: str, name: str | None
) -> None:
    names = files_below(shared_data / folder)
    listing = tmp_path / "names.txt"
    listing.write_text("\n".join(names), encoding="utf-8")
    answer = medshelf.identify(listing)
    assert answer.dataset == (None if folder in BY_ITS_NAME_ALONE else name), answer.guesses[:2]
    listing.write_text("\n".join(f"./{Path(folder).name}/{n}" for n in names), encoding="utf-8")
    assert medshelf.identify(listing).dataset == name


@pytest.mark.parametrize(("folder", "name"), [(f, n) for f, n in FOLDERS.items() if f not in BIG])
def test_wrapped_and_packed_it_is_recognised_and_opens(
    shared_data: Path, tmp_path: Path, folder: str, name: str | None
) -> None:
    root = shared_data / folder
    inner = Path(folder).name
    wrapped = tmp_path / "downloads"
    shutil.copytree(root, wrapped / "2026" / inner)
    packed = [tmp_path / "some.zip", tmp_path / "some.tar.gz"]
    with zipfile.ZipFile(packed[0], "w", zipfile.ZIP_STORED) as archive:
        for file in files_below(root):
            archive.write(root / file, f"{inner}/{file}")
    with tarfile.open(packed[1], "w:gz", compresslevel=1) as archive:
        archive.add(root, inner)
    for place in (wrapped, *packed):
        assert medshelf.identify(place).dataset == name, place.name
        if name is not None:
            dataset = medshelf.open(name, place)
            assert [case.id for case in dataset.cases] == [c.id for c in medshelf.open(name, root).cases]


@pytest.mark.parametrize(("folder", "name"), KNOWN.items())
def test_it_opens_and_has_its_cases(shared_data: Path, folder: str, name: str) -> None:
    dataset = medshelf.open(name, shared_data / folder)
    assert len(dataset) == CASES[name]
    assert len({case.id for case in dataset.cases}) == len(dataset)


def test_a_case_that_is_not_there_is_named_with_its_neighbours(shared_data: Path) -> None:
    with pytest.raises(NotFound, match="hippocampus_00"):
        opened(shared_data, "msd-hippocampus")["hippocampus_002"]
