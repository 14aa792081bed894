"""Do a mask and its image lie on one grid?"""

from __future__ import annotations

import numpy as np
import pytest

from medshelf.cohort.grid import TOLERANCE, difference
from medshelf.model.volume import Header, Volume

AFFINE = np.diag([0.9, 0.8, 2.5, 1.0])


def header(shape: tuple[int, ...], affine: np.ndarray | None = AFFINE, axes: str = "ijk") -> Header:
    return Header(shape, "int16", axes, affine)


def moved(mm: float, axis: int = 0) -> np.ndarray:
    affine = AFFINE.copy()
    affine[axis, 3] += mm
    return affine


def test_equal_grids_do_not_differ() -> None:
    assert difference(header((30, 26, 18)), header((30, 26, 18))) is None
    volume = Volume(np.zeros((30, 26, 18)), "ijk", AFFINE.astype(np.float32))
    assert difference(header((30, 26, 18)), volume) is None


@pytest.mark.parametrize(("mm", "same"), [(0.8 * TOLERANCE * 0.9, True), (0.8 * TOLERANCE * 1.1, False), (0.5, False)])
def test_the_tolerance_is_a_part_of_the_smallest_voxel(mm: float, same: bool) -> None:
    told = difference(header((30, 26, 18)), header((30, 26, 18), moved(mm, 2)))
    assert (told is None) == same
    if told is not None:
        assert told == f"the mask lies up to {mm:.3g} mm away from the image"


def test_a_shift_of_one_voxel_is_told_in_millimetres() -> None:
    told = difference(header((5, 5, 5)), header((5, 5, 5), moved(2.5, 2)))
    assert told == "the mask lies up to 2.5 mm away from the image"


def test_a_small_stretch_counts_where_it_is_largest() -> None:
    stretched = AFFINE @ np.diag([1.0001, 1, 1, 1])
    assert difference(header((512, 26, 18)), header((512, 26, 18), stretched)) is not None
    assert difference(header((30, 26, 18)), header((30, 26, 18), stretched)) is None


def test_what_lies_in_another_place_is_a_difference() -> None:
    turned = AFFINE.copy()
    turned[0, 0] = -0.9
    turned[0, 3] = 0.9 * 29
    assert difference(header((30, 26, 18)), header((30, 26, 18), turned)) is not None


def test_shapes_are_compared_first() -> None:
    told = difference(header((30, 26, 18)), header((30, 26, 17), moved(50)))
    assert told == "the mask has shape (30, 26, 17), the image (30, 26, 18)"


def test_further_axes_do_not_count() -> None:
    assert difference(header((30, 26, 18, 4), axes="ijkt"), header((30, 26, 18))) is None


def test_a_mask_without_an_affine_lies_where_its_image_does() -> None:
    assert difference(header((30, 26, 18)), header((30, 26, 18), None)) is None
    assert difference(header((30, 26, 18), None), header((30, 26, 18))) is None


def test_pictures_are_compared_by_rows_and_columns() -> None:
    picture = header((48, 64, 3), None, "yxc")
    assert difference(picture, header((48, 64), None, "yx")) is None
    assert difference(picture, header((64, 48), None, "yx")) == "the mask has shape (64, 48), the image (48, 64)"
