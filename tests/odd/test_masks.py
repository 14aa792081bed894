"""Oddities 9, 10, 21 to 25 and 35: what the values of masks stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

import medshelf
from medshelf.catalogue.shelf import load
from medshelf.errors import NotFound
from medshelf.formats import nifti, raster
from medshelf.formats.table import read_rows, write_rows
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from tests.layout.made import record
from tests.odd.conftest import Twinned


def test_05_readings_of_a_nodule_stay_apart_and_are_drawn_as_far_as_readers_agree(twinned: Twinned) -> None:
    sample = next(s for s in twinned("lidc-idri") if "marks" in s.annotations)
    readings = sample.annotations["marks"].read()
    assert len(readings.readers) > 1
    header = sample.image.header()
    any_reader, agreed = (readings.mask(header, agreement=n).astype(bool) for n in (1, 2))
    assert any_reader.shape == tuple(header.shape) and any_reader.any()
    assert (agreed <= any_reader).all()


def test_09_values_beyond_eight_bits_are_not_wrapped_around(twinned: Twinned) -> None:
    stored = {"myops-2020": {200, 500, 600, 1220, 2221}, "mm-whs": {205, 420, 500, 550, 600, 820, 850}}
    for dataset, values in stored.items():
        sample = next(s for s in twinned(dataset) if s.annotations)
        mask = sample.mask
        assert set(np.unique(mask.volume.array)) - {0} == values == set(mask.values)
        assert len({v % 256 for v in values}) == len(values)  # so that a cast to 8 bits would go unnoticed
        assert set(mask.states().values()) == {"present"}


def test_10_values_change_their_meaning_by_year_and_regions_are_nested(twinned: Twinned) -> None:
    enhancing = {2021: 4, 2023: 3}
    for dataset, year in (("brats-2021", 2021), ("brats-2023-men", 2023)):
        mask = next(s for s in twinned(dataset) if s.annotations).mask
        by_name = {structure: value for value, structure in mask.values.items()}
        assert by_name["brain/neoplasm:enhancing"] == enhancing[year]
        whole, core, part = (
            mask.mask(f"brain/neoplasm:{name}") for name in ("whole", "core", "enhancing")
        )
        assert (part <= core).all() and (core <= whole).all() and part.sum() < core.sum() < whole.sum()


def test_21_parts_of_a_mask_are_one_mask(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("busi")
    sample = opened[0]
    files = [Path(f) for f in sample.mask.files]
    whole = sample.mask.mask("breast/lesion")
    half = [np.zeros(whole.shape, np.uint8), np.zeros(whole.shape, np.uint8)]
    middle = np.argwhere(whole)[:, 1].mean()
    columns = np.arange(whole.shape[1])[None]
    half[0][whole & (columns <= middle)] = 255
    half[1][whole & (columns > middle)] = 255
    assert all(part.any() for part in half)
    for old in files:
        old.unlink()
    stem = files[0].name.partition("_mask")[0]
    for name, part in zip(("_mask.png", "_mask_1.png"), half, strict=True):
        raster.write(files[0].with_name(stem + name), Volume(part, "yx"))
    again = medshelf.open("busi", opened.tree.where)[sample.case]
    assert len(again.mask.files) == 2
    np.testing.assert_array_equal(again.mask.mask("breast/lesion"), whole)


def test_21_one_file_a_cell_whose_values_tell_nucleus_from_cytoplasm(twinned: Twinned) -> None:
    sample = next(s for s in twinned("segpc-2021") if s.annotations)
    mask = sample.mask
    assert len(mask.files) > 1
    assert mask.state("nucleus") == mask.state("cytoplasm") == "present"
    assert not (mask.mask("nucleus") & mask.mask("cytoplasm")).any()
    assert mask.mask("cell").sum() == mask.mask("nucleus").sum() + mask.mask("cytoplasm").sum()


@pytest.mark.parametrize("dataset", ["chase-db1", "lndb", "qubiq-2021", "plethora"])
def test_22_several_readers_stand_beside_each_other(twinned: Twinned, dataset: str) -> None:
    sample = next(s for s in twinned(dataset) if s.annotations)
    by = {a.annotator: a for a in sample.annotations.values() if a.annotator}
    assert by and all(f"@{who}" in a.name for who, a in by.items())
    if dataset == "chase-db1":
        assert set(by) == {"1stHO", "2ndHO"}


def test_22_a_reader_whose_file_is_not_there_is_missed(twinned: Twinned) -> None:
    opened = twinned("chase-db1")
    next(Path(opened.tree.where).rglob("*_2ndHO.png")).unlink()
    (found,) = [f for f in medshelf.check("chase-db1", opened.tree.where).findings if f.severity == "error"]
    assert found.check == "layout.incomplete" and found.evidence["absent"] == ["2ndHO"]


def test_23_colours_stand_for_structures_and_other_pictures_are_left_alone(twinned: Twinned) -> None:
    sample = twinned("cholecseg8k")[0]
    mask = sample.mask
    assert {"liver", "gallbladder", "fat"} <= {s for s, state in mask.states().items() if state == "present"}
    folder = Path(mask.files[0]).parent
    for other in ("_endo_color_mask.png", "_endo_mask.png"):
        Picture.new("RGB", (64, 48)).save(folder / Path(mask.files[0]).name.replace("_endo_watershed_mask.png", other))
    report = medshelf.check("cholecseg8k", Path(mask.files[0]).parents[2])
    assert not [f for f in report.findings if f.severity in ("error", "warning") and f.check != "layout.count"]


def test_23_masks_saved_as_jpeg_are_cut_at_the_middle(twinned: Twinned) -> None:
    opened = twinned("kvasir-seg")
    path = Path(opened[0].mask.files[0])
    picture = np.zeros((64, 80), np.uint8)
    picture[20:41, 30:61] = 255
    Picture.fromarray(picture).save(path, quality=40)
    stored = medshelf.read(path).array
    assert len(np.unique(stored)) > 2  # greys at the edges
    inside = medshelf.open("kvasir-seg", opened.tree.where)[0].mask.mask("colon/polyp")
    assert np.count_nonzero(inside != (picture > 0)) <= 0.02 * picture.size
    assert np.count_nonzero(stored.reshape(64, 80, -1)[..., 0]) > inside.sum()


PAINTED = """
key = ["n"]
[files.slide]
role = "image"
path = "images/{n:int}.png"
[files.glands]
role = "mask"
path = "masks/{n:int}.jpg"
kind = "colour"
labels = "grades"
ops = [{ nearest = ["#000000", "#ff0000", "#00ff00"] }]
[labels.grades]
"#ff0000" = "prostate/gleason_4"
"#00ff00" = "prostate/gleason_3"
"""
"""As SICAPv2 and others, which keep masks with several classes as JPEG."""


def test_23_colours_saved_as_jpeg_count_as_the_nearest_declared_one(twinned: Twinned) -> None:
    opened = twinned(record(PAINTED))
    path = Path(opened[0].mask.files[0])
    wanted = np.zeros((48, 64, 3), np.uint8)
    wanted[5:23, 6:25] = (255, 0, 0)
    wanted[23:41, 33:57] = (0, 255, 0)
    Picture.fromarray(wanted).save(path, quality=60, subsampling=0)
    assert len(np.unique(medshelf.read(path).array.reshape(-1, 3), axis=0)) > 3
    mask = medshelf.open(record(PAINTED), opened.tree.where)[0].mask
    found = mask.mask("prostate/gleason_4")
    assert np.count_nonzero(found != (wanted[..., 0] > 0)) <= 0.02 * found.size


def test_24_run_lengths_in_a_table_and_spacing_in_the_file_name(twinned: Twinned) -> None:
    opened = twinned("uw-madison-gi-tract")
    drawn = [s for s in opened if any(v == "present" for v in s.annotations["organs"].states().values())]
    assert drawn
    for sample in drawn:
        assert sample.image.spacing_mm == (1.5, 1.5)
        mask = sample.annotations["organs"]
        assert mask.header().shape[:2] == sample.image.shape[:2]
        assert set(mask.structures) == {"colon", "small_bowel", "stomach"}
    (Path(opened.tree.where) / "sample_submission.csv").write_text("id,class,predicted\\n")
    report = medshelf.check("uw-madison-gi-tract", opened.tree.where)
    assert not [f for f in report.findings if f.check == "layout.extra"]


def test_24_starts_of_runs_relative_to_the_end_of_the_last(twinned: Twinned) -> None:
    opened = twinned("siim-acr-pneumothorax")
    table = next(Path(opened.tree.where).rglob("train-rle.csv"))
    ids = [sample.fields["uid"] for sample in opened]
    table.write_text(f"ImageId, EncodedPixels\n{ids[0]},10 3 5 2\n{ids[1]},-1\n")
    drawn, blank = (medshelf.open("siim-acr-pneumothorax", opened.tree.where)[n] for n in (0, 1))
    mask = drawn.annotations["masks"].mask("pleural_cavity/pneumothorax")
    flat = np.flatnonzero(mask[..., 0])  # axes i (column), j (row): runs go down the columns
    np.testing.assert_array_equal(flat, [10, 11, 12, 18, 19])
    assert blank.annotations["masks"].state("pleural_cavity/pneumothorax") == "absent"


@pytest.mark.parametrize(("dataset", "state"), [("pddca", "not annotated"), ("han-seg", "not annotated")])
def test_25_a_structure_without_a_file_is_what_the_record_says(twinned: Twinned, dataset: str, state: str) -> None:
    opened = twinned(dataset)
    mask = opened[0].annotations["organs"]
    gone = next(f for f in mask.files if "Mandible" in f)
    Path(gone).unlink()
    again = medshelf.open(dataset, opened.tree.where)[0].annotations["organs"]
    assert again.state("mandible") == state
    with pytest.raises(NotFound, match="not annotated"):
        again.mask("mandible")


GRADED = """
key = ["n"]
[files.slide]
role = "image"
path = "Train_{n:int}.png"
[files.grades]
role = "mask"
path = "Train_{n:int}/{grade:G3|G4|G5|Normal|Stroma}_Mask.tif"
kind = "binary"
label = "{grade}"
labels = "grades"
absent = "empty"
[labels.grades]
G3 = "prostate/gleason_3"
G4 = "prostate/gleason_4"
G5 = "prostate/gleason_5"
Normal = "prostate"
Stroma = "prostate:stroma"
"""
"""As AGGC, where a grade that does not occur has no file."""


def test_25_a_missing_file_may_mean_that_nothing_is_there(twinned: Twinned) -> None:
    opened = twinned(record(GRADED))
    Path(next(f for f in opened[0].mask.files if "G5" in f)).unlink()
    mask = medshelf.open(record(GRADED), opened.tree.where)[0].mask
    assert mask.state("prostate/gleason_5") == "absent"
    assert not mask.mask("prostate/gleason_5").any()


def test_35_a_value_that_nobody_declared_is_found(twinned: Twinned) -> None:
    opened = twinned("word", cases=1)
    path = Path(next(s for s in opened if s.annotations).mask.files[0])
    mask = nifti.read(LocalFile(path))
    array = mask.array.copy()
    array[0, 0, 0] = 77
    nifti.write(path, Volume(array, "ijk", mask.affine, mask.spacing_mm))
    (found,) = [f for f in medshelf.audit("word", opened.tree.where).findings if f.check == "label.unknown-value"]
    assert found.evidence["voxels"] == {"77": 1}


def test_35_a_table_tells_what_each_instance_is(twinned: Twinned) -> None:
    opened = twinned("ribfrac")
    sample = next(s for s in opened if s.annotations and s.tables["fractures"])
    mask = sample.annotations["fractures"]
    assert mask.kind == "instance"
    types = {int(r["label_id"]): r["label_code"] for r in sample.tables["fractures"]}
    assert mask.instances[next(v for v, code in types.items() if code == "1")] == "rib/fracture:displaced"
    for value, structure in mask.instances.items():
        alike = [v for v, s in mask.instances.items() if s == structure]
        np.testing.assert_array_equal(mask.mask(structure), np.isin(mask.volume.array, alike))
        assert (mask.volume.array == value).any()


def test_35_an_instance_without_a_row_is_found(twinned: Twinned) -> None:
    opened = twinned("ribfrac")
    for table in Path(opened.tree.where).rglob("*.csv"):
        rows = read_rows(LocalFile(table))
        write_rows(table, [row for row in rows if row["label_id"] != "2"])
    found = medshelf.audit("ribfrac", opened.tree.where).findings
    assert {v for f in found if f.check == "label.unknown-value" for v in f.evidence["voxels"]} == {"2"}


FRAGMENTS = """
key = ["n"]
[files.ct]
role = "image"
path = "{n:3d}.mha"
[files.fragments]
role = "mask"
path = "{n:3d}_mask.mha"
labels = "fragments"
[labels.fragments]
"1-10" = "sacrum#{i}"
"11-20" = "hip.left#{i}"
"21-30" = "hip.right#{i}"
"""
"""As PENGWIN, whose values are bone and fragment in one."""


def test_35_values_that_are_bone_and_fragment_in_one(twinned: Twinned) -> None:
    mask = twinned(record(FRAGMENTS))[0].mask
    assert mask.values[1] == "sacrum#1" and mask.values[12] == "hip.left#2" and mask.values[30] == "hip.right#10"
    assert set(mask.states().values()) == {"present"} and len(mask.states()) == 30


BITS = """
key = ["n"]
[files.ct]
role = "image"
path = "{n:int}.nii.gz"
[files.organs]
role = "mask"
path = "{n:int}_seg.nii.gz"
kind = "bits"
labels = "organs"
[labels.organs]
0 = "liver"
1 = "liver/neoplasm"
9 = "spleen"
"""


def test_35_values_whose_bits_are_structures_that_overlap(twinned: Twinned) -> None:
    opened = twinned(record(BITS))
    mask = opened[0].mask
    assert set(mask.states().values()) == {"present"}
    path = Path(mask.files[0])
    stored = nifti.read(LocalFile(path))
    array = np.zeros(stored.shape, np.uint16)
    array[0, 0, 0], array[1, 0, 0], array[2, 0, 0] = 0b11, 1 << 9, 0b100
    nifti.write(path, Volume(array, "ijk", stored.affine, stored.spacing_mm))
    again = medshelf.open(record(BITS), opened.tree.where)[0].mask
    assert again.mask("liver")[0, 0, 0] and again.mask("liver/neoplasm")[0, 0, 0]
    assert again.mask("spleen").sum() == 1
    found = medshelf.audit(record(BITS), opened.tree.where).findings
    assert [v for f in found if f.check == "label.unknown-value" for v in f.evidence["voxels"]] == ["4"]


def test_35_explicit_overlap_labels_are_structures_of_their_own() -> None:
    layout = load("segrap-2023").layout
    assert layout is not None
    assert any("overlap" in key.lower() or "Eye" in key for labels in layout.labels.values() for key in labels)
