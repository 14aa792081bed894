"""Measuring voxels: the quick ways count what the slow ways count."""

from __future__ import annotations

import numpy as np
import pytest

from medshelf.audit import measure
from medshelf.errors import LayoutError
from medshelf.model.volume import Volume


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int16", "int32", "int64"])
@pytest.mark.parametrize("shape", [(7, 5, 3), (4, 4), (1,), (0,)])
def test_values_are_counted_as_unique_counts_them(dtype: str, shape: tuple[int, ...]) -> None:
    kind = np.dtype(dtype)
    low, high = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    rng = np.random.default_rng(3)
    array = rng.choice(np.array([low, 0, 1, 7, high], dtype=object), shape).astype(kind)
    values, counts = np.unique(array, return_counts=True)
    assert measure.count_values(array) == {int(v): int(n) for v, n in zip(values, counts, strict=True)}


@pytest.mark.parametrize("size", [2_500_000, 2_500_001])
def test_large_arrays_of_bytes_are_counted_in_pairs(size: int) -> None:
    array = np.random.default_rng(1).integers(0, 5, size).astype(np.uint8)
    assert measure.count_values(array) == dict(enumerate(np.bincount(array).tolist()))


def test_views_are_counted_in_any_order_of_memory() -> None:
    array = np.random.default_rng(2).integers(-3, 9, (12, 11, 10)).astype(np.int16)
    wanted = measure.count_values(array)
    assert measure.count_values(np.asfortranarray(array)) == wanted
    assert measure.count_values(array[::-1, :, ::-1]) == wanted
    assert measure.count_values(array.transpose(2, 0, 1)) == wanted


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16"])
def test_percentiles_of_small_integers_are_exact(dtype: str) -> None:
    array = np.random.default_rng(4).integers(0, 200, (40, 30, 20)).astype(dtype)
    seen = measure.intensities(Volume(array, "ijk"))
    assert (seen.minimum, seen.maximum) == (array.min(), array.max())
    for number in measure.PERCENTILES:
        low, high = (np.percentile(array, number, method=m) for m in ("lower", "higher"))
        assert low <= seen.percentiles[str(number)] <= high


def test_floats_are_measured_without_those_that_are_no_number() -> None:
    array = np.linspace(-2, 2, 1001, dtype=np.float32).reshape(7, 11, 13)
    array[0, 0, 0], array[1, 1, 1] = np.nan, np.inf
    seen = measure.intensities(Volume(array, "ijk"))
    assert seen.n_not_finite == 2
    assert seen.maximum == 2.0
    assert not seen.whole_numbers
    assert seen.percentiles["50"] == pytest.approx(0, abs=0.01)


def test_an_image_of_nothing_but_nan_has_no_values() -> None:
    seen = measure.intensities(Volume(np.full((3, 3, 3), np.nan), "ijk"))
    assert seen.n_not_finite == 27
    assert (seen.minimum, seen.maximum) == (0, 0)


def test_the_digest_is_of_voxels_not_of_type_or_memory() -> None:
    array = np.random.default_rng(5).integers(-900, 900, (9, 8, 7)).astype(np.int16)

    def digest(one: np.ndarray, axes: str = "ijk") -> str:
        return measure.intensities(Volume(one, axes)).digest

    assert digest(array) == digest(np.asfortranarray(array)) == digest(array.astype(np.float64))
    assert digest(array) == digest(array.astype(np.int32)) == digest(array.astype(">i2"))
    changed = array.copy()
    changed[4, 4, 4] += 1
    assert digest(array) != digest(changed)
    assert digest(array) != digest(array.transpose(2, 1, 0))
    assert digest(array.reshape(8, 9, 7)) != digest(array)


def test_fractions_keep_two_images_apart_that_round_alike() -> None:
    a = np.full((4, 4, 4), 0.25, np.float32)
    a[0] = 3
    b = a + np.float32(0.125)
    assert measure.intensities(Volume(a, "ijk")).digest != measure.intensities(Volume(b, "ijk")).digest


def test_transparency_is_no_part_of_a_picture() -> None:
    rgb = np.random.default_rng(6).integers(0, 99, (6, 5, 3)).astype(np.uint8)
    rgba = np.concatenate([rgb, np.full((6, 5, 1), 255, np.uint8)], -1)
    plain, clear = (measure.intensities(Volume(a, "yxc")) for a in (rgb, rgba))
    assert clear.maximum == plain.maximum < 255
    assert clear.digest == plain.digest


def test_a_mask_that_is_stored_as_colours_counts_its_one_value() -> None:
    flat = np.zeros((4, 5), np.uint8)
    flat[1:3, 1:4] = 255
    rgba = np.stack([flat, flat, flat, np.full_like(flat, 255)], -1)
    counted = measure.contents(Volume(rgba, "yxc"), "binary")
    assert counted.counts == {0: 14, 255: 6}
    assert counted.n_disagree == 0
    rgba[1, 1, 0] = 9
    assert measure.contents(Volume(rgba, "yxc"), "binary").n_disagree == 1


def test_masks_of_colours_and_channels_are_counted_in_their_own_way() -> None:
    colours = np.zeros((2, 3, 3), np.uint8)
    colours[0, 0] = (255, 0, 16)
    assert measure.contents(Volume(colours, "yxc"), "colour").counts == {0: 5, 0xFF0010: 1}
    stacked = np.zeros((2, 2, 2, 3), np.uint8)
    stacked[0, 0, 0, 2] = 1
    assert measure.contents(Volume(stacked, "ijkc"), "channels").counts == {0: 0, 1: 0, 2: 1}
    with pytest.raises(LayoutError, match="coloured"):
        measure.contents(Volume(np.zeros((2, 2), np.uint8), "yx"), "colour")


def test_a_probability_counts_as_inside_from_one_half() -> None:
    floats = np.array([[0, 0.25], [0.5, 1]], np.float32)
    assert measure.contents(Volume(floats, "yx"), "probability").n_half == 2
    grey = np.array([[0, 127], [128, 255]], np.uint8)
    assert measure.contents(Volume(grey, "yx"), "probability").n_half == 2
