"""Masks written as run lengths in a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

import medshelf
from medshelf.errors import FormatError
from medshelf.model.labels import State
from medshelf.samples.dataset import Dataset
from tests.layout.made import record

SHAPE = (4, 5)
"""Rows, columns."""
FLAT = """
key = ["n"]
[files.scan]
role = "image"
path = "{n:int}.png"
[tables.runs]
path = "runs.csv"
kind = "mask"
key = { id = "{n}" }
columns = { label = "class", rle = "runs" }
codec = "rle:CODEC"
labels = "organs"
[labels.organs]
large = "colon"
small = "small_bowel"
"""


def opened(root: Path, rows: str, codec: str = "start=1,order=row-major", n_images: int = 1) -> Dataset:
    for n in range(1, n_images + 1):
        pil.fromarray(np.zeros(SHAPE, np.uint8)).save(root / f"{n}.png")
    (root / "runs.csv").write_text("id,class,runs\n" + rows)
    return medshelf.open(record(FLAT.replace("CODEC", codec)), root)


def drawn(runs: list[tuple[int, int]], start: int, order: str) -> np.ndarray:
    """Draw runs one pixel after the other, the slow way."""
    flat = [0] * (SHAPE[0] * SHAPE[1])
    for first, length in runs:
        for place in range(first - start, first - start + length):
            flat[place] = 1
    array = np.array(flat, bool)
    return array.reshape(SHAPE) if order == "row-major" else array.reshape(SHAPE[::-1]).T


@pytest.mark.parametrize("order", ["row-major", "column-major"])
@pytest.mark.parametrize("start", [0, 1])
def test_runs_are_drawn_as_the_codec_says(tmp_path: Path, start: int, order: str) -> None:
    dataset = opened(tmp_path, "1,large,2 3 9 4\n1,small,\n", f"start={start},order={order}")
    mask = dataset[0].mask
    np.testing.assert_array_equal(mask.mask("colon"), drawn([(2, 3), (9, 4)], start, order))
    assert mask.states() == {"colon": State.PRESENT, "small_bowel": State.ABSENT}


def test_several_rows_of_one_structure_are_one(tmp_path: Path) -> None:
    mask = opened(tmp_path, "1,large,1 2\n1,large,2 3\n")[0].mask
    np.testing.assert_array_equal(mask.mask("colon"), drawn([(1, 4)], 1, "row-major"))


def test_where_nothing_is_drawn_everything_is_absent(tmp_path: Path) -> None:
    mask = opened(tmp_path, "1,large,\n1,small,nan\n")[0].mask
    assert mask.states() == {"colon": State.ABSENT, "small_bowel": State.ABSENT}
    assert mask.header().shape == SHAPE
    assert mask.mask("colon").shape == SHAPE
    assert not mask.to_index({1: "colon", 2: "small_bowel"}).array.any()


def test_rows_go_to_their_own_pictures(tmp_path: Path) -> None:
    dataset = opened(tmp_path, "1,large,1 1\n2,large,2 1\n", n_images=2)
    assert [np.argwhere(sample.mask.mask("colon")).tolist() for sample in dataset] == [[[0, 0]], [[0, 1]]]


@pytest.mark.parametrize("runs", ["1 99", "21 1", "1", "a b", "0 1", "1 -2"])
def test_runs_that_do_not_fit_are_an_error(tmp_path: Path, runs: str) -> None:
    with pytest.raises(FormatError):
        opened(tmp_path, f"1,large,{runs}\n")[0].mask.mask("colon")


def test_pictures_of_a_series_make_a_volume(tmp_path: Path) -> None:
    for day in (1, 2):
        (tmp_path / f"day{day}").mkdir()
        for k in range(3):
            pil.fromarray(np.zeros(SHAPE, np.uint8)).save(tmp_path / f"day{day}" / f"{k}.png")
    (tmp_path / "runs.csv").write_text("id,class,runs\nday1_2,large,7 2\nday2_0,large,1 1\nday1_0,small,\n")
    layout = FLAT.replace('key = ["n"]', 'key = ["day"]').replace(
        'path = "{n:int}.png"', 'path = "day{day:int}/{k:int}.png"\nreader = "slices"\nalong = "k"'
    )
    layout = layout.replace('"{n}"', '"day{day}_{k}"').replace("CODEC", "start=1,order=row-major")
    first, second = medshelf.open(record(layout), tmp_path)
    assert first.image.shape == (5, 4, 3)
    # run 7-8 of rows of five pixels: row 1, columns 1 and 2; a volume is indexed column, row, picture
    assert np.argwhere(first.mask.mask("colon")).tolist() == [[1, 1, 2], [2, 1, 2]]
    assert np.argwhere(second.mask.mask("colon")).tolist() == [[0, 0, 0]]
    assert first.mask.state("small_bowel") == State.ABSENT
