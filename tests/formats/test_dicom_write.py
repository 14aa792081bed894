"""Writing DICOM series: what other programs make of them, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from medshelf.errors import Unsupported
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.geometry import lps_to_ras, max_corner_distance_mm
from medshelf.model.volume import Volume

AFFINE = np.array(
    [[-0.7, 0.01, 0.2, 33.123456], [-0.01, -0.72, 0.1, 12.5], [0.01, 0.05, 2.49, -700.25], [0, 0, 0, 1.0]]
)


def square(affine: np.ndarray) -> np.ndarray:
    """The nearest affine without shear."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    u, _, vt = np.linalg.svd(affine[:3, :3] / lengths)
    found = affine.copy()
    found[:3, :3] = u @ vt * lengths
    return found


def volume(
    dtype: str = "int16", low: int = -1000, high: int = 3000, shape: tuple[int, ...] = (9, 8, 5)
) -> Volume:
    values = np.random.default_rng(6).integers(low, high, shape).astype(dtype)
    return Volume(values, "ijk" if len(shape) == 3 else "ijkt", square(AFFINE))


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_simpleitk_reads_what_was_written(modality: str, tmp_path: Path) -> None:
    wanted = volume()
    paths = dicom.write_series(tmp_path, wanted, modality=modality, series_uid="1.2.3", patient_id="p1")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path), "1.2.3"))
    image = reader.Execute()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), wanted.array)
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    lps[:3, 3] = image.GetOrigin()
    assert wanted.affine is not None
    assert max_corner_distance_mm(lps_to_ras(lps), wanted.affine, wanted.shape) < 1e-4
    ours = dicom.read_series([LocalFile(path) for path in paths])
    assert max_corner_distance_mm(ours.affine, wanted.affine, wanted.shape) < 1e-6


def test_pydicom_finds_nothing_to_warn_of(tmp_path: Path) -> None:
    data = dicom.slice_bytes(volume(), modality="CT", series_uid=dicom.uid_from("s"), patient_id="p1")
    with _strict():
        for one in data:
            found = pydicom.dcmread(io.BytesIO(one))
            assert found.preamble == bytes(128)
            for element in found.iterall():
                assert element.value is not None or element.VM == 0
            assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
            assert found.pixel_array.shape == (8, 9)
    assert len({pydicom.dcmread(io.BytesIO(one)).SOPInstanceUID for one in data}) == len(data)


class _strict:
    """Let pydicom raise where it would warn."""

    def __enter__(self) -> None:
        self.before = pydicom.config.settings.reading_validation_mode
        pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE

    def __exit__(self, *_: object) -> None:
        pydicom.config.settings.reading_validation_mode = self.before


def test_the_same_seed_gives_the_same_bytes() -> None:
    uid = dicom.uid_from("twin of a set, case 7")
    assert uid == dicom.uid_from("twin of a set, case 7") != dicom.uid_from("twin of a set, case 8")
    assert uid.startswith("2.25.") and len(uid) <= 64 and uid[5:].isdigit()
    first, second = (
        dicom.slice_bytes(volume(), modality="CT", series_uid=uid, patient_id="p1") for _ in range(2)
    )
    assert first == second


def test_files_are_named_as_asked(tmp_path: Path) -> None:
    options = {"modality": "CT", "series_uid": "1.2", "patient_id": "p"}
    named = dicom.write_series(tmp_path, volume(), name=lambda n: f"deep/IM{n}", **options)
    assert named == [tmp_path / f"deep/IM{n}" for n in range(5)] and all(path.is_file() for path in named)
    listed = dicom.write_series(tmp_path, volume(), name=list("abcde"), **options)
    assert [path.name for path in listed] == list("abcde")
    with pytest.raises(Unsupported, match="4 for 5 slices"):
        dicom.write_series(tmp_path, volume(), name=list("abcd"), **options)


def test_times_are_written_volume_by_volume() -> None:
    wanted = volume("uint16", 0, 60000, (4, 3, 5, 2))
    data = dicom.slice_bytes(wanted, modality="MR", series_uid="1.2", patient_id="p")
    found = [pydicom.dcmread(io.BytesIO(one)) for one in data]
    assert [one.TemporalPositionIdentifier for one in found] == [1] * 5 + [2] * 5
    assert found[0].NumberOfTemporalPositions == 2 and "TemporalPositionIdentifier" not in pydicom.dcmread(
        io.BytesIO(dicom.slice_bytes(volume(), modality="MR", series_uid="1.2", patient_id="p")[0])
    )
    np.testing.assert_array_equal(found[6].pixel_array.T, wanted.array[:, :, 1, 1])


def test_fractions_are_rounded_to_the_rescale_that_is_given(tmp_path: Path) -> None:
    values = np.random.default_rng(7).normal(5, 2, (4, 3, 5)).astype(np.float32)
    wanted = Volume(values, "ijk", np.diag([-1.0, -1.0, 2.0, 1.0]))
    paths = dicom.write_series(
        tmp_path, wanted, modality="PT", series_uid="1.2", patient_id="p", rescale=(0.001, 0.0)
    )
    read = dicom.read_series([LocalFile(path) for path in paths])
    assert read.array.dtype == np.float32
    assert np.abs(read.array - values).max() <= 0.00051


def test_hounsfield_units_of_twelve_bits_stay_int16_and_others_too(tmp_path: Path) -> None:
    for n, (low, high) in enumerate(((-1024, 3071), (-3000, 20000))):
        wanted = volume("int16", low, high)
        paths = dicom.write_series(tmp_path / str(n), wanted, modality="CT", series_uid="1", patient_id="p")
        read = dicom.read_series([LocalFile(path) for path in paths])
        assert read.array.dtype == np.int16
        np.testing.assert_array_equal(read.array, wanted.array)


def test_what_sixteen_bits_or_three_axes_do_not_hold_is_refused() -> None:
    options = {"modality": "CT", "series_uid": "1.2", "patient_id": "p"}
    affine = np.eye(4)
    for bad in (
        Volume(np.full((2, 2, 2), 70000), "ijk", affine),
        Volume(np.full((2, 2, 2), 0.5), "ijk", affine),
        Volume(np.full((2, 2, 2), np.nan), "ijk", affine),
        Volume(np.zeros((2, 2, 2), np.int16), "ijk", None),
        Volume(np.zeros((2, 2), np.int16), "yx"),
    ):
        with pytest.raises(Unsupported):
            dicom.slice_bytes(bad, **options)
    with pytest.raises(Unsupported):
        dicom.slice_bytes(volume(), **(options | {"modality": "US"}))
