"""Masks of every kind, and the four things that one can say of a structure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

import medshelf
from medshelf.errors import FormatError, LayoutError, NotFound
from medshelf.model.labels import State
from medshelf.samples.annotation import Mask
from medshelf.samples.sample import Sample
from tests.layout.made import record

SHAPE = (6, 8)
IMAGE = '[files.image]\nrole = "image"\npath = "{n:int}.png"\n'
PRESENT, ABSENT, NOT_ANNOTATED = State.PRESENT, State.ABSENT, State.NOT_ANNOTATED


def place(*cells: tuple[int, int, int]) -> np.ndarray:
    """Return a picture of zeros with some values: (row, column, value)."""
    array = np.zeros(SHAPE, np.uint8)
    for row, column, value in cells:
        array[row, column] = value
    return array


def sample(root: Path, layout: str, **pictures: np.ndarray) -> Sample:
    """Write pictures (``a__b`` is a/b.png) beside an image 1.png, and return the one case."""
    for name, array in {"1": place((0, 0, 9)), **pictures}.items():
        path = root / (name.replace("__", "/") + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        pil.fromarray(array).save(path)
    (one,) = medshelf.open(record(f'key = ["n"]\n{IMAGE}{layout}'), root)
    return one


def where(array: np.ndarray) -> set[tuple[int, int]]:
    assert array.dtype == bool
    return {(int(r), int(c)) for r, c in np.argwhere(array)}


# --- one file, one value a structure -------------------------------------------------------

INDEX = """
[files.mask]
role = "mask"
path = "m/{n:int}.png"
labels = "organs"
[labels.organs]
1 = "liver"
2 = "liver/neoplasm"
3 = "spleen"
4 = "spleen"
"10-12" = "rib.left.{i}"
[regions]
"liver:whole" = ["liver", "liver/neoplasm"]
"all" = ["liver:whole", "spleen"]
"""


@pytest.fixture
def index(tmp_path: Path) -> Mask:
    cells = place((0, 0, 1), (0, 1, 1), (1, 1, 2), (2, 2, 4), (3, 3, 11))
    return sample(tmp_path, INDEX, m__1=cells).mask


def test_an_index_mask_says_which_of_its_structures_are_there(index: Mask) -> None:
    assert index.states() == {
        "liver": PRESENT, "liver/neoplasm": PRESENT, "spleen": PRESENT, "rib.left.1": ABSENT, "rib.left.2": PRESENT,
        "rib.left.3": ABSENT,
    }  # fmt: skip
    assert {name: index.state(name) for name in index.structures} == index.states()


def test_what_the_label_map_does_not_name_is_not_annotated(index: Mask) -> None:
    assert index.state("pancreas") == NOT_ANNOTATED
    with pytest.raises(NotFound, match=r"pancreas is not annotated in mask. Annotated: liver, liver/neoplasm, spleen"):
        index.mask("pancreas")


def test_structures_are_where_their_values_are(index: Mask) -> None:
    assert where(index.mask("liver")) == {(0, 0), (0, 1)}
    assert where(index.mask("spleen")) == {(2, 2)}
    assert where(index.mask("rib.left.2")) == {(3, 3)}
    assert where(index.mask("rib.left.1")) == set()


def test_a_region_is_the_union_of_its_parts(index: Mask) -> None:
    assert where(index.mask("liver:whole")) == {(0, 0), (0, 1), (1, 1)}
    assert where(index.mask("all")) == {(0, 0), (0, 1), (1, 1), (2, 2)}
    assert index.state("all") == PRESENT
    assert index.derived == ("liver:whole", "all")


def test_to_index_lays_later_values_on_top(index: Mask) -> None:
    one = index.to_index({1: "liver:whole", 2: "liver/neoplasm", 3: ("spleen", "rib.left.2")})
    assert one.array.dtype == np.uint8
    np.testing.assert_array_equal(one.array, place((0, 0, 1), (0, 1, 1), (1, 1, 2), (2, 2, 3), (3, 3, 3)))
    other = index.to_index({2: "liver/neoplasm", 1: "liver:whole"})
    np.testing.assert_array_equal(other.array, place((0, 0, 1), (0, 1, 1), (1, 1, 1)))
    assert index.to_index({300: "liver"}).array.dtype == np.uint16
    with pytest.raises(NotFound):
        index.to_index({1: "liver", 2: "pancreas"})


# --- one file a structure ------------------------------------------------------------------

FILES = """
[files.mask]
role = "mask"
path = "m/{n:int}_{organ:word}.png"
label = "{organ}"
labels = "organs"
absent = "ABSENT"
[labels.organs]
Liver = "liver"
Kidney_L = "kidney.left"
Kidney_R = "kidney.right"
"~Tumor.*" = "liver/neoplasm"
[regions]
kidney = ["kidney.left", "kidney.right"]
"""


def of_files(root: Path, absent: str) -> Mask:
    pictures = {"m__1_Liver": place((0, 0, 255)), "m__1_Kidney_L": place((1, 1, 255)), "m__1_Tumor_a": place()}
    return sample(root, FILES.replace("ABSENT", absent), **pictures).mask


def test_a_missing_file_means_absent_where_the_layout_says_so(tmp_path: Path) -> None:
    mask = of_files(tmp_path, "empty")
    assert mask.states() == {
        "liver": PRESENT, "kidney.left": PRESENT, "kidney.right": ABSENT, "liver/neoplasm": ABSENT,
    }  # fmt: skip
    assert where(mask.mask("kidney.right")) == set()
    assert mask.mask("kidney.right").shape == SHAPE
    assert where(mask.mask("kidney")) == {(1, 1)}
    assert mask.state("kidney") == PRESENT


def test_a_missing_file_means_nothing_where_nobody_says_so(tmp_path: Path) -> None:
    mask = of_files(tmp_path, "unknown")
    assert mask.state("kidney.right") == NOT_ANNOTATED
    with pytest.raises(NotFound, match=r"kidney\.right is not annotated"):
        mask.mask("kidney.right")


def test_a_region_of_which_a_part_is_not_annotated_is_not_the_rest_of_it(tmp_path: Path) -> None:
    mask = of_files(tmp_path, "unknown")
    assert mask.state("kidney") == PRESENT
    with pytest.raises(NotFound, match=r"kidney\.right is not annotated"):
        mask.mask("kidney")
    with pytest.raises(NotFound):
        mask.to_index({1: "kidney"})


def test_files_of_structures_are_no_one_volume(tmp_path: Path) -> None:
    mask = of_files(tmp_path, "empty")
    with pytest.raises(LayoutError, match=r"the mask mask is 3 files, one a structure"):
        _ = mask.volume
    np.testing.assert_array_equal(
        mask.to_index({1: "liver", 2: "kidney"}).array, place((0, 0, 1), (1, 1, 2))
    )  # fmt: skip


def test_a_name_that_the_map_does_not_know_stays_itself(tmp_path: Path) -> None:
    layout = FILES.replace("ABSENT", "empty")
    mask = sample(tmp_path, layout, m__1_Liver=place((0, 0, 1)), m__1_Spleen=place((1, 1, 1))).mask
    assert mask.state("Spleen") == PRESENT


def test_files_of_structures_may_be_colour_pictures(tmp_path: Path) -> None:
    red = np.stack([place((0, 0, 255)), place(), place()], -1)
    mask = sample(tmp_path, FILES.replace("ABSENT", "empty"), m__1_Liver=red, m__1_Kidney_L=red * 0).mask
    assert where(mask.mask("liver")) == {(0, 0)}
    assert mask.states()["kidney.left"] == ABSENT
    assert mask.mask("kidney.right").shape == SHAPE


# --- anything that is not zero -------------------------------------------------------------

BINARY = """
[files.lesion]
role = "mask"
path = "m/{n:int}[_{part:int}].png"
kind = "binary"
label = "breast/lesion"
merge = "union"
"""


def test_a_binary_mask_is_whatever_is_not_zero(tmp_path: Path) -> None:
    mask = sample(tmp_path, BINARY, m__1=place((0, 0, 255), (1, 1, 1))).mask
    assert mask.structures == ("breast/lesion",)
    assert where(mask.mask("breast/lesion")) == {(0, 0), (1, 1)}


def test_an_empty_binary_mask_says_absent(tmp_path: Path) -> None:
    assert sample(tmp_path, BINARY, m__1=place()).mask.states() == {"breast/lesion": ABSENT}


@pytest.mark.parametrize("form", ["grey", "bool", "rgb", "rgba", "grey and alpha"])
def test_parts_of_a_merged_mask_are_one_in_whatever_form_they_were_saved(tmp_path: Path, form: str) -> None:
    second, opaque = place((2, 2, 255)), np.full(SHAPE, 255, np.uint8)
    saved = {
        "grey": second, "bool": second > 0, "rgb": np.stack([second] * 3, -1),
        "rgba": np.stack([second, second, second, opaque], -1), "grey and alpha": np.stack([second, opaque], -1),
    }[form]  # fmt: skip
    mask = sample(tmp_path, BINARY, m__1=place((0, 0, 255)), m__1_1=saved, m__1_2=place((0, 0, 1))).mask
    assert where(mask.mask("breast/lesion")) == {(0, 0), (2, 2)}
    assert len(mask.files) == 3


def test_parts_that_differ_in_size_are_not_merged(tmp_path: Path) -> None:
    mask = sample(tmp_path, BINARY, m__1=place((0, 0, 255)), m__1_1=np.zeros((6, 7), np.uint8)).mask
    with pytest.raises(FormatError, match=r"1_1\.png: the parts of one mask differ in size \(\(6, 8\) and \(6, 7\)\)"):
        mask.mask("breast/lesion")


def test_parts_of_instances_are_counted(tmp_path: Path) -> None:
    layout = BINARY.replace('"binary"', '"instance"')
    pictures = {"m__1_1": place((0, 0, 255)), "m__1_2": place((1, 1, 255)), "m__1_3": place((1, 1, 9), (2, 2, 9))}
    mask = sample(tmp_path, layout, **pictures).mask
    np.testing.assert_array_equal(mask.volume.array, place((0, 0, 1), (1, 1, 3), (2, 2, 3)))
    assert where(mask.mask("breast/lesion")) == {(0, 0), (1, 1), (2, 2)}


# --- other kinds ---------------------------------------------------------------------------


def test_bands_hold_both_their_ends(tmp_path: Path) -> None:
    layout = '[files.mask]\nrole = "mask"\npath = "m/{n:int}.png"\nkind = "bands"\nlabels = "o"\n[labels.o]\n'
    layout += '"55-70" = "liver"\n"110-135" = "kidney.right"\n"126" = "spleen"'
    cells = place((0, 0, 55), (0, 1, 70), (0, 2, 54), (0, 3, 71), (1, 0, 126), (1, 1, 135))
    mask = sample(tmp_path, layout, m__1=cells).mask
    assert where(mask.mask("liver")) == {(0, 0), (0, 1)}
    assert where(mask.mask("kidney.right")) == {(1, 0), (1, 1)}
    assert where(mask.mask("spleen")) == {(1, 0)}


COLOURS = """
[files.mask]
role = "mask"
path = "m/{n:int}.png"
kind = "colour"
labels = "vessels"
[labels.vessels]
"#ff0000" = "artery"
"#0000FF" = "vein"
"#00ff00" = "capillary"
"""


@pytest.mark.parametrize("alpha", [False, True])
def test_colours_are_matched_exactly(tmp_path: Path, alpha: bool) -> None:
    array = np.zeros((*SHAPE, 4 if alpha else 3), np.uint8)
    array[0, 0, 0], array[1, 1, 2], array[2, 2, 0] = 255, 255, 254
    mask = sample(tmp_path, COLOURS, m__1=array).mask
    assert where(mask.mask("artery")) == {(0, 0)}
    assert mask.states() == {"artery": PRESENT, "vein": PRESENT, "capillary": ABSENT}


def test_a_grey_picture_where_colours_are_declared_is_an_error(tmp_path: Path) -> None:
    mask = sample(tmp_path, COLOURS, m__1=place((0, 0, 255))).mask
    with pytest.raises(FormatError, match="holds no colours"):
        mask.mask("artery")


def of_array(root: Path, kind: str, labels: str, array: np.ndarray, extra: str = "") -> Mask:
    (root / "m").mkdir(parents=True)
    np.save(root / "m" / "1.npy", array)
    layout = f'[files.mask]\nrole = "mask"\npath = "m/{{n:int}}.npy"\nkind = "{kind}"\n{extra}\n{labels}'
    return sample(root, layout).mask


def test_channels_are_structures_by_index(tmp_path: Path) -> None:
    array = np.zeros((*SHAPE, 3), np.uint8)
    array[0, 0, 0] = array[1, 1, 2] = 7
    labels = 'labels = "o"\n[labels.o]\n0 = "neoplastic"\n1 = "connective"\n2 = "dead"'
    mask = of_array(tmp_path, "instance-channels", labels, array, 'axes = "yxc"')
    assert where(mask.mask("neoplastic")) == {(0, 0)}
    assert mask.states() == {"neoplastic": PRESENT, "connective": ABSENT, "dead": PRESENT}


def test_a_channel_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    labels = 'labels = "o"\n[labels.o]\n0 = "neoplastic"\n3 = "dead"'
    mask = of_array(tmp_path, "channels", labels, np.zeros((*SHAPE, 3), np.uint8), 'axes = "yxc"')
    assert mask.state("neoplastic") == ABSENT
    with pytest.raises(FormatError, match="no channel for dead"):
        mask.mask("dead")


@pytest.mark.parametrize(("dtype", "half"), [(np.float32, 0.5), (np.uint8, 128)])
def test_probabilities_count_from_a_half(tmp_path: Path, dtype: type, half: float) -> None:
    array = np.zeros(SHAPE, dtype)
    array[0, 0], array[1, 1] = half, half * 0.99
    mask = of_array(tmp_path, "probability", "", array, 'axes = "yx"\nlabel = "prostate"')
    assert where(mask.mask("prostate")) == {(0, 0)}


# --- who and where -------------------------------------------------------------------------


def test_each_annotator_has_an_annotation(tmp_path: Path) -> None:
    layout = """
