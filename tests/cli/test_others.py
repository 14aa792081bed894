"""`--other`: the place of a dataset whose images another draws on."""

from __future__ import annotations

from pathlib import Path

import medshelf
from tests.cli.conftest import Run


def test_cases_view_and_audit_take_the_place_of_another_dataset(run: Run, tmp_path: Path) -> None:
    masks, scans = tmp_path / "ribseg", tmp_path / "ribfrac"
    medshelf.twin("ribseg", masks)
    medshelf.twin("ribfrac", scans)
    for image in masks.rglob("*-image.nii.gz"):
        image.unlink()
    other = f"ribfrac={scans}"
    listed = run("cases", "ribseg", masks, "--other", other)
    assert listed.code == 0 and "@ribfrac/" in listed.out
    drawn = run("view", "ribseg", masks, "--other", other, "-o", tmp_path / "a.png")
    assert drawn.code == 0 and (tmp_path / "a.png").stat().st_size > 1000
    assert run("audit", "ribseg", masks, "--other", other).code in (0, 1)


def test_a_place_without_an_id_is_a_mistake_in_use(run: Run, tmp_path: Path) -> None:
    done = run("cases", "ribseg", tmp_path, "--other", "ribfrac")
    assert done.code == 2
    assert "'ribfrac' is not the id of a dataset" in done.err
