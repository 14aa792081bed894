"""Masks of COCO against pycocotools, and filling of outlines against a slow way to do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as reference

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.coco_mask import draw, draw_runs, pack, runs_of, unpack
from medshelf.formats.polygon import enclosed, fill
from medshelf.formats.rle import decode_rle, encode_rle


def random_mask(seed: int, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random(shape) < rng.uniform(0.02, 0.98)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(20))
def test_run_lengths_are_those_of_pycocotools(seed: int) -> None:
    shape = tuple(np.random.default_rng(seed).integers(1, 90, 2).tolist())
    mask = random_mask(seed, shape)
    theirs = reference.encode(np.asfortranarray(mask))
    size = (shape[1], shape[0])
    np.testing.assert_array_equal(draw({**theirs, "size": list(theirs["size"])}, size), mask)
    assert pack(runs_of(mask)).encode() == theirs["counts"]
    np.testing.assert_array_equal(draw({"size": list(shape), "counts": runs_of(mask)}, size), mask)
    ours: Any = {"size": list(shape), "counts": pack(runs_of(mask))}
    np.testing.assert_array_equal(reference.decode(ours), mask)


def test_long_runs_and_empty_and_full_masks() -> None:
    for mask in (np.zeros((700, 900), np.uint8), np.ones((700, 900), np.uint8), random_mask(1, (700, 900)) * 0 + 1):
        mask[350:, 450:] = 1 - mask[350:, 450:]
        theirs = reference.encode(np.asfortranarray(mask))
        assert pack(runs_of(mask)).encode() == theirs["counts"]
        np.testing.assert_array_equal(draw({"size": [700, 900], "counts": theirs["counts"]}, (900, 700)), mask)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 2**40), max_size=12))
def test_what_is_packed_is_unpacked(runs: list[int]) -> None:
    assert unpack(pack(runs)) == runs


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("seed", range(10))
def test_polygons_differ_from_pycocotools_on_the_edge_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    points = np.stack([40 + 30 * np.cos(angles), 30 + 22 * np.sin(angles)], 1)
    ours = draw([points.ravel().tolist()], (80, 60))
    theirs: Any = reference.decode(reference.merge(reference.frPyObjects([points.ravel().tolist()], 60, 80)))
    apart = np.argwhere(ours != theirs) + 0.5
    ends = np.roll(points, -1, axis=0) - points
    for row, column in apart:
        to = np.array([column, row]) - points
        along = np.clip((to * ends).sum(1) / (ends**2).sum(1), 0, 1)
        assert np.linalg.norm(to - along[:, None] * ends, axis=1).min() < 1.5
    assert int(ours.sum()) == pytest.approx(int(theirs.sum()), rel=0.1)


@pytest.mark.parametrize("seed", range(10))
def test_filling_agrees_with_asking_every_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-5, 25, (7, 2))
    wanted = np.zeros((20, 18), bool)
    for row in range(20):
        for column in range(18):
            x, y = column + 0.5, row + 0.5
            inside = False
            for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
                if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                    inside = not inside
            wanted[row, column] = inside
    np.testing.assert_array_equal(fill(points, (20, 18)), wanted)


def test_the_edge_of_an_enclosed_area_is_in_or_out_as_asked() -> None:
    square = np.array([[2, 1], [6, 1], [6, 4], [2, 4]])
    assert enclosed(square, (9, 9), with_edge=False).sum() == 3 * 2
    assert enclosed(square, (9, 9), with_edge=True).sum() == 5 * 4
    assert enclosed(square[:1], (9, 9), with_edge=True).sum() == 1
    assert enclosed(square - 3, (9, 9), with_edge=True).sum() == 4 * 2


def test_outlines_that_would_take_for_ever_are_refused() -> None:
    zigzag = np.stack([np.zeros(20000), np.tile([0.0, 5000.0], 10000)], 1)
    with pytest.raises(Unsupported, match="crossings"):
        fill(zigzag, (5000, 10))
    with pytest.raises(Unsupported, match="too long"):
        enclosed(np.array([[-(2**20), 0], [2**20, 0]] * 40), (5, 5), with_edge=True)


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ({"size": [4, 5], "counts": [3, 4]}, "do not fill"),
        ({"size": [4, 5], "counts": [3, -4, 21]}, "whole numbers"),
        ({"size": [4, 5], "counts": [3, 4.5]}, "whole numbers"),
        ({"size": [5, 4], "counts": [20]}, "no mask of this image"),
        ({"size": [4, 5], "counts": "\x01"}, "no packed run lengths"),
        ({"size": [4, 5], "counts": "o"}, "middle of a number"),
        ({"size": [4, 5], "counts": "o" * 99}, "no packed run lengths"),
        ({"size": [4, 5]}, "whole numbers"),
        ([[1, 2, 3, 4]], "three points"),
        ([[1, 2, 3, 4, 5]], "three points"),
        ([[1, 2, 3, 4, 5, "x"]], "pairs of numbers"),
        ("x", "no mask of this image"),
        (None, "no mask of this image"),
    ],
)
def test_wrong_segmentations_are_errors(segmentation: Any, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        draw(segmentation, (5, 4), "a.json, annotation 7")


def test_absurd_sizes_are_refused_before_memory_is_asked_for() -> None:
    with pytest.raises(Unsupported, match="too large"):
        draw({"size": [2**20, 2**20], "counts": [2**40]}, (2**20, 2**20))
    with pytest.raises(FormatError, match="without pixels"):
        draw([], (0, 5))


def test_column_runs_of_kaggle_are_those_of_pycocotools() -> None:
    """Pairs of start and length, made from the runs of an independent program."""
    mask = random_mask(7, (33, 41))
    counts = unpack(reference.encode(np.asfortranarray(mask))["counts"])
    ends = np.cumsum(counts)
    pairs = [f"{end - run + 1} {run}" for end, run in zip(ends[1::2], counts[1::2], strict=True)]
    assert encode_rle(mask, start=1, order="column-major") == " ".join(pairs)
    np.testing.assert_array_equal(decode_rle(" ".join(pairs), (33, 41), start=1, order="column-major"), mask)
    np.testing.assert_array_equal(draw_runs(counts, (33, 41)), mask)


def test_relative_runs_as_a_program_of_the_competition_walks_them() -> None:
    """Position by position, as SIIM-ACR's own mask_functions.py describes it: start is added, then the length."""
    mask = random_mask(9, (21, 17))
    text = encode_rle(mask, start=0, order="column-major", relative=True)
    flat = np.zeros(mask.size, np.uint8)
    place = 0
    numbers = [int(word) for word in text.split()]
    for start, length in zip(numbers[0::2], numbers[1::2], strict=True):
        place += start
        flat[place : place + length] = 1
        place += length
    np.testing.assert_array_equal(flat.reshape(17, 21).T, mask)
    np.testing.assert_array_equal(decode_rle(text, (21, 17), start=0, order="column-major", relative=True), mask)
