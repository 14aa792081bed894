"""Affines: orientation, spacing, and changes of voxel order that leave every voxel in its place."""

from __future__ import annotations

from itertools import permutations, product

import nibabel
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medshelf.model import geometry

ORIENTATIONS = ["".join(o) for axes in permutations(("LR", "PA", "IS")) for o in product(*axes)]

angles = st.floats(-np.pi, np.pi)
spacings = st.floats(0.05, 20)
places = st.floats(-500, 500)


def rotation(a: float, b: float, c: float) -> np.ndarray:
    def turn(first: int, second: int, angle: float) -> np.ndarray:
        matrix = np.eye(3)
        matrix[[first, second], [first, second]] = np.cos(angle)
        matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
        return matrix

    return turn(0, 1, a) @ turn(0, 2, b) @ turn(1, 2, c)


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """An orthogonal affine of any orientation, handedness, spacing and place."""
    matrix = rotation(draw(angles), draw(angles), draw(angles))
    matrix = matrix[:, draw(st.permutations([0, 1, 2]))] * draw(st.tuples(*[st.sampled_from([-1, 1])] * 3))
    affine = np.eye(4)
    affine[:3, :3] = matrix * draw(st.tuples(spacings, spacings, spacings))
    affine[:3, 3] = draw(st.tuples(places, places, places))
    return affine


def ambiguous(affine: np.ndarray) -> bool:
    """True when two ways to name the axes are about as good, so that rounding decides."""
    cosines = np.sort(np.abs(affine[:3, :3] / geometry.spacing_mm(affine)), axis=None)
    return bool(np.diff(cosines[-4:]).min() < 1e-6)


@given(affines())
def test_orientation_is_that_of_nibabel(affine: np.ndarray) -> None:
    assume(not ambiguous(affine))
    assert geometry.orientation(affine) == "".join(nibabel.aff2axcodes(affine))


@pytest.mark.parametrize("letters", ORIENTATIONS)
def test_all_48_straight_orientations_have_their_names(letters: str) -> None:
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, letter in enumerate(letters):
        world = next(n for n, pair in enumerate(("LR", "PA", "IS")) if letter in pair)
        affine[world, axis] = 0.7 if letter in "RAS" else -0.7
    assert geometry.orientation(affine) == letters


@pytest.mark.parametrize(
    "affine",
    [
        np.zeros((4, 4)),
        np.diag([1.0, 1.0, 0.0, 1.0]),
        np.diag([1.0, np.nan, 1.0, 1.0]),
        np.diag([np.inf, 1.0, 1.0, 1.0]),
        np.array([[1.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]),
    ],
)
def test_a_degenerate_affine_has_no_orientation(affine: np.ndarray) -> None:
    assert geometry.orientation(affine) == "???"
    with pytest.raises(ValueError, match="degenerate"):
        geometry.reorient(np.zeros((2, 2, 2)), affine)


@given(affines(), st.tuples(spacings, spacings, spacings))
def test_spacing_is_the_distance_between_neighbours(affine: np.ndarray, steps: tuple[float, ...]) -> None:
    affine[:3, :3] = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0) * steps
    np.testing.assert_allclose(geometry.spacing_mm(affine), steps, rtol=1e-9)


@given(affines(), st.sampled_from(ORIENTATIONS))
def test_reorienting_leaves_every_voxel_in_its_place(affine: np.ndarray, to: str) -> None:
    assume(not ambiguous(affine))
    array = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    turned, placed = geometry.reorient(array, affine, to)
    assert geometry.orientation(placed) == to
    for index in np.ndindex(3, 4, 5):
        where = np.argwhere(turned == array[index])[0]
        np.testing.assert_allclose(placed @ [*where, 1], affine @ [*index, 1], atol=1e-9)


@given(affines(), st.sampled_from(ORIENTATIONS))
def test_reorienting_there_and_back_changes_nothing(affine: np.ndarray, to: str) -> None:
    assume(not ambiguous(affine))
    array = np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2)
    turned, placed = geometry.reorient(array, affine, to)
    back, placed_back = geometry.reorient(turned, placed, geometry.orientation(affine))
    np.testing.assert_array_equal(back, array)
    np.testing.assert_allclose(placed_back, affine, atol=1e-9)


@given(affines())
def test_reorienting_is_what_nibabel_does(affine: np.ndarray) -> None:
    assume(not ambiguous(affine))
    array = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    theirs = nibabel.as_closest_canonical(nibabel.Nifti1Image(array, affine))
    turned, placed = geometry.reorient(array, affine)
    np.testing.assert_array_equal(turned, np.asarray(theirs.dataobj))
    np.testing.assert_allclose(placed, theirs.affine, atol=1e-9)


def test_reorienting_gives_a_view() -> None:
    array = np.zeros((3, 4, 5))
    turned, _ = geometry.reorient(array, np.diag([-1.0, 1, 1, 1]), "SAR")
    assert np.shares_memory(turned, array)
    assert turned.shape == (5, 4, 3)


@pytest.mark.parametrize("to", ["", "RA", "RAA", "RLS", "XYZ", "ras", "RASA"])
def test_what_is_no_orientation_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="not"):
        geometry.reorient(np.zeros((2, 2, 2)), np.eye(4), to)


def test_lps_to_ras_turns_the_first_two_world_axes_and_is_its_own_inverse() -> None:
    lps = np.array([[0.5, 0, 0.1, 10], [0, 0.6, 0, -20], [-0.1, 0, 2, 30], [0, 0, 0, 1]])
    ras = geometry.lps_to_ras(lps.tolist())
    np.testing.assert_array_equal(ras @ [1, 2, 3, 1], [-1, -1, 1, 1] * (lps @ [1, 2, 3, 1]))
    np.testing.assert_array_equal(geometry.lps_to_ras(ras), lps)
    assert ras.dtype == np.float64


def test_the_corner_distance_counts_the_corner_that_moves_most() -> None:
    shifted = np.eye(4)
    shifted[:3, 3] = (3, 4, 0)
    assert geometry.max_corner_distance_mm(np.eye(4), shifted, (10, 10, 10)) == pytest.approx(5)
    stretched = np.diag([1.01, 1, 1, 1])
    assert geometry.max_corner_distance_mm(np.eye(4), stretched, (101, 5, 5)) == pytest.approx(1.0)
    assert geometry.max_corner_distance_mm(np.eye(4), stretched, (1, 5, 5)) == 0


@given(affines(), affines(), st.tuples(*[st.integers(1, 9)] * 3))
def test_no_voxel_is_further_off_than_the_worst_corner(
    a: np.ndarray, b: np.ndarray, shape: tuple[int, int, int]
) -> None:
    worst = geometry.max_corner_distance_mm(a, b, shape)
    grid = np.stack([*np.indices(shape).reshape(3, -1), np.ones(np.prod(shape))])
    apart = np.linalg.norm(((a - b) @ grid)[:3], axis=0)
    assert apart.max() == pytest.approx(worst, rel=1e-9, abs=1e-9)


@given(affines())
def test_rotations_are_orthonormal_and_shears_are_not(affine: np.ndarray) -> None:
    assert geometry.orthonormality_error(affine) < 1e-9
    sheared = affine.copy()
    sheared[:3, 1] += 0.1 * affine[:3, 0] / np.linalg.norm(affine[:3, 0]) * np.linalg.norm(affine[:3, 1])
    assert geometry.orthonormality_error(sheared) > 0.05


def test_orthonormality_of_a_degenerate_affine_is_infinitely_bad() -> None:
    assert geometry.orthonormality_error(np.diag([1.0, 0, 1, 1])) == float("inf")
