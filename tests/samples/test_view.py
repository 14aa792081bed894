"""Pictures of cases: sides of the patient, scale, colours, boxes, questions."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medshelf
from medshelf.errors import FormatError, LayoutError, NotFound
from medshelf.formats.boxes import Box
from medshelf.model import geometry
from medshelf.samples import picture, planes, view_flat, view_volume
from medshelf.samples.overlay import overlay_of
from medshelf.samples.planes import AXIAL, CORONAL, SAGITTAL
from medshelf.samples.view import draw
from tests.audit import clean
from tests.layout.made import record

SHAPE = (40, 32, 20)
AFFINE_LPS = np.array([[-1.0, 0, 0, 20], [0, -1.0, 0, 16], [0, 0, 2.0, -20], [0, 0, 0, 1]])
LEFT, FRONT, HEAD = slice(28, 38), slice(2, 9), slice(14, 19)
"""In voxel order LPS: on the patient's left, at the front, towards the head."""

ALL_ORIENTATIONS = sorted(
    "".join(pair[sign] for pair, sign in zip(order, signs, strict=True))
    for order in permutations(("RL", "AP", "SI"))
    for signs in product((0, 1), repeat=3)
)


def marker() -> np.ndarray:
    array = np.full(SHAPE, 10, np.int16, order="F")
    array[LEFT, FRONT, HEAD] = 200
    array[2:5, 25:30, 2:4] = 60
    return array


def marked() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8, order="F")
    mask[LEFT, FRONT, HEAD] = 1
    mask[3:9, 20:30, 3:8] = 2
    return mask


def one_case(root: Path, image: np.ndarray, mask: np.ndarray | None, image_affine: np.ndarray = AFFINE_LPS,
             mask_affine: np.ndarray | None = None) -> Any:  # fmt: skip
    clean.save(root / "train" / "ct_001.nii", image, image_affine)
    if mask is not None:
        clean.save(root / "train" / "seg_001.nii", mask, image_affine if mask_affine is None else mask_affine)
    return medshelf.open(record(clean.VOLUMES), root)[0]


def pixels(drawn: Any) -> np.ndarray:
    return np.asarray(drawn.convert("RGB")).astype(int)


def panel(drawn: Any, number: int = 0) -> np.ndarray:
    """Cut a plane out of a drawing of three planes side by side."""
    scale = view_volume.LARGEST / 40
    sizes = [(40, 32), (40, 40), (32, 40)]
    left = view_volume.MARGIN + sum(round(w * scale) + view_volume.GAP for w, _ in sizes[:number])
    width, height = (round(n * scale) for n in sizes[number])
    return pixels(drawn)[view_volume.HEADER : view_volume.HEADER + height, left : left + width]


def centre_of(where: np.ndarray) -> tuple[float, float]:
    """Return where the marked pixels lie: 0 left or top … 1 right or bottom."""
    rows, columns = np.nonzero(where)
    return columns.mean() / where.shape[1], rows.mean() / where.shape[0]


# --- sides of the patient ------------------------------------------------------------------


def test_the_patients_left_is_on_the_right_and_front_and_head_are_up(tmp_path: Path) -> None:
    sample = one_case(tmp_path, marker(), marked())
    drawn = draw(sample, annotation="")
    at = draw(sample, annotation="", slice=(33, 5, 16))
    bright = [panel(at, n).min(2) > 150 for n in range(3)]
    axial, coronal, sagittal = (centre_of(b[20:-20, 20:-20]) for b in bright)
    assert axial[0] > 0.7 and axial[1] < 0.35
    assert coronal[0] > 0.7 and coronal[1] < 0.35
    assert sagittal[0] < 0.35 and sagittal[1] < 0.35
    assert drawn.size == at.size


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_a_case_looks_alike_in_whatever_order_its_voxels_are_stored(orientation: str, tmp_path: Path) -> None:
    first = pixels(draw(one_case(tmp_path / "a", marker(), marked())))
    image, affine = geometry.reorient(marker(), AFFINE_LPS, orientation)
    mask, _ = geometry.reorient(marked(), AFFINE_LPS, orientation)
    sample = one_case(tmp_path / "b", np.asfortranarray(image), np.asfortranarray(mask), affine)
    again = pixels(draw(sample))
    top = view_volume.HEADER  # the title names the order
    assert np.array_equal(first[top:], again[top:])


