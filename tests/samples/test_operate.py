"""The array operations of a layout, each by itself and one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medshelf.errors import LayoutError, MedshelfError, Truncated
from medshelf.layout import lint
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from medshelf.samples.image import Image
from medshelf.samples.operate import OPERATIONS, apply

ARRAY = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def applied(array: np.ndarray, *steps: dict[str, Any], axes: str = "ijk") -> Volume:
    return apply(Volume(array, axes, np.eye(4), (1.0, 1.0, 1.0)), steps)


def test_the_list_is_closed() -> None:
    told = ["flip", "rot90", "transpose", "squeeze", "take", "offset", "scale", "threshold", "astype",
            "map", "nearest", "geometry"]  # fmt: skip
    assert list(OPERATIONS) == told
    assert set(told) == lint.OPERATIONS


def test_flip_reverses_axes() -> None:
    np.testing.assert_array_equal(applied(ARRAY, {"flip": [0]}).array, ARRAY[::-1])
    np.testing.assert_array_equal(applied(ARRAY, {"flip": [1, 2]}).array, ARRAY[:, ::-1, ::-1])


@pytest.mark.parametrize("times", [-1, 1, 2, 3, 4])
def test_rot90_turns_from_the_first_axis_to_the_second(times: int) -> None:
    turned = applied(ARRAY, {"rot90": [times, 0, 1]}).array
    wanted = ARRAY
    for _ in range(times % 4):
        wanted = wanted.transpose(1, 0, 2)[::-1]
    np.testing.assert_array_equal(turned, wanted)


def test_transpose_permutes() -> None:
    np.testing.assert_array_equal(applied(ARRAY, {"transpose": [1, 0, 2]}).array, ARRAY.swapaxes(0, 1))


def test_squeeze_and_take_remove_an_axis_and_its_letter() -> None:
    squeezed = applied(ARRAY[..., None], {"squeeze": [3]}, axes="ijkc")
    assert (squeezed.shape, squeezed.axes) == ((2, 3, 4), "ijk")
    four = np.stack([ARRAY, ARRAY + 100], -1)
    taken = applied(four, {"take": [3, 1]}, axes="ijkt")
    np.testing.assert_array_equal(taken.array, ARRAY + 100)
    assert taken.axes == "ijk"
    last = applied(four, {"take": [-1, -1]}, axes="ijkt")
    np.testing.assert_array_equal(last.array, ARRAY + 100)
    assert last.axes == "ijk"


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32"])
@pytest.mark.parametrize("amount", [-1000, 5, 70000])
def test_offset_does_not_wrap_around(dtype: str, amount: int) -> None:
    array = np.array([0, 1, 100]).astype(dtype)
    moved = applied(array, {"offset": amount}, axes="i").array
    np.testing.assert_array_equal(moved, array.astype(float) + amount)
    assert moved.dtype.kind == ("f" if dtype == "float32" else "i")


def test_offset_of_the_largest_values_does_not_wrap_around() -> None:
    for dtype in ("uint8", "uint16", "int32", "uint32"):
        array = np.array([np.iinfo(dtype).max], dtype)
        assert applied(array, {"offset": 1}, axes="i").array.tolist() == [np.iinfo(dtype).max + 1]


def test_scale_gives_float32() -> None:
    scaled = applied(ARRAY, {"scale": 0.5}).array
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, ARRAY / 2)


def test_threshold_counts_what_is_equal() -> None:
    mask = applied(ARRAY, {"threshold": 12}).array
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, ARRAY >= 12)


def test_astype_refuses_to_change_values() -> None:
    assert applied(ARRAY, {"astype": "int16"}).array.dtype == np.int16
    for array, dtype in ((ARRAY + 0.5, "int16"), (ARRAY.astype(int) - 5, "uint8"), (ARRAY / 0.3, "i4")):
        with pytest.raises(LayoutError, match=f"values do not fit the type {dtype}"):
            applied(array, {"astype": dtype})


def test_steps_run_in_order_and_before_anything_narrows() -> None:
    steps = ({"offset": -10}, {"scale": 2}, {"threshold": 0}, {"flip": [2]})
    np.testing.assert_array_equal(applied(ARRAY, *steps).array, (ARRAY >= 10)[..., ::-1])


def test_the_place_in_the_patient_stays_what_the_header_says() -> None:
    volume = applied(ARRAY, {"flip": [0]}, {"rot90": [1, 0, 1]})
    np.testing.assert_array_equal(volume.affine, np.eye(4))
    assert volume.spacing_mm == (1.0, 1.0, 1.0)


def test_what_was_read_is_not_changed() -> None:
    before = ARRAY.copy()
    for step in ({"offset": 3}, {"scale": 3}, {"threshold": 3}, {"flip": [0]}, {"astype": "int16"}):
        applied(ARRAY, step)
    np.testing.assert_array_equal(ARRAY, before)


@pytest.mark.parametrize(
    "step",
    [
        {"flip": [3]}, {"rot90": [1, 0, 3]}, {"rot90": [1, 0]}, {"rot90": 1}, {"transpose": [0, 1]},
        {"transpose": [0, 0, 1]}, {"squeeze": [0]}, {"take": [3, 0]}, {"take": [0, 2]}, {"take": [0, -3]},
        {"take": 1}, {"offset": "x"}, {"scale": "x"}, {"threshold": "x"}, {"astype": "int7"}, {"flip": "a"},
        {"offset": 10**30},
    ],
)  # fmt: skip
def test_what_does_not_fit_the_array_is_an_error_of_the_layout(step: dict[str, Any]) -> None:
    with pytest.raises(LayoutError):
        applied(ARRAY, step)


def test_an_unknown_operation_names_the_known() -> None:
    with pytest.raises(LayoutError, match=r"there is no operation 'median'. Known: flip, rot90"):
        applied(ARRAY, {"median": 3})


def test_map_exchanges_numbers_all_at_once_and_grows_the_type() -> None:
    stored = np.array([200, 500, 600, 1220, 2221, 0], np.uint16)
    swapped = applied(stored, {"map": {"200": 500, "500": 200, "2221": 70000}}, axes="i").array
    np.testing.assert_array_equal(swapped, [500, 200, 600, 1220, 70000, 0])
    with pytest.raises(LayoutError, match="map"):
        applied(np.zeros(3, np.float32), {"map": {"0": 1}}, axes="i")


def test_nearest_value_undoes_the_loss_of_a_jpeg() -> None:
    noisy = np.array([[0, 3, 120], [133, 250, 255]], np.uint8)
    np.testing.assert_array_equal(
        applied(noisy, {"nearest": [0, 128, 255]}, axes="yx").array, [[0, 0, 128], [128, 255, 255]]
    )


def test_nearest_colour_and_ties_go_to_the_first() -> None:
    noisy = np.array([[[250, 10, 3], [2, 1, 0], [0, 0, 127]]], np.uint8)
    found = applied(noisy, {"nearest": ["#000000", "#ff0000", "#0000fe"]}, axes="yxc").array
    np.testing.assert_array_equal(found, [[[255, 0, 0], [0, 0, 0], [0, 0, 0]]])
    with pytest.raises(LayoutError, match="nearest"):
        applied(noisy, {"nearest": ["#000000", 3]}, axes="yxc")


def test_geometry_drops_what_a_header_says_or_states_it() -> None:
    bare = applied(ARRAY, {"geometry": "unknown"})
    assert bare.affine is None and bare.spacing_mm is None
    spaced = applied(ARRAY, {"geometry": {"spacing_mm": [1, 2, 3]}})
    assert spaced.affine is None and spaced.spacing_mm == (1.0, 2.0, 3.0)
    placed = applied(ARRAY, {"geometry": {"spacing_mm": [1, 2, 3], "orientation": "IPL"}})
    assert placed.orientation == "IPL" and placed.spacing_mm == (1.0, 2.0, 3.0)
    assert placed.meta["origin"] == "unknown"


@pytest.mark.parametrize(
    "said", ["identity", {"orientation": "LPS"}, {"spacing_mm": [1, 1, 1], "orientation": "LLS"}, {"x": 1}]
)
def test_a_geometry_that_is_none_is_refused(said: Any) -> None:
    with pytest.raises(LayoutError, match="geometry"):
        applied(ARRAY, {"geometry": said})


@pytest.mark.parametrize(
    "ops",
    [[], [{"flip": [0]}], [{"rot90": [1, 0, 1]}], [{"transpose": [2, 1, 0, 3]}], [{"take": [3, 1]}],
     [{"take": [0, 2], "squeeze": []}], [{"geometry": "unknown"}], [{"geometry": {"spacing_mm": [1, 2, 3]}}],
     [{"threshold": 3}], [{"astype": "int32"}]],
)  # fmt: skip
@pytest.mark.parametrize("axes", ["ijkc", None])
def test_a_header_is_that_of_what_is_read_and_leaves_voxels_where_values_do_not_count(
    ops: list[dict[str, Any]], axes: str | None, tmp_path: Path
) -> None:
    import nibabel

    array = np.arange(4 * 5 * 6 * 2, dtype=np.int16).reshape(4, 5, 6, 2)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([1.0, 2, 3, 1])), tmp_path / "a.nii")
    whole = Image("a", (LocalFile(tmp_path / "a.nii"),), axes=axes, ops=tuple(ops))
    channel = Image("a1", whole.blobs, source=Image("a", whole.blobs, axes="ijkc"), index=("c", 1))
    for image in (whole, channel):
        try:
            volume = image.read()
        except MedshelfError as error:
            with pytest.raises(type(error)):
                image.header()
            continue
        header = image.header()
        assert (header.shape, header.dtype, header.axes) == (volume.shape, volume.array.dtype.name, volume.axes)
        assert header.spacing_mm == volume.spacing_mm
        np.testing.assert_array_equal(header.affine, volume.affine)  # type: ignore[arg-type]


def test_a_header_is_read_where_the_voxels_are_not_there(tmp_path: Path) -> None:
    import nibabel

    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6, 2), np.int16), np.eye(4)), tmp_path / "a.nii")
    (tmp_path / "a.nii").write_bytes((tmp_path / "a.nii").read_bytes()[:400])
    blobs = (LocalFile(tmp_path / "a.nii"),)
    whole = Image("a", blobs, axes="ijkc", ops=({"flip": [0]},))
    channel = Image("a1", blobs, source=Image("a", blobs, axes="ijkc"), index=("c", 1))
    assert [image.header().shape for image in (whole, channel)] == [(4, 5, 6, 2), (4, 5, 6)]
    for image in (whole, channel):
        with pytest.raises(Truncated):
            image.read()
