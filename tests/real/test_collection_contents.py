"""What the small collections for testing readers hold is what other programs find in them.

Numbers are counted from the files with nibabel, pydicom, pynrrd, NumPy, json and csv, not with medshelf.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.errors import NotAVolume
from medshelf.model.labels import State
from tests.real.folders import counts, nrrd_counts, opened, shown, voxels

nib = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")


def test_totalsegmentator_sample(shared_data: Path) -> None:
    root = shared_data / "totalsegmentator-sample"
    dataset = opened(shared_data, "totalsegmentator-sample")
    assert {case.id for case in dataset.cases} == {"ct", "ct_dicom", "ct_sm", "mr_sm"}
    small = dataset["ct_sm"]
    np.testing.assert_array_equal(small.images["ct"].array, voxels(root / "example_ct_sm.nii.gz"))
    assert [len(small.annotations[name].structures) for name in ("total", "classes")] == [117, 117]
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
    values = dataset["mr_sm"].annotations["total_mr"].values
    assert [values[v] for v in (5, 11, 23, 50)] == ["liver", "lung.right", "aorta", "brain"]
    states = dataset["mr_sm"].annotations["subset_mr"].states()
    assert states == {"liver": State.PRESENT, "brain": State.ABSENT}


def test_totalsegmentator_values_mean_what_its_single_files_say(shared_data: Path) -> None:
    """The label map by value, the map by file name and the program's own volumes agree on all 117 classes."""
    root = shared_data / "totalsegmentator-sample" / "example_seg_fast"
    dataset = opened(shared_data, "totalsegmentator-sample")
    sample = dataset["ct_sm"]
    classes, values = sample.annotations["classes"], sample.annotations["total_fast"]
    by_file = dataset.layout.labels["names"]
    told = json.loads((root / "statistics.json").read_text())
    volumes = {name: facts["volume"] for name, facts in told.items()}
    assert set(volumes) == set(by_file) == {p.name.removesuffix(".nii.gz") for p in root.glob("*.nii.gz")}
    for name, structure in by_file.items():
        found = classes.mask(structure)
        np.testing.assert_array_equal(found, voxels(root / f"{name}.nii.gz") != 0)
        np.testing.assert_array_equal(found, values.mask(structure))
        assert found.sum() * 27 == pytest.approx(volumes[name])  # a voxel of 3 mm is 27 mm3
    absent = {s for s, state in classes.states().items() if state is State.ABSENT}
    assert absent == {by_file[name] for name, volume in volumes.items() if volume == 0}


def test_totalsegmentator_dicom_series_is_the_scan_of_its_mask(shared_data: Path) -> None:
    root = shared_data / "totalsegmentator-sample"
    image = opened(shared_data, "totalsegmentator-sample")["ct_dicom"].images["ct"].volume
    slices = [pydicom.dcmread(p) for p in (root / "example_ct_dicom").iterdir()]
    slices.sort(key=lambda one: one.ImagePositionPatient[2])
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
        ("t1w", "cord"): "t1/t1w_seg-manual",
        ("t2", "cord"): "t2/t2_seg-manual",
        ("t2", "cord_network@2d"): "t2/t2_seg-deepseg_sc-2d",
        ("t2", "cord_network@3d"): "t2/t2_seg-deepseg_sc-3d",
        ("t2", "centreline@manual"): "t2/t2_centerline-manual",
        ("t2", "centreline@optic"): "t2/t2_centerline-optic",
        ("t2_fake_lesion", "cord"): "t2/t2_fake_lesion_sc_seg",
        ("t2_fake_lesion", "lesion"): "t2/t2_fake_lesion_lesion_seg",
        ("t2s", "cord"): "t2s/t2s_seg",
        ("t2s", "cord_network"): "t2s/t2s_seg-deepseg",
        ("t2s", "centreline@optic"): "t2s/t2s_centerline-optic",
        ("t2s", "grey_matter"): "t2s/t2s_gmseg_manual",
        ("t2s_uncropped", "grey_matter"): "t2s/t2s_uncropped_gmseg_manual",
    }
    for (case, name), file in one_structure.items():
        found = shown(dataset[case].annotations[name])
        assert list(found.values()) == [sum(counts(root / f"{file}.nii.gz").values())], (case, name)
    by_value = {
        ("t2", "levels"): "t2/t2_seg-manual_labeled",
        ("t2s", "levels"): "t2s/MNI-Poly-AMU_level_crop",
        ("t2", "level_centres"): "t2/t2_labeled_center_manual",
        ("t2", "rootlets"): "t2/t2_seg-deepseg_rootlets",
        ("t2", "rootlets@manual"): "t2/t2_seg-deepseg_rootlets-manual",
        ("t2", "rootlet_midpoints"): "t2/t2_seg-deepseg_rootlets-manual_midpoints",
    }
    for (case, name), file in by_value.items():
        mask = dataset[case].annotations[name]
        found = counts(root / f"{file}.nii.gz")
        assert shown(mask) == {mask.values[v]: n for v, n in found.items()}, (case, name)
    assert dataset["t2"].annotations["levels"].values[3] == "spinal_cord:level_c3"
    assert dataset["t2"].annotations["rootlets"].values[5] == "nerve_rootlet.C5"
    with (root / "t2" / "t2_centerline-manual.csv").open(newline="") as stream:
        n_points = len(list(csv.reader(stream)))
    centreline = dataset["t2"].annotations["centreline_points@manual"].read()
    assert (centreline.coordinates.shape, centreline.frame) == ((n_points, 3), "voxel_las")
    line = dataset["t2"].annotations["centreline@manual"].volume.reoriented("LAS").array != 0
    inside = line[tuple(centreline.coordinates.round().astype(int).T)]
    assert inside.all() and line.sum() == n_points
    np.testing.assert_array_equal(dataset["t2"].images["mr"].array, voxels(root / "t2" / "t2.nii.gz"))