def test_the_letters_of_each_plane_follow_its_axes() -> None:
    sides = {0: ("R", "L"), 1: ("A", "P"), 2: ("S", "I")}
    for plane in (AXIAL, CORONAL, SAGITTAL):
        assert plane.letters == (*sides[plane.across], *sides[plane.down])
        assert {plane.across, plane.down, plane.through} == {0, 1, 2}
        assert plane.upside_down == (plane.down == 2)


def test_a_mask_in_another_order_of_voxels_is_laid_on_right(tmp_path: Path) -> None:
    first = pixels(draw(one_case(tmp_path / "a", marker(), marked())))
    mask, affine = geometry.reorient(marked(), AFFINE_LPS, "RAI")
    again = pixels(draw(one_case(tmp_path / "b", marker(), np.asfortranarray(mask), mask_affine=affine)))
    assert np.array_equal(first, again)


def test_a_mask_beside_its_image_is_drawn_beside_it(tmp_path: Path) -> None:
    moved = AFFINE_LPS.copy()
    moved[0, 3] += 10  # 10 mm to the right: ten voxels to the left of the picture
    at = (30, 5, 16)
    colour = np.array(picture.colour_of(1))
    edges = []
    for name, affine in (("a", AFFINE_LPS), ("b", moved)):
        shown = panel(draw(one_case(tmp_path / name, marker(), marked(), mask_affine=affine), slice=at))
        edges.append(centre_of((shown == colour).all(2))[0])
    assert edges[0] - edges[1] == pytest.approx(10 / 40, abs=0.01)


def test_a_volume_without_a_place_has_no_letters(tmp_path: Path) -> None:
    array = marker()
    path = tmp_path / "a.npy"
    np.save(path, array)
    made = record('key = ["n"]\n[files.image]\nrole = "image"\npath = "{n}.npy"\naxes = "ijk"\n')
    drawn = draw(medshelf.open(made, tmp_path)[0])
    grid = planes.grid_of(array, None, None)
    assert not grid.placed and np.array_equal(grid.array, array)
    assert drawn.width > 600


# --- where and how -------------------------------------------------------------------------


def test_planes_go_through_the_slices_with_most_marked() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:20, 10:20, 7] = 1
    mask[12, 4:30, 3:12] = 1
    grid = planes.grid_of(mask, AFFINE_LPS, None)
    assert planes.busiest(grid, grid) == (12, 10, 7)
    empty = planes.grid_of(np.zeros(SHAPE, np.uint8), AFFINE_LPS, None)
    assert planes.busiest(empty, empty) == (19, 15, 9)


def test_a_voxel_outside_is_refused(tmp_path: Path) -> None:
    sample = one_case(tmp_path, marker(), None)
    with pytest.raises(NotFound, match="no voxel"):
        draw(sample, slice=(40, 0, 0))


def test_a_voxel_is_counted_in_the_stored_order(tmp_path: Path) -> None:
    image, affine = geometry.reorient(marker(), AFFINE_LPS, "RAS")
    sample = one_case(tmp_path, np.asfortranarray(image), None, affine)
    at = (SHAPE[0] - 1 - 33, SHAPE[1] - 1 - 5, 16)
    assert image[at] == 200
    shown = panel(draw(sample, slice=at)).min(2) > 150
    assert centre_of(shown[20:-20, 20:-20])[0] > 0.7


def test_the_window_sets_black_and_white(tmp_path: Path) -> None:
    sample = one_case(tmp_path, marker(), None)
    shown = panel(draw(sample, slice=(33, 5, 16), window=(105, 190)))
    inner = shown[60:-60, 60:-60]
    assert inner.min() == 0 and inner.max() == 255


