"""Every folder of real data is recognised as what it is, opens, and holds what other programs find in it.

Numbers are counted here from the files with nibabel, pydicom, Pillow, NumPy, json, xml and regular expressions, not
with medshelf; the few constants are counts that the folder's own paperwork states, or that were counted once by
hand and are explained where they stand.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import tarfile
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

import medshelf
from medshelf.errors import FormatError, NotAVolume, NotFound, Unsupported
from medshelf.model.labels import State
from medshelf.samples.dataset import Dataset

nib = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")

FOLDERS: dict[str, str | None] = {
    "bccd": "bccd",
    "dcm-qa-nih": None,
    "dcm-qa-transfer-syntaxes": "dcm-qa-transfer-syntaxes",
    "dcmqi-seg": "dcmqi-data",
    "dicom2nifti": "dicom2nifti-data",
    "dsb2018": "bbbc038",
    "highdicom": "highdicom-data",
    "medqa-medmcqa/medmcqa": "medmcqa",
    "medqa-medmcqa/medqa": "medqa",
    "msd-hippocampus": "msd-hippocampus",
    "organ-meshes": "slicerrt-data",
    "pubmedqa": "pubmedqa",
    "pyradiomics-nrrd": "pyradiomics-data",
    "rtstruct-breast": "dicompyler-data",
    "rtstruct-ct": "rt-utils-data",
    "spinal-cord": "sct-testing-data",
    "totalsegmentator-sample": "totalsegmentator-sample",
    "vocalfolds": "vocalfolds",
    "vqa-rad": "vqa-rad",
    "wsi-dicom": "cptac-brca-slide",
}
"""What each folder of real data is; None: no record describes it, and it must stay unknown."""

BY_ITS_NAME_ALONE = ("medqa-medmcqa/medmcqa",)
"""Folders whose files (data/dev.json) could be anybody's: only the name of the folder tells."""

CASES = {
    "bccd": 364, "bbbc038": 60, "cptac-brca-slide": 1, "dcm-qa-transfer-syntaxes": 9, "dcmqi-data": 3,
    "dicom2nifti-data": 14, "dicompyler-data": 1, "highdicom-data": 6, "medmcqa": 4183, "medqa": 1273,
    "msd-hippocampus": 44, "pubmedqa": 1000, "pyradiomics-data": 4, "rt-utils-data": 3, "sct-testing-data": 5,
    "slicerrt-data": 16, "totalsegmentator-sample": 4, "vocalfolds": 12, "vqa-rad": 315,
}  # fmt: skip
"""Number of cases, as the tests below count them from the files."""

SMALL_BYTES = 8 * 2**20
"""Folders up to this size are packed and copied as well."""

KNOWN = {folder: name for folder, name in FOLDERS.items() if name is not None}


def opened(shared_data: Path, folder: str) -> Dataset:
    name = FOLDERS[folder]
    assert name is not None
    return medshelf.open(name, shared_data / folder)