def test_pyradiomics_data(shared_data: Path) -> None:
    nrrd = pytest.importorskip("nrrd")
    root = shared_data / "pyradiomics-nrrd" / "data"
    dataset = opened(shared_data, "pyradiomics-nrrd")
    for name in ("brain1", "brain2", "breast1"):
        sample = dataset[name]
        for array, file in ((sample.image.array, "image"), (sample.mask.volume.array, "label")):
            np.testing.assert_array_equal(array, nrrd.read(str(root / f"{name}_{file}.nrrd"))[0])
    phantom = dataset["prostate_phantom_subvolume"]
    assert set(np.unique(phantom.annotations["region"].volume.array)) == {0, 1, 7, 8, 9}
    assert phantom.annotations["region"].states() == {}, "nobody says what the values are"
    report = medshelf.check("pyradiomics-data", shared_data / "pyradiomics-nrrd")
    orphans = [f.file for f in report.findings if f.check == "layout.orphan"]
    assert sorted(orphans) == ["data/lung1_label.nrrd", "data/lung2_label.nrrd"]


def test_dcm_qa_transfer_syntaxes(shared_data: Path) -> None:
    """All nine hold the same image, the README says, each as a mosaic in another transfer syntax."""
    root = shared_data / "dcm-qa-transfer-syntaxes"
    first = voxels(root / "Ref" / "1.nii")
    for sample in opened(shared_data, "dcm-qa-transfer-syntaxes"):
        np.testing.assert_array_equal(sample.images["reference"].array, first)
        wanted = json.loads((root / "Ref" / f"{sample.case}.json").read_text())
        assert sample.records["sidecar"]["Manufacturer"] == wanted["Manufacturer"] == "Siemens"
        assert sample.records["sidecar"]["EchoTime"] == wanted["EchoTime"]
        mosaic = sample.images["mosaic"].volume.reoriented("RAS").array
        np.testing.assert_array_equal(mosaic, sample.images["reference"].volume.reoriented("RAS").array)


REFUSED = {
    "failing/gantrytilting/001": "gantry-tilt",
    "failing/notavolume/001": "one-position",
    "failing/slicecount/001": "too-few-slices",
    "failing/sliceincrement/001": "missing-slices",
    "failing/sliceincrement/002": "missing-slices",
    "failing/sliceorientation/001": "mixed-orientation",
}
"""Series of dicom2nifti's tests that must not be stacked, and why."""


def test_dicom2nifti_data(shared_data: Path) -> None:
    root = shared_data / "dicom2nifti" / "tests" / "data"
    dataset = opened(shared_data, "dicom2nifti")
    series = {p.parent.relative_to(root).as_posix() for p in root.rglob("*.dcm")}
    assert {case.id for case in dataset.cases} == series
    for sample in dataset:
        image = sample.images["series"]
        if sample.case in REFUSED:
            with pytest.raises(NotAVolume) as refused:
                image.read()
            assert refused.value.reason == REFUSED[sample.case]
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
    """Segments are counted from the pixels as pydicom unpacks them, those of slides too."""
    root = shared_data / "highdicom" / "data" / "test_files"
    dataset = opened(shared_data, "highdicom")
    read = 0
    for sample in dataset:
        for key, annotation in sample.annotations.items():
            slot, _, name = key.partition("@")
            if slot != "segmentation":
                continue
            source = pydicom.dcmread(root / f"seg_image_{name}.dcm")
            assert sum(shown(annotation).values()) == int((source.pixel_array > 0).sum()), name
            read += 1
    assert read == len(list(root.glob("seg_image_*.dcm"))) == 12
    overlap = dataset["ct_series"].annotations["segmentation@ct_binary_overlap"]
    assert overlap.structures == ("first segment", "second segment")
    (nuclei,) = dataset["sm_image_control"].annotations["annotations"].read()
    assert (nuclei.label, len(nuclei)) == ("nuclei", 2)
    reports = {"report", "report_groups"}
    assert reports <= set(dataset["ct_image"].annotations)
    assert {name: len(dataset["ct_image"].annotations[name].read()) for name in reports} == {
        "report": 1,
        "report_groups": 4,
    }


def test_rt_utils_and_dicompyler_data(shared_data: Path) -> None:
    dataset = opened(shared_data, "rtstruct-ct")
    image = dataset["oriented_data"].images["ct"].volume
    root = shared_data / "rtstruct-ct" / "tests" / "oriented_data"
    headers = [pydicom.dcmread(root / f"{n}.dcm") for n in range(3)]
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
    assert {roi.name for roi in breast.annotations["structures"].read()} == drawn
    mapped = set(medshelf.show("dicompyler-data").layout.labels["regions"])
    assert mapped <= drawn and len(drawn) == 10
    assert set(breast.annotations) == {"structures", "plan"}


def test_cptac_brca_slide(shared_data: Path) -> None:
    sample = opened(shared_data, "wsi-dicom")["level3"]
    wanted = json.loads((shared_data / "wsi-dicom" / "manifest.json").read_text())
    assert sample.records["manifest"]["levels"] == wanted["levels"]
    level = next(one for one in wanted["levels"] if one["index"] == 3)
    assert sample.images["slide"].path.endswith(level["fileName"])
    assert sample.images["slide"].shape == (level["height"], level["width"], 3)
    assert sample.images["slide"].header().meta["tile"] == (level["tileHeight"], level["tileWidth"])


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