def test_soft_tissue_is_the_window_of_ct_and_percentiles_that_of_the_rest() -> None:
    from medshelf.model.volume import Volume

    ct = np.asfortranarray(np.linspace(-1000, 900, 4096).reshape(16, 16, 16).astype(np.int16))
    low, high, told = view_volume._window(ct, "ct", Volume(ct, "ijk"), None, None)
    assert (low, high) == (-160, 240) and told == "level 40, width 400"
    mr = np.abs(ct)
    low, high, told = view_volume._window(mr, "T1", Volume(mr, "ijk"), None, None)
    assert 0 < low < 30 and 950 < high < 1000 and "percentile" in told
    assert view_volume._window(mr, "T1", Volume(mr, "ijk"), None, (50, 100))[:2] == (0, 100)


@pytest.mark.parametrize(
    ("pixels_per_mm", "room", "length_mm"), [(8.8, 117, 10), (1.0, 150, 100), (0.4, 150, 200), (440, 150, 0.2)]
)
def test_the_scale_bar_is_as_long_as_it_says(pixels_per_mm: float, room: float, length_mm: float) -> None:
    from PIL import Image

    canvas = Image.new("RGB", (300, 60), (10, 10, 10))
    length, n_pixels = picture.scale_bar(canvas, 20, 50, pixels_per_mm, room)
    assert length == pytest.approx(length_mm)
    assert n_pixels == round(length * pixels_per_mm) <= room
    row = np.asarray(canvas)[48]
    assert (row == picture.TEXT).all(1).sum() == n_pixels


def test_the_scale_of_a_drawing_is_that_of_its_bar(tmp_path: Path) -> None:
    sample = one_case(tmp_path, marker(), None)
    shown = panel(draw(sample, window=(1000, 10)))  # all black: only bar and letters are bright
    row = shown[shown.shape[0] - 12, :200]
    assert (row == picture.TEXT).all(1).sum() == round(10 * view_volume.LARGEST / 40)


# --- colours -------------------------------------------------------------------------------


def test_the_legend_has_the_colours_of_the_overlay(tmp_path: Path) -> None:
    drawn = draw(one_case(tmp_path, marker(), marked()))
    whole, axial = pixels(drawn), panel(drawn)
    legend = whole[view_volume.HEADER :, -(view_volume.LEGEND + view_volume.MARGIN) :]
    for number in (1, 2):
        colour = picture.colour_of(number)
        swatch = (legend == colour).all(2)
        assert swatch.sum() > 150
        planes_shown = [(panel(drawn, n) == colour).all(2).sum() for n in range(3)]
        assert max(planes_shown) > 100, "the outline has the full colour"
    assert axial.shape == (368, 460, 3)


def test_an_outline_is_inside_and_not_at_the_border_of_the_picture() -> None:
    numbers = np.zeros((12, 12), int)
    numbers[0:6, 3:9] = 1
    edge = picture.outline(numbers, 1)
    assert not edge[numbers == 0].any()
    assert not edge[0, 4:8].any()
    assert edge[5, 3:9].all() and edge[0:6, 3].all()
    assert not edge[2, 5]


def test_colours_stay_apart() -> None:
    found = {picture.colour_of(n) for n in range(1, 130)}
    assert len(found) == 129
    assert all(max(c) > 120 for c in found)


def test_volumes_of_the_legend_are_in_millilitres(tmp_path: Path) -> None:
    mask = overlay_of(one_case(tmp_path, marker(), marked()).mask)
    assert mask.names == {1: "liver", 2: "spleen"}
    assert mask.counts() == {1: 10 * 7 * 5, 2: 6 * 10 * 5}
    assert view_volume._amount(350, (1.0, 1.0, 2.0)) == "0.7 ml"
    assert view_volume._amount(700_000, (1.0, 1.0, 2.0)) == "1,400 ml"


def test_a_value_that_nobody_declares_is_named_as_such(tmp_path: Path) -> None:
    mask = marked()
    mask[0, 0, 0] = 9
    assert overlay_of(one_case(tmp_path, marker(), mask).mask).names[9] == "value 9, not declared"


# --- pictures ------------------------------------------------------------------------------


