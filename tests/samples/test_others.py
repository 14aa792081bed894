"""Images that another dataset holds: opened, checked and audited with the place of that dataset."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.errors import LayoutError, NotFound
from medshelf.formats import nifti
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from medshelf.samples.dataset import Dataset


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Path, Path]:
    """Twins of masks and of the scans that they were drawn on, each in a folder of its own."""
    masks, scans = tmp_path / "ribseg", tmp_path / "ribfrac"
    medshelf.twin("ribseg", masks)
    medshelf.twin("ribfrac", scans)
    for image in masks.rglob("*-image.nii.gz"):
        image.unlink()
    return masks, scans


def test_without_the_other_place_masks_open_and_images_say_where_they_are(apart: tuple[Path, Path]) -> None:
    opened = medshelf.open("ribseg", apart[0])
    assert len(opened) > 0 and not list(opened[0].images)
    with pytest.raises(NotFound, match=r"no image 'ct'") as caught:
        _ = opened[0].images["ct"]
    assert "ribfrac" in str(caught.value.hint)
    (found,) = [f for f in medshelf.check("ribseg", apart[0]).findings if f.check == "layout.elsewhere"]
    assert found.severity == "info" and "ribfrac" in (found.proposal or "")


def test_with_the_other_place_images_come_from_there(apart: tuple[Path, Path]) -> None:
    opened = medshelf.open("ribseg", apart[0], others={"ribfrac": apart[1]})
    alone = medshelf.open("ribseg", apart[0])
    assert [case.id for case in opened.cases] == [case.id for case in alone.cases]
    theirs = {sample.case: sample.image.array for sample in medshelf.open("ribfrac", apart[1])}
    shared = [sample for sample in opened if sample.images]
    assert shared
    for sample in shared:
        np.testing.assert_array_equal(sample.images["ct"].array, theirs[sample.case])
        assert sample.mask.grid is not None


def test_masks_of_the_other_are_not_taken_for_ours(apart: tuple[Path, Path]) -> None:
    opened = medshelf.open("ribseg", apart[0], others={"ribfrac": apart[1]})
    assert not [ref.name for case in opened.cases for ref in case.files.get("ribs", ()) if ref.name.startswith("@")]


def test_an_opened_pair_travels_to_other_processes(apart: tuple[Path, Path]) -> None:
    opened = medshelf.open("ribseg", apart[0], others={"ribfrac": apart[1]})
    again: Dataset = pickle.loads(pickle.dumps(opened))
    number = next(n for n, sample in enumerate(opened) if sample.images)
    np.testing.assert_array_equal(again[number].images["ct"].array, opened[number].images["ct"].array)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_audit_compares_masks_with_images_of_the_other(apart: tuple[Path, Path], jobs: int) -> None:
    found = medshelf.audit("ribseg", apart[0], others={"ribfrac": apart[1]}, jobs=jobs)
    assert not [f for f in found.findings if f.severity == "error"]
    scan = sorted(apart[1].rglob("RibFrac*-image.nii.gz"))[0]
    whole = nifti.read(LocalFile(scan))
    nifti.write(scan, Volume(np.ascontiguousarray(whole.array[:, :-2]), whole.axes, whole.affine, whole.spacing_mm))
    found = medshelf.audit("ribseg", apart[0], others={"ribfrac": apart[1]}, jobs=jobs)
    assert [f for f in found.findings if f.severity == "error" and f.check.startswith("grid.")]


def test_a_dataset_that_nothing_is_drawn_from_is_refused(apart: tuple[Path, Path]) -> None:
    with pytest.raises(LayoutError, match="draws on nothing from lits") as caught:
        medshelf.open("ribseg", apart[0], others={"lits": apart[1]})
    assert "ribfrac" in str(caught.value.hint)