[files.mask]
role = "mask"
path = "m/{n:int}_{who:1st|2nd}.png"
kind = "binary"
label = "vessel"
annotator = "{who}"
"""
    one = sample(tmp_path, layout, m__1_1st=place((0, 0, 1)), m__1_2nd=place((1, 1, 1)))
    assert list(one.annotations) == ["mask@1st", "mask@2nd"]
    assert [a.annotator for a in one.annotations.values()] == ["1st", "2nd"]
    assert where(one.annotations["mask@2nd"].mask("vessel")) == {(1, 1)}  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="this case has 2 masks"):
        _ = one.mask


def test_a_series_of_masks_that_runs_backwards_is_turned(tmp_path: Path) -> None:
    for k in range(4):
        for folder, value in (("scan", 10 * k + 1), ("mask", 3 - k)):
            (tmp_path / "p1" / folder).mkdir(parents=True, exist_ok=True)
            pil.fromarray(np.full(SHAPE, value, np.uint8)).save(tmp_path / "p1" / folder / f"{k}.png")
    layout = record("""
key = ["p"]
[files.scan]
role = "image"
path = "{p:word}/scan/{k:int}.png"
reader = "slices"
along = "k"
[files.mask]
role = "mask"
path = "{p:word}/mask/{k:int}.png"
reader = "slices"
along = "k"
order = "reverse"
labels = "o"
[labels.o]
1 = "liver"
3 = "spleen"
""")
    (one,) = medshelf.open(layout, tmp_path)
    assert one.image.shape == (8, 6, 4), "columns, rows, pictures"
    assert one.image.array[0, 0].tolist() == [1, 11, 21, 31]
    assert one.mask.volume.array[0, 0].tolist() == [0, 1, 2, 3]
    assert np.argwhere(one.mask.mask("spleen").any(axis=(0, 1))).tolist() == [[3]]


def test_a_mask_without_a_place_lies_where_its_image_does(tmp_path: Path) -> None:
    import nibabel

    affine = np.diag([-0.9, -0.8, 2.5, 1.0])
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 4, 5), np.int16), affine), tmp_path / "1.nii.gz")
    np.save(tmp_path / "1.npy", np.ones((3, 4, 5), np.uint8))
    layout = record("""
key = ["n"]
[files.image]
role = "image"
path = "{n:int}.nii.gz"
[files.mask]
role = "mask"
path = "{n:int}.npy"
axes = "ijk"
kind = "binary"
label = "liver"
""")
    (one,) = medshelf.open(layout, tmp_path)
    placed = one.mask.to_index({1: "liver"})
    np.testing.assert_allclose(placed.affine, affine, atol=1e-6)
    assert placed.spacing_mm == pytest.approx((0.9, 0.8, 2.5))