def files_below(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def size_bytes(root: Path) -> int:
    return sum(p.stat().st_size for p in root.rglob("*") if p.is_file())


def voxels(path: Path) -> np.ndarray:
    return np.asanyarray(nib.load(path).dataobj)


def counts(path: Path) -> dict[int, int]:
    """Number of voxels of every value of a NIfTI mask, without the background."""
    values, numbers = np.unique(voxels(path), return_counts=True)
    return {int(v): int(n) for v, n in zip(values, numbers, strict=True) if v}


def nrrd_counts(path: Path) -> dict[int, int]:
    """Number of voxels of every value of a gzipped NRRD file of 16-bit integers, from its bytes."""
    head, _, data = path.read_bytes().partition(b"\n\n")
    assert b"type: short" in head and b"encoding: gzip" in head and b"endian: little" in head
    values, numbers = np.unique(np.frombuffer(gzip.decompress(data), "<i2"), return_counts=True)
    return {int(v): int(n) for v, n in zip(values, numbers, strict=True) if v}


def shown(mask: Any) -> dict[str, int]:
    """Number of voxels of every structure that a mask says is present."""
    return {s: int(mask.mask(s).sum()) for s, state in mask.states().items() if state is State.PRESENT}


# --- recognised ------------------------------------------------------------------------------


def test_every_folder_is_accounted_for(shared_data: Path) -> None:
    tops = {folder.partition("/")[0] for folder in FOLDERS}
    assert {p.name for p in shared_data.iterdir() if p.is_dir()} == tops
    assert {p.name for p in (shared_data / "medqa-medmcqa").iterdir()} == {"medqa", "medmcqa"}
    assert set(CASES) == set(KNOWN.values())


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_the_folder_is_recognised(shared_data: Path, folder: str, name: str | None) -> None:
    answer = medshelf.identify(shared_data / folder)
    assert answer.dataset == name, answer.guesses[:2]
    assert answer.n_names == len(files_below(shared_data / folder))


def test_two_datasets_in_one_folder_are_not_one(shared_data: Path) -> None:
    answer = medshelf.identify(shared_data / "medqa-medmcqa")
    assert answer.dataset is None
    assert {guess.dataset for guess in answer.guesses} >= {"medqa", "medmcqa"}


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_a_listing_of_the_folder_is_recognised(
    shared_data: Path, tmp_path: Path, folder: str, name: str | None
) -> None:
    names = files_below(shared_data / folder)
    listing = tmp_path / "names.txt"
    listing.write_text("\n".join(names), encoding="utf-8")
    answer = medshelf.identify(listing)
    assert answer.dataset == (None if folder in BY_ITS_NAME_ALONE else name), answer.guesses[:2]
    listing.write_text("\n".join(f"./{Path(folder).name}/{n}" for n in names), encoding="utf-8")
    assert medshelf.identify(listing).dataset == name


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_wrapped_and_packed_it_is_recognised_and_opens(
    shared_data: Path, tmp_path: Path, folder: str, name: str | None
) -> None:
    root = shared_data / folder
    if size_bytes(root) > SMALL_BYTES:
        pytest.skip("the folder is too big to be packed for every run")
    inner = Path(folder).name
    wrapped = tmp_path / "downloads"
    shutil.copytree(root, wrapped / "2026" / inner)
    packed = [tmp_path / "some.zip", tmp_path / "some.tar.gz"]
    with zipfile.ZipFile(packed[0], "w", zipfile.ZIP_STORED) as archive:
        for file in files_below(root):
            archive.write(root / file, f"{inner}/{file}")
    with tarfile.open(packed[1], "w:gz", compresslevel=1) as archive:
        archive.add(root, inner)
    for place in (wrapped, *packed):
        assert medshelf.identify(place).dataset == name, place.name
        if name is not None:
            dataset = medshelf.open(name, place)
            assert [case.id for case in dataset.cases] == [c.id for c in medshelf.open(name, root).cases]


@pytest.mark.parametrize(("folder", "name"), KNOWN.items())
def test_it_opens_and_has_its_cases(shared_data: Path, folder: str, name: str) -> None:
    dataset = medshelf.open(name, shared_data / folder)
    assert len(dataset) == CASES[name]
    assert len({case.id for case in dataset.cases}) == len(dataset)


# --- listed datasets ---------------------------------------------------------------------------


def test_msd_hippocampus(shared_data: Path) -> None:
    root = shared_data / "msd-hippocampus" / "Task04_Hippocampus"
    dataset = opened(shared_data, "msd-hippocampus")
    images = {p.name.removesuffix(".nii.gz") for p in (root / "imagesTr").glob("*.nii.gz")}
    assert {case.id for case in dataset.cases} == images
    assert dataset.splits == {"train": len(images)}
    parts = {1: "hippocampus:anterior", 2: "hippocampus:posterior"}
    assert dataset.structures == {"mask": tuple(parts.values())}
    for name in ("hippocampus_001", "hippocampus_015", "hippocampus_068"):
        sample, file = dataset[name], f"{name}.nii.gz"
        np.testing.assert_array_equal(sample.images["T1"].array, voxels(root / "imagesTr" / file))
        np.testing.assert_allclose(sample.image.affine, nib.load(root / "imagesTr" / file).affine)
        found = counts(root / "labelsTr" / file)
        assert shown(sample.mask) == {parts[value]: n for value, n in found.items()}
        assert sample.mask.mask("hippocampus").sum() == sum(found.values())
    without_mask = images - {p.name.removesuffix(".nii.gz") for p in (root / "labelsTr").iterdir()}
    assert without_mask == {"hippocampus_118"}
    assert not dataset["hippocampus_118"].annotations


def test_bbbc038(shared_data: Path) -> None:
    root = shared_data / "dsb2018" / "stage1_train"
    dataset = opened(shared_data, "dsb2018")
    assert dataset.variant == "fixes"
    assert {case.id for case in dataset.cases} == {p.name for p in root.iterdir()}
    assert sum(len(s.mask.files) for s in dataset) == len(list(root.glob("*/masks/*.png")))
    for sample in dataset[:3]:
        folder = root / sample.case
        with Picture.open(next((folder / "images").iterdir())) as picture:
            np.testing.assert_array_equal(sample.image.array, np.asarray(picture))
        nuclei = [np.asarray(Picture.open(p)) > 0 for p in (folder / "masks").iterdir()]
        assert sample.mask.kind == "instance"
        assert sample.mask.volume.array.max() == len(nuclei)
        assert shown(sample.mask) == {"nucleus": int(np.logical_or.reduce(nuclei).sum())}


def test_vocalfolds(shared_data: Path) -> None:
    root = shared_data / "vocalfolds"
    dataset = opened(shared_data, "vocalfolds")
    classes = dataset["seq1/0001"].mask.values
    assert len(classes) == 6
    for sample in dataset:
        name = sample.case.partition("/")[2]
        with Picture.open(root / "annot" / "patient1" / "seq1" / f"{name}.png") as picture:
            values, numbers = np.unique(np.asarray(picture), return_counts=True)
        found = {classes[int(v)]: int(n) for v, n in zip(values, numbers, strict=True) if v}
        assert (sample.patient, shown(sample.mask)) == ("1", found)
        absent = {s for s, state in sample.mask.states().items() if state is State.ABSENT}
        assert absent == set(classes.values()) - set(found)


def test_bccd(shared_data: Path) -> None:
    root = shared_data / "bccd" / "BCCD"
    dataset = opened(shared_data, "bccd")
    wanted: Counter[str] = Counter()
    for file in (root / "Annotations").glob("*.xml"):
        wanted.update(str(o.findtext("name")) for o in ElementTree.parse(file).getroot().iter("object"))
    boxes = [sample.annotations["cells"].read() for sample in dataset]
    assert Counter(box.label for one in boxes for box in one.boxes) == wanted
    assert set(wanted) == {"RBC", "WBC", "Platelets"}
    assert dataset.structures["cells"] == () or len(dataset["BloodImage_00000"].annotations["cells"].structures) == 3
    first = ElementTree.parse(root / "Annotations" / "BloodImage_00000.xml").getroot().find("object/bndbox")
    assert first is not None
    corners = [float(str(first.findtext(k))) for k in ("xmin", "ymin", "xmax", "ymax")]
    box = dataset["BloodImage_00000"].annotations["cells"].read().boxes[0]
    assert [box.x_min, box.y_min, box.x_max, box.y_max] == corners


def test_vqa_rad(shared_data: Path) -> None:
    root = shared_data / "vqa-rad" / "data"
    dataset = opened(shared_data, "vqa-rad")
    wanted = [row for part in ("train", "test") for row in json.loads((root / f"{part}set.json").read_text())]
    by_image = Counter(row["image_name"].removesuffix(".jpg") for row in wanted)
    asked = {sample.case: sample.tables["questions"] for sample in dataset}
    assert {case: len(rows) for case, rows in asked.items() if rows} == dict(by_image)
    assert sum(map(len, asked.values())) == len(wanted)
    assert [case for case, rows in asked.items() if not rows] == sorted(set(asked) - set(by_image))
    told = {(row["question"], str(row["answer"])) for rows in asked.values() for row in rows}
    assert told == {(row["question"], str(row["answer"])) for row in wanted}
    with Picture.open(root / "images" / "synpic676.jpg") as picture:
        assert dataset["synpic676"].image.shape[:2] == picture.size[::-1]


def test_pubmedqa(shared_data: Path) -> None:
    root = shared_data / "pubmedqa" / "data"
    dataset = opened(shared_data, "pubmedqa")
    questions = json.loads((root / "ori_pqal.json").read_text())
    test = json.loads((root / "test_ground_truth.json").read_text())
    assert dataset.splits == {"test": len(test), "none": len(questions) - len(test)}
    told = {sample.case: sample.targets["answer"] for sample in dataset}
    assert told == {pmid: row["final_decision"] for pmid, row in questions.items()}
    assert {case.id for case in dataset.filter(split="test").cases} == set(test)
    pmid = next(iter(questions))
    assert dataset[pmid].tables["questions"][0]["question"] == questions[pmid]["QUESTION"]


def test_medqa_and_medmcqa(shared_data: Path) -> None:
    root = shared_data / "medqa-medmcqa"
    file = root / "medqa" / "data_clean" / "questions" / "US" / "4_options" / "phrases_no_exclude_test.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    medqa = opened(shared_data, "medqa-medmcqa/medqa")
    assert (medqa.variant, medqa.splits) == ("four-options", {"test": len(rows)})
    assert [s.targets["answer"] for s in medqa] == [row["answer_idx"] for row in rows]
    lines = (root / "medmcqa" / "data" / "dev.json").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    medmcqa = opened(shared_data, "medqa-medmcqa/medmcqa")
    assert medmcqa.splits == {"val": len(rows)}
    assert [str(s.targets["answer"]) for s in medmcqa] == [str(row["cop"]) for row in rows]
    subjects = Counter(s.targets["subject"] for s in medmcqa)
    assert subjects == Counter(row["subject_name"] for row in rows)


# --- test data ---------------------------------------------------------------------------------


def test_totalsegmentator_sample(shared_data: Path) -> None:
    root = shared_data / "totalsegmentator-sample"
    dataset = opened(shared_data, "totalsegmentator-sample")
    assert {case.id for case in dataset.cases} == {"ct", "ct_dicom", "ct_sm", "mr_sm"}
    small = dataset["ct_sm"]
    np.testing.assert_array_equal(small.images["ct"].array, voxels(root / "example_ct_sm.nii.gz"))
    assert {n: len(small.annotations[n].structures) for n in ("total", "classes")} == {"total": 117, "classes": 117}
    for case, slot, file in (
        ("ct_sm", "total", "example_seg"),
        ("ct_sm", "total_fast", "example_seg_fast"),
        ("ct_sm", "total_body", "example_seg_fast_body_seg"),
        ("ct_sm", "subset", "example_seg_roi_subset"),
        ("ct", "total_fast", "example_seg_fast_force_split"),
        ("ct_dicom", "total_fast", "example_seg_dicom"),
        ("mr_sm", "total_mr", "example_seg_mr"),
        ("mr_sm", "subset_mr", "example_seg_roi_subset_mr"),
    ):
        mask = dataset[case].annotations[slot]
        assert shown(mask) == {mask.values[v]: n for v, n in counts(root / f"{file}.nii.gz").items()}
    assert dataset["mr_sm"].annotations["subset_mr"].states() == {"liver": State.PRESENT, "brain": State.ABSENT}


def test_totalsegmentator_values_mean_what_its_single_files_say(shared_data: Path) -> None:
    """The label map by value, the map by file name and the program's own volumes agree on all 117 classes."""
    root = shared_data / "totalsegmentator-sample" / "example_seg_fast"
    dataset = opened(shared_data, "totalsegmentator-sample")
    sample = dataset["ct_sm"]
    classes, values = sample.annotations["classes"], sample.annotations["total_fast"]
    by_file = dataset.layout.labels["names"]
    volumes = {name: told["volume"] for name, told in json.loads((root / "statistics.json").read_text()).items()}
    assert set(volumes) == set(by_file) == {p.name.removesuffix(".nii.gz") for p in root.glob("*.nii.gz")}
    for name, structure in by_file.items():
        found = classes.mask(structure)
        np.testing.assert_array_equal(found, voxels(root / f"{name}.nii.gz") != 0)
        np.testing.assert_array_equal(found, values.mask(structure))
        assert found.sum() * 27 == pytest.approx(volumes[name])  # a voxel of 3 mm is 27 mm3
    assert sum(state is State.ABSENT for state in classes.states().values()) == sum(v == 0 for v in volumes.values())


def test_totalsegmentator_dicom_series_is_the_scan_of_its_mask(shared_data: Path) -> None:
    root = shared_data / "totalsegmentator-sample"
    image = opened(shared_data, "totalsegmentator-sample")["ct_dicom"].images["ct"].volume
    slices = sorted(
        (pydicom.dcmread(p) for p in (root / "example_ct_dicom").iterdir()), key=lambda d: d.ImagePositionPatient[2]
    )
    heights = [float(d.ImagePositionPatient[2]) for d in slices]
    middle = slices[10]
    wanted = middle.pixel_array * float(middle.RescaleSlope) + float(middle.RescaleIntercept)
    k = round((heights[10] - image.affine[2, 3]) / image.affine[2, 2])
    np.testing.assert_array_equal(image.array[:, :, k].T, wanted)
    mask = nib.load(root / "example_seg_dicom.nii.gz")
    assert image.shape == mask.shape == (512, 512, len(slices))
    corners = [nib.affines.apply_affine(mask.affine, c) for c in ((0, 0, 0), np.array(mask.shape) - 1)]
    ours = [nib.affines.apply_affine(image.affine, c) for c in ((0, 511, 0), (511, 0, image.shape[2] - 1))]
    np.testing.assert_allclose(sorted(map(tuple, corners)), sorted(map(tuple, ours)), atol=1e-3)


def test_sct_testing_data(shared_data: Path) -> None:
    root = shared_data / "spinal-cord"
    dataset = opened(shared_data, "spinal-cord")
    assert {case.id for case in dataset.cases} == {"t1w", "t2", "t2_fake_lesion", "t2s", "t2s_uncropped"}
    one_structure = {
        ("t1w", "cord"): "t1/t1w_seg-manual", ("t2", "cord"): "t2/t2_seg-manual",
        ("t2", "cord_network@2d"): "t2/t2_seg-deepseg_sc-2d", ("t2", "cord_network@3d"): "t2/t2_seg-deepseg_sc-3d",
        ("t2", "centreline@manual"): "t2/t2_centerline-manual", ("t2", "centreline@optic"): "t2/t2_centerline-optic",
        ("t2_fake_lesion", "cord"): "t2/t2_fake_lesion_sc_seg",
        ("t2_fake_lesion", "lesion"): "t2/t2_fake_lesion_lesion_seg",
        ("t2s", "cord"): "t2s/t2s_seg", ("t2s", "cord_network"): "t2s/t2s_seg-deepseg",
        ("t2s", "centreline@optic"): "t2s/t2s_centerline-optic", ("t2s", "grey_matter"): "t2s/t2s_gmseg_manual",
        ("t2s_uncropped", "grey_matter"): "t2s/t2s_uncropped_gmseg_manual",
    }  # fmt: skip
    for (case, name), file in one_structure.items():
        found = shown(dataset[case].annotations[name])
        assert list(found.values()) == [sum(counts(root / f"{file}.nii.gz").values())], (case, name)
    by_value = {
        ("t2", "levels"): "t2/t2_seg-manual_labeled", ("t2s", "levels"): "t2s/MNI-Poly-AMU_level_crop",
        ("t2", "level_centres"): "t2/t2_labeled_center_manual", ("t2", "rootlets"): "t2/t2_seg-deepseg_rootlets",
        ("t2", "rootlets@manual"): "t2/t2_seg-deepseg_rootlets-manual",
        ("t2", "rootlet_midpoints"): "t2/t2_seg-deepseg_rootlets-manual_midpoints",
    }  # fmt: skip
    for (case, name), file in by_value.items():
        mask = dataset[case].annotations[name]
        assert shown(mask) == {mask.values[v]: n for v, n in counts(root / f"{file}.nii.gz").items()}, (case, name)
    assert dataset["t2"].annotations["levels"].values[3] == "spinal_cord:level_c3"
    with (root / "t2" / "t2_centerline-manual.csv").open(newline="") as stream:
        n_points = len(list(csv.reader(stream)))
    assert len(dataset["t2"].annotations["centreline_points@manual"].read().splitlines()) == n_points
    np.testing.assert_array_equal(dataset["t2"].images["mr"].array, voxels(root / "t2" / "t2.nii.gz"))


def test_pyradiomics_data(shared_data: Path) -> None:
    nrrd = pytest.importorskip("nrrd")
    root = shared_data / "pyradiomics-nrrd" / "data"
    dataset = opened(shared_data, "pyradiomics-nrrd")
    for name in ("brain1", "brain2", "breast1"):
        for part, file in (("images", "image"), ("annotations", "label")):
            value = getattr(dataset[name], part)["image" if part == "images" else "region"]
            array = value.array if part == "images" else value.volume.array
            np.testing.assert_array_equal(array, nrrd.read(str(root / f"{name}_{file}.nrrd"))[0])
    phantom = dataset["prostate_phantom_subvolume"]
    assert set(np.unique(phantom.annotations["region"].volume.array)) == {0, 1, 7, 8, 9}
    assert phantom.annotations["region"].states() == {}, "nobody says what the values are"
    report = medshelf.check("pyradiomics-data", shared_data / "pyradiomics-nrrd")
    orphans = [f.file for f in report.findings if f.check == "layout.orphan"]
    assert sorted(orphans) == ["data/lung1_label.nrrd", "data/lung2_label.nrrd"]


def test_dcm_qa_transfer_syntaxes(shared_data: Path) -> None:
    """All nine hold the same image, the README says; a mosaic may be refused, but never read wrongly."""
    root = shared_data / "dcm-qa-transfer-syntaxes"
    first = voxels(root / "Ref" / "1.nii")
    for sample in opened(shared_data, "dcm-qa-transfer-syntaxes"):
        np.testing.assert_array_equal(sample.images["reference"].array, first)
        wanted = json.loads((root / "Ref" / f"{sample.case}.json").read_text())
        assert sample.records["sidecar"]["Manufacturer"] == wanted["Manufacturer"] == "Siemens"
        assert sample.records["sidecar"]["EchoTime"] == wanted["EchoTime"]
        try:
            mosaic = sample.images["mosaic"].volume.reoriented("RAS").array
        except Unsupported:
            continue
        np.testing.assert_array_equal(mosaic, sample.images["reference"].volume.reoriented("RAS").array)


REFUSED = {
    "failing/gantrytilting/001": "sheared",
    "failing/notavolume/001": "same-position",
    "failing/slicecount/001": "too-few",
    "failing/sliceincrement/001": "gaps",
    "failing/sliceincrement/002": "gaps",
    "failing/sliceorientation/001": "directions",
}
"""Series of dicom2nifti's tests that must not be stacked; the words are for the reader of this test."""


def test_dicom2nifti_data(shared_data: Path) -> None:
    root = shared_data / "dicom2nifti" / "tests" / "data"
    dataset = opened(shared_data, "dicom2nifti")
    series = {p.parent.relative_to(root).as_posix() for p in root.rglob("*.dcm")}
    assert {case.id for case in dataset.cases} == series
    for sample in dataset:
        image = sample.images["series"]
        if sample.case in REFUSED:
            with pytest.raises(NotAVolume):
                image.read()
            continue
        wanted = nib.as_closest_canonical(nib.load(f"{root / sample.case}_ground_truth.nii.gz"))
        ours = image.volume.reoriented("RAS")
        np.testing.assert_array_equal(ours.array, np.asanyarray(wanted.dataobj), err_msg=sample.case)
        np.testing.assert_allclose(ours.affine, wanted.affine, atol=2e-2, err_msg=sample.case)
    errata = {case for erratum in dataset.record.errata for case in erratum.cases}
    assert errata == set(REFUSED)


def test_dcmqi_data(shared_data: Path) -> None:
    root = shared_data / "dcmqi-seg" / "data" / "segmentations"
    dataset = opened(shared_data, "dcmqi-seg")
    for name in ("23x38x3", "24x38x3"):
        found = nrrd_counts(root / name / "nrrd" / "label.nrrd")
        for slot in ("label", "seg"):
            assert shown(dataset[name].annotations[slot]) == {"liver": found[1]}
    whole = dataset["ct-3slice"].annotations
    parts = {p: sum(nrrd_counts(root / f"{p}_seg.nrrd").values()) for p in ("liver", "spine", "heart")}
    assert shown(whole["parts"]) == parts
    assert shown(whole["liver"]) == {"liver": parts["liver"]}
    assert shown(whole["spine_as_5"]) == {"spine": parts["spine"]}
    for slot, file, values in (
        ("liver_spine", "liver_spine_seg", {1: "liver", 2: "spine"}),
        ("liver_spine_gapped", "liver_spine_gapped_seg", {1: "liver", 5: "spine"}),
    ):
        assert shown(whole[slot]) == {values[v]: n for v, n in nrrd_counts(root / f"{file}.nrrd").items()}
    by_value = {v: n for k in (1, 2, 3) for v, n in nrrd_counts(root / f"partial_overlaps-{k}.nrrd").items()}
    names = ("GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE")
    assert shown(whole["overlaps"]) == {name: by_value[n] for n, name in enumerate(names, 1)}
    for padding in ("noppv", "ppv5"):
        wanted = nrrd_counts(root / f"sparse_labelmap_{padding}_seg.nrrd")
        for slot in ("sparse", "sparse_nrrd"):
            assert shown(dataset["24x38x3"].annotations[f"{slot}@{padding}"]) == {"liver": wanted[1]}
    pixels = [pydicom.dcmread(root / "ct-3slice" / f"0{n}.dcm") for n in (3, 2, 1)]
    array = dataset["ct-3slice"].images["ct"].array
    for k, one in enumerate(pixels):
        wanted = one.pixel_array.astype(int) * int(one.RescaleSlope) + int(one.RescaleIntercept)
        np.testing.assert_array_equal(array[:, :, k].T, wanted)


def test_highdicom_data(shared_data: Path) -> None:
    """Segments are counted from the pixels as pydicom unpacks them; those of slides may be refused."""
    root = shared_data / "highdicom" / "data" / "test_files"
    dataset = opened(shared_data, "highdicom")
    read = refused = 0
    for sample in dataset:
        for key, annotation in sample.annotations.items():
            slot, _, name = key.partition("@")
            if slot != "segmentation":
                continue
            source = pydicom.dcmread(root / f"seg_image_{name}.dcm")
            try:
                found = shown(annotation)
            except Unsupported:
                assert sample.case.startswith("sm_")
                refused += 1
                continue
            if source.SegmentationType == "BINARY" and not sample.case.startswith("sm_"):
                assert sum(found.values()) == int(source.pixel_array.sum()), name
            elif not sample.case.startswith("sm_"):
                assert sum(found.values()) == int((source.pixel_array > 0).sum()), name
            read += 1
    assert read + refused == len(list(root.glob("seg_image_*.dcm"))) == 12
    assert read >= 6
    overlap = dataset["ct_series"].annotations["segmentation@ct_binary_overlap"]
    assert overlap.structures == ("first segment", "second segment")
    reports = {"report", "report_groups"}
    assert reports <= set(dataset["ct_image"].annotations)


def test_rt_utils_and_dicompyler_data(shared_data: Path) -> None:
    dataset = opened(shared_data, "rtstruct-ct")
    image = dataset["oriented_data"].images["ct"].volume
    headers = [pydicom.dcmread(shared_data / "rtstruct-ct/tests/oriented_data" / f"{n}.dcm") for n in range(3)]
    assert image.shape == (headers[0].Columns, headers[0].Rows, len(headers))
    step = np.linalg.norm(np.subtract(headers[1].ImagePositionPatient, headers[0].ImagePositionPatient))
    assert image.spacing_mm[2] == pytest.approx(step, rel=1e-6)
    assert image.spacing_mm[:2] == pytest.approx([float(x) for x in headers[0].PixelSpacing[::-1]])
    for name in ("mock_data", "one_slice_data"):
        with pytest.raises(NotAVolume):
            dataset[name].images["ct"].read()
    names = {Path(f).name for a in dataset["mock_data"].annotations.values() for f in a.files}
    assert names == {"rt.dcm", "invalid_reference_rt.dcm", "non_existent_reference_rt.dcm"}
    breast = opened(shared_data, "rtstruct-breast")["example_data"]
    rtss = pydicom.dcmread(shared_data / "rtstruct-breast/tests/testdata/example_data/rtss.dcm")
    drawn = {str(roi.ROIName) for roi in rtss.StructureSetROISequence}
    mapped = set(medshelf.show("dicompyler-data").layout.labels["regions"])
    assert mapped <= drawn and len(drawn) == 10
    assert set(breast.annotations) == {"structures", "plan"}


def test_cptac_brca_slide(shared_data: Path) -> None:
    sample = opened(shared_data, "wsi-dicom")["level3"]
    wanted = json.loads((shared_data / "wsi-dicom" / "manifest.json").read_text())
    assert sample.records["manifest"]["levels"] == wanted["levels"]
    level = next(one for one in wanted["levels"] if one["index"] == 3)
    assert sample.images["slide"].path.endswith(level["fileName"])
    try:
        assert sample.images["slide"].shape[:2] == (level["height"], level["width"])
    except (Unsupported, NotAVolume, FormatError) as error:
        assert "slide" in str(error)


def test_slicerrt_data(shared_data: Path) -> None:
    root = shared_data / "organ-meshes" / "EclipseEnt_Structures.seg"
    dataset = opened(shared_data, "organ-meshes")
    for n in range(16):
        text = (root / f"EclipseEnt_Structures.seg_{n}.vtp").read_text()
        n_points = int(re.findall(r'NumberOfPoints="(\d+)"', text)[0])
        n_lines = int(re.findall(r'NumberOfLines="(\d+)"', text)[0])
        name = dataset.layout.fields["structure"].map[str(n)]
        mesh = dataset[name].annotations["contours"].read()
        assert (len(mesh.vertices), len(mesh.lines), len(mesh.faces)) == (n_points, n_lines, 0)
        assert mesh.meta["fields"]["Segment_Name"] == [name] == [dataset[name].targets["structure"]]
    assert {case.patient for case in dataset.cases} == {"EclipseEnt"}


def test_a_case_that_is_not_there_is_named_with_its_neighbours(shared_data: Path) -> None:
    with pytest.raises(NotFound, match="hippocampus_00"):
        opened(shared_data, "msd-hippocampus")["hippocampus_002"]