def test_boxes_are_drawn_where_they_are(tmp_path: Path) -> None:
    made = clean.pictures(tmp_path)
    clean.boxes(tmp_path, 1, Box("red", 11, 13, 40, 30))
    drawn = pixels(draw(medshelf.open(made, tmp_path)["001"], annotation="cells"))
    scale = 8  # 64 pixels would fit more than eight times
    left, top = view_flat.MARGIN + 64 * scale + view_flat.GAP, view_flat.HEADER
    shown = drawn[top : top + 48 * scale, left : left + 64 * scale]
    hit = (shown == picture.colour_of(1)).all(2)
    rows, columns = np.nonzero(hit)
    assert (columns.min(), columns.max()) == (10 * scale, 40 * scale - 1)
    assert (rows.min(), rows.max()) == (12 * scale - 15, 30 * scale - 1), "the name stands on the box"
    plain = drawn[top : top + 48 * scale, view_flat.MARGIN : view_flat.MARGIN + 64 * scale]
    assert not (plain == picture.colour_of(1)).all(2).any()


def test_a_mask_is_painted_beside_the_plain_picture(tmp_path: Path) -> None:
    sample = medshelf.open(clean.pictures(tmp_path), tmp_path)["001"]
    drawn = pixels(draw(sample))
    left = view_flat.MARGIN + 64 * 8 + view_flat.GAP
    shown = drawn[view_flat.HEADER : view_flat.HEADER + 48 * 8, left : left + 64 * 8]
    rows, columns = np.nonzero((shown == picture.colour_of(1)).all(2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (80, 239, 96, 319)


def test_a_mask_with_transparency_is_not_all_mask(tmp_path: Path) -> None:
    made = clean.pictures(tmp_path)
    flat = np.zeros((48, 64), np.uint8)
    flat[5:9, 5:9] = 255
    clean.save_picture(tmp_path / "mask" / "001.png", np.stack([flat, flat, flat, np.full_like(flat, 255)], -1))
    mask = medshelf.open(made, tmp_path)["001"].annotations["lesion"]
    assert overlay_of(mask).counts() == {1: 16}


def test_instances_have_colours_of_their_own(tmp_path: Path) -> None:
    mask = medshelf.open(clean.instances(tmp_path), tmp_path)[0].annotations["nuclei"]
    painted = overlay_of(mask)
    assert painted.instances == "nucleus"
    assert painted.counts() == {1: 84, 2: 84, 3: 84}


def test_a_mask_that_does_not_fit_is_said_and_not_drawn(tmp_path: Path) -> None:
    made = clean.pictures(tmp_path)
    clean.save_picture(tmp_path / "mask" / "001.png", np.full((20, 20), 255, np.uint8))
    drawn = pixels(draw(medshelf.open(made, tmp_path)["001"]))
    assert not (drawn == picture.colour_of(1)).all(2).any()


def test_a_file_that_cannot_be_read_is_one_error_of_ours(tmp_path: Path) -> None:
    made = clean.pictures(tmp_path)
    (tmp_path / "high" / "001.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(FormatError):
        draw(medshelf.open(made, tmp_path)["001"])


def test_a_slide_is_not_drawn_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medshelf.samples.view.LIMIT_PIXELS", 1000)
    with pytest.raises(LayoutError, match="too large"):
        draw(medshelf.open(clean.pictures(tmp_path), tmp_path)["001"])


def test_pictures_of_sixteen_bits_and_colour_tables_become_rgb() -> None:
    from medshelf.model.volume import Volume

    deep = np.arange(4000, dtype=np.uint16).reshape(50, 80)
    rgb, told = view_flat.rgb_of(Volume(deep, "yx"))
    assert rgb.shape == (50, 80, 3) and rgb.min() == 0 and rgb.max() == 255 and "grey from" in told
    palette = np.array([[0, 0, 0], [9, 8, 7]], np.uint8)
    rgb, _ = view_flat.rgb_of(Volume(np.array([[0, 1]], np.uint8), "yx", meta={"palette": palette}))
    assert rgb.tolist() == [[[0, 0, 0], [9, 8, 7]]]
    rgb, _ = view_flat.rgb_of(Volume(np.full((2, 3, 4), 7, np.uint8), "yxc"))
    assert rgb.shape == (2, 3, 3)


# --- text ----------------------------------------------------------------------------------

QUESTIONS = """
key = ["n"]
[tables.questions]
path = "questions.csv"
kind = "qa"
anchor = true
key = { id = "{n}" }
columns = { question = "question", answer = "answer" }
"""


def test_questions_without_an_image_are_drawn_as_text(tmp_path: Path) -> None:
    (tmp_path / "questions.csv").write_text("id,question,answer\n1,Is the liver enlarged?,no\n")
    drawn = draw(medshelf.open(record(QUESTIONS), tmp_path)[0])
    green = (pixels(drawn) == (128, 214, 92)).all(2)
    assert green.any(), "the answer is green"


def test_a_case_with_nothing_to_draw_says_so(tmp_path: Path) -> None:
    (tmp_path / "questions.csv").write_text("id,question,answer\n1,,\n")
    with pytest.raises(NotFound, match="nothing to draw"):
        draw(medshelf.open(record(QUESTIONS), tmp_path)[0])


def test_long_words_are_broken_and_letters_that_the_font_lacks_are_replaced() -> None:
    for line in picture.wrapped("a " + "x" * 300 + " b", 15, 200):
        assert picture.width_of(line, 15) <= 200
    assert picture.drawable("3 × 4 µm – é 肝") == "3 x 4 um - e ?"
    short = picture.shortened("y" * 100, 15, 100)
    assert short.endswith("…") and picture.width_of(short, 15) <= 100


def test_questions_stand_beside_the_image(shared_data: Path) -> None:
    opened = medshelf.open("vqa-rad", shared_data / "vqa-rad")
    drawn = draw(opened["synpic676"])
    right = pixels(drawn)[view_flat.HEADER :, -480:]
    assert (right == (128, 214, 92)).all(2).sum() > 8


# --- real data -----------------------------------------------------------------------------


def test_the_hippocampus_has_two_colours_in_the_sagittal_plane(shared_data: Path) -> None:
    sample = medshelf.open("msd-hippocampus", shared_data / "msd-hippocampus")["hippocampus_001"]
    drawn = pixels(draw(sample))
    for number in (1, 2):
        assert (drawn == picture.colour_of(number)).all(2).sum() > 300


def test_a_dicom_series_and_a_mirrored_nifti_mask_fit(shared_data: Path) -> None:
    """The mask is stored as LAS, the series as LPS; the liver must be on the left of the picture."""
    opened = medshelf.open("totalsegmentator-sample", shared_data / "totalsegmentator-sample")
    sample = opened["ct_dicom"]
    mask = next(a for a in sample.annotations.values() if hasattr(a, "images"))
    volume = sample.image.volume
    grids = [planes.grid_of(v.array, v.affine, None) for v in (mask.volume, volume)]
    assert planes.same_grid(*grids)
    liver = next(value for value, name in mask.values.items() if name == "liver")
    columns = np.nonzero(planes.cut(grids[0], AXIAL, 12) == liver)[1]
    assert columns.mean() < 0.45 * 512


def test_a_single_slice_of_a_volume_lies_as_its_axes_do(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    (tmp_path / "train").mkdir()
    image, mask = marker()[:, :, 16], marked()[:, :, 16]
    for name, array in (("ct", image), ("seg", mask)):
        nibabel.save(nibabel.Nifti1Image(array, AFFINE_LPS), tmp_path / "train" / f"{name}_001.nii")
    drawn = pixels(draw(medshelf.open(record(clean.VOLUMES), tmp_path)[0]))
    left = view_flat.MARGIN + 40 * 8 + view_flat.GAP
    shown = drawn[view_flat.HEADER : view_flat.HEADER + 32 * 8, left : left + 40 * 8]
    rows, columns = np.nonzero((shown == picture.colour_of(1)).all(2))
    assert (columns.min(), columns.max()) == (LEFT.start * 8, LEFT.stop * 8 - 1)
    assert (rows.min(), rows.max()) == (FRONT.start * 8, FRONT.stop * 8 - 1)
