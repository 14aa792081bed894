"""DICOM of real scanners against references that other programs made: dcm2niix, dicom2nifti, SimpleITK."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from medshelf.errors import NotAVolume
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import lps_to_ras, max_corner_distance_mm, reorient
from medshelf.model.volume import Volume

GE = "dcm-qa-nih/In/20180918GE"
SIEMENS = "dcm-qa-nih/In/20180918Si"
FAILING = "dicom2nifti/tests/data/failing"
GROUND_TRUTH = [
    "ge/anatomical",
    "siemens/anatomical",
    "hitachi/anatomical",
    "generic/compressed",
    "generic/compressed_j2k",
    "generic/compressed_jpeg",
    "generic/compressed_jpegls",
    "generic/compressed_rle",
]


def blobs(folder: Path) -> list[LocalFile]:
    assert folder.is_dir(), folder
    return [LocalFile(path) for path in sorted(folder.rglob("*")) if path.is_file()]


def assert_same_in_ras(volume: Volume, reference: Path) -> None:
    """Compare voxels exactly and places to a thousandth of a millimetre, both in the same voxel order."""
    image = nib.load(reference)
    theirs, their_affine = reorient(np.asanyarray(image.dataobj), image.affine)
    ours = volume.reoriented("RAS")
    assert ours.array.shape == theirs.shape
    np.testing.assert_array_equal(ours.array, theirs)
    assert max_corner_distance_mm(ours.affine, their_affine, theirs.shape) < 1e-3


@pytest.mark.parametrize("number", [4, 5, 6, 7])
def test_ge_time_series_equal_the_conversion_by_dcm2niix(shared_data: Path, number: int) -> None:
    volume = dicom.read_series(blobs(shared_data / GE / f"mr_{number:04d}"))
    assert (volume.axes, volume.shape) == ("ijkt", (64, 64, 15, 10))
    assert_same_in_ras(volume, shared_data / f"dcm-qa-nih/Ref/DCM2NIIX_regression_test_{number}.nii")


def test_the_order_of_a_time_series_does_not_hang_on_names(shared_data: Path) -> None:
    files = [blob for blob in blobs(shared_data / GE / "mr_0006") if blob.name.endswith(".dcm")]
    shuffled = [files[n] for n in np.random.default_rng(8).permutation(len(files))]
    np.testing.assert_array_equal(dicom.read_series(shuffled).array, dicom.read_series(files).array)


@pytest.mark.parametrize("folder", GROUND_TRUTH)
def test_volumes_equal_the_conversion_by_dicom2nifti(shared_data: Path, folder: str) -> None:
    place = shared_data / "dicom2nifti/tests/data" / folder
    volume = dicom.read_series(blobs(place / "001"))
    assert_same_in_ras(volume, place / "001_ground_truth.nii.gz")
    turned = place / "001_ground_truth_reoriented.nii.gz"
    if turned.exists():  # only flipped and permuted, not resampled, so it must agree too
        assert_same_in_ras(volume, turned)


@pytest.mark.parametrize(
    ("folder", "reason", "told"),
    [
        ("gantrytilting/001", "gantry-tilt", "14.00 degrees"),
        ("notavolume/001", "one-position", "4 images"),
        ("slicecount/001", "too-few-slices", "2 of at least 3"),
        (
            "sliceincrement/001",
            "missing-slices",
            r"IM-0001-0009-0001\.dcm .* IM-0001-0010-0001\.dcm .* run on",
        ),
        ("sliceincrement/002", "missing-slices", r"IM-0001-0003\.dcm .* IM-0001-0005\.dcm .* 15\.50 degrees"),
        ("sliceorientation/001", "mixed-orientation", "2 directions: 2 like .*; 2 like"),
    ],
)
def test_series_that_are_no_volume_say_why(shared_data: Path, folder: str, reason: str, told: str) -> None:
    with pytest.raises(NotAVolume, match=told) as caught:
        dicom.read_series(blobs(shared_data / FAILING / folder))
    assert caught.value.reason == reason
    (series,) = dicom.scan(blobs(shared_data / FAILING / folder)).series
    assert series.reason == reason


def test_two_slices_on_request_equal_their_ground_truth(shared_data: Path) -> None:
    folder = shared_data / FAILING / "slicecount"
    volume = dicom.read_series(blobs(folder / "001"), least_slices=2)
    assert_same_in_ras(volume, folder / "001_ground_truth.nii.gz")


@pytest.mark.parametrize(
    ("folder", "reference"), [(3, "PE=AP_3"), (4, "PE=PA_4"), (5, "PE=RL_5"), (6, "PE=LR_6")]
)
def test_siemens_mosaics_in_time_equal_the_conversion_by_dcm2niix(
    shared_data: Path, folder: int, reference: str
) -> None:
    volume = dicom.read_series(blobs(shared_data / SIEMENS / f"mr_{folder:04d}"))
    assert (volume.axes, volume.shape) == ("ijkt", (72, 72, 5, 2))
    assert_same_in_ras(volume, shared_data / f"dcm-qa-nih/Ref/EPI_{reference}.nii")


def test_every_reference_of_dcm_qa_nih_is_compared_with(shared_data: Path) -> None:
    names = {path.stem for path in (shared_data / "dcm-qa-nih/Ref").glob("*.nii")}
    ours = {f"DCM2NIIX_regression_test_{n}" for n in (4, 5, 6, 7)}
    assert names == ours | {"EPI_PE=AP_3", "EPI_PE=PA_4", "EPI_PE=RL_5", "EPI_PE=LR_6"}


@pytest.mark.parametrize("number", range(1, 10))
def test_every_transfer_syntax_gives_the_volume_of_the_reference(shared_data: Path, number: int) -> None:
    """All nine are one Siemens mosaic of 6 x 6 tiles, 35 used, tilted by 6.2 degrees."""
    folder = shared_data / "dcm-qa-transfer-syntaxes"
    volume = dicom.read_series([LocalFile(folder / f"In/{number}.dcm")])
    assert (volume.axes, volume.shape) == ("ijk", (64, 64, 35))
    assert_same_in_ras(volume, folder / f"Ref/{number}.nii")


READABLE = [
    *(f"dicom2nifti/tests/data/{folder}/001" for folder in GROUND_TRUTH),
    "dcmqi-seg/data/segmentations/23x38x3/image",
    "dcmqi-seg/data/segmentations/24x38x3/image",
    "totalsegmentator-sample/example_ct_dicom",
    "rtstruct-ct/tests/oriented_data",
]


@pytest.mark.parametrize("folder", READABLE)
def test_simpleitk_reads_the_same_voxels_in_the_same_places(shared_data: Path, folder: str) -> None:
    (series,) = [s for s in dicom.scan(blobs(shared_data / folder)).series if s.kind == "slices"]
    volume = dicom.read_series(series)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([blob.name for blob in series.blobs])
    image = reader.Execute()
    theirs = sitk.GetArrayViewFromImage(image).transpose(2, 1, 0)
    if volume.array.dtype.kind == "f":
        np.testing.assert_allclose(volume.array, theirs, rtol=1e-6)
    else:
        np.testing.assert_array_equal(volume.array, theirs)
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    lps[:3, 3] = image.GetOrigin()
    assert max_corner_distance_mm(volume.affine, lps_to_ras(lps), volume.shape) < 1e-2


def test_the_order_of_slices_agrees_with_the_places_that_simpleitk_gives_each(shared_data: Path) -> None:
    """The files of this CT have neither suffix nor series UID, and their names run against the normal."""
    folder = shared_data / "totalsegmentator-sample/example_ct_dicom"
    (series,) = dicom.scan(blobs(folder)).series
    assert (series.uid, series.reason, series.n_slices) == ("", None, 20)
    volume = dicom.read_series(series)
    for k, blob in enumerate(series.blobs):
        one = sitk.ReadImage(blob.name)
        np.testing.assert_array_equal(volume.array[:, :, k], sitk.GetArrayViewFromImage(one)[0].T)
        place = lps_to_ras(np.eye(4)) @ np.array([*one.GetOrigin(), 1.0])
        np.testing.assert_allclose(volume.affine @ np.array([0, 0, k, 1.0]), place, atol=1e-6)


def test_objects_that_are_no_images_are_told_apart(shared_data: Path) -> None:
    kinds = {
        "rtstruct-breast": {"single", "rtstruct", "rtplan"},
        "highdicom": {"slide", "report", "segmentation", "annotations", "single"},
        "wsi-dicom": {"slide"},
        "dcmqi-seg/data/sr-example": {"real world value mapping", "segmentation", "report"},
    }
    for folder, expected in kinds.items():
        scan = dicom.scan(blobs(shared_data / folder))
        assert {series.kind for series in scan.series} == expected
        assert all(reason == "not DICOM" for _, reason in scan.others)
    with pytest.raises(NotAVolume) as caught:
        dicom.read_series(blobs(shared_data / "wsi-dicom"))
    assert caught.value.reason == "not-an-image"


def test_a_radiograph_is_a_picture_with_its_spacing(shared_data: Path) -> None:
    volume = dicom.read_series([LocalFile(shared_data / "highdicom/data/test_files/dx_image.dcm")])
    assert (volume.axes, volume.shape, volume.affine) == ("yx", (169, 211), None)
    assert volume.meta["photometric"] == "MONOCHROME1" and volume.meta["spacing_from"] == "PixelSpacing"


def test_facts_agree_with_the_sidecars_of_dcm2niix(shared_data: Path) -> None:
    volume = dicom.read_series(blobs(shared_data / GE / "mr_0004"))
    told = json.loads((shared_data / "dcm-qa-nih/Ref/DCM2NIIX_regression_test_4.json").read_text())
    assert volume.meta["modality"] == told["Modality"]
    assert volume.meta["manufacturer"].startswith(told["Manufacturer"])
    assert volume.meta["description"] == told["SeriesDescription"]
    assert volume.meta["body_part"] == told["BodyPart"]
    assert volume.meta["slice_thickness_mm"] == told["SliceThickness"]
