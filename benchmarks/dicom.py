"""Reading and scanning DICOM series, side by side with pydicom and SimpleITK in one run.

    python benchmarks/dicom.py

A CT of 200 slices, 512 x 512, with noise, 12 bits stored, an intercept of -1024, once with the lean headers
of `medshelf.formats.dicom.write_series` and once with headers as long as a scanner's (80 more attributes, a
sequence, a private block of 20 kB). All methods do the same work in each round, in random order, with the
garbage collector off; a ratio is the median over rounds of the baseline's time by the method's, above 1 is
faster. Voxels, places and UIDs are compared before anything is timed. Files are in the page cache.
"""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.timing import Methods, main, timed
from medshelf.formats import dicom
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

SHAPE = (512, 512, 200)
COMPRESSED_SLICES = 24


def run(tmp: Path) -> list[dict[str, Any]]:
    """Measure all and return a row for each method.

    Parameters
    ----------
    tmp : Path
        An empty folder; it takes about 250 MB.

    Returns
    -------
    list of dict
        See `benchmarks.timing.row`.
    """
    volume = ct()
    lean = dicom.write_series(
        tmp / "lean", volume, modality="CT", series_uid=dicom.uid_from("bench"), patient_id="p"
    )
    long = lengthened(lean, tmp / "long")
    rle = compressed(lean[:COMPRESSED_SLICES], tmp / "rle")
    rows = timed("read 200 slices, uncompressed", reading(long, volume.array))
    rows += timed("read 24 slices, RLE", decoding(rle, volume.array[:, :, :COMPRESSED_SLICES]))
    rows += timed("scan 200 headers, as a scanner's", scanning(long))
    rows += timed("scan 200 headers, lean", scanning(lean))
    return rows


def ct() -> Volume:
    """A cylinder in air, in noise, (I, J, K) int16 in Fortran order."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[-1 : 1 : SHAPE[1] * 1j, -1 : 1 : SHAPE[0] * 1j].astype(np.float32)
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    noise = rng.standard_normal(SHAPE[::-1], dtype=np.float32) * np.where(body, 18, 8).astype(np.float32)
    values = np.clip(np.rint(noise + np.where(body, 40, -990)), -1024, 3071).astype(np.int16)
    affine = np.diag([-0.75, -0.75, 1.25, 1.0])
    affine[:3, 3] = (190, 190, -600)
    return Volume(values.transpose(2, 1, 0), "ijk", affine)


def lengthened(paths: list[Path], folder: Path) -> list[Path]:
    """The same files with as much in their headers as scanners write, under names in no order."""
    import pydicom

    folder.mkdir()
    names = random.Random(3).sample(range(10**6), len(paths))
    for path, name in zip(paths, names, strict=True):
        found = pydicom.dcmread(path)
        item = pydicom.Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = found.SOPClassUID, found.SOPInstanceUID
        found.ReferencedImageSequence = pydicom.Sequence([item, item])
        found["ReferencedImageSequence"].is_undefined_length = True
        for group, first in ((0x0009, 40), (0x0019, 40)):
            block = found.private_block(group, "MEDSHELF BENCHMARK", create=True)
            for n in range(first):
                block.add_new(n, "LO", f"value {n} of a scanner")
        found.private_block(0x0029, "MEDSHELF BENCHMARK", create=True).add_new(0x10, "OB", bytes(20_000))
        found.save_as(folder / f"IM{name:06d}")
    return sorted(folder.iterdir())


def compressed(paths: list[Path], folder: Path) -> list[Path]:
    """The same files in RLE, the one compression that pydicom reads without further packages."""
    import pydicom

    folder.mkdir()
    for path in paths:
        found = pydicom.dcmread(path)
        found.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        found.save_as(folder / path.name)
    return sorted(folder.iterdir())


def stacked(paths: list[Path]) -> np.ndarray:
    """What people write with pydicom: read, sort by place, rescale, stack; (K, J, I)."""
    import pydicom

    found = [pydicom.dcmread(path) for path in paths]
    found.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    return np.stack(
        [
            one.pixel_array.astype(np.int16) * np.int16(one.RescaleSlope) + np.int16(one.RescaleIntercept)
            for one in found
        ]
    )


def reading(paths: list[Path], wanted: np.ndarray) -> Methods:
    """Ways to read an uncompressed series; the last reads the bytes and nothing else, the limit."""
    import SimpleITK

    blobs = [LocalFile(path) for path in paths]
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([blob.name for blob in dicom.scan(blobs).series[0].blobs])
    assert np.array_equal(stacked(paths).transpose(2, 1, 0), wanted)
    assert np.array_equal(dicom.read_series(blobs).array, wanted)
    image = reader.Execute()
    assert np.array_equal(SimpleITK.GetArrayViewFromImage(image).transpose(2, 1, 0), wanted)
    return {
        "pydicom": lambda: stacked(paths),
        "SimpleITK (files in order)": reader.Execute,
        "medshelf": lambda: dicom.read_series(blobs),
        "(read the bytes)": lambda: [path.read_bytes() for path in paths],
    }


def decoding(paths: list[Path], wanted: np.ndarray) -> Methods:
    """Ways to read a compressed series."""
    import SimpleITK

    blobs = [LocalFile(path) for path in paths]
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    assert np.array_equal(stacked(paths).transpose(2, 1, 0), wanted)
    assert np.array_equal(dicom.read_series(blobs).array, wanted)
    return {
        "pydicom": lambda: stacked(paths),
        "SimpleITK (files in order)": reader.Execute,
        "medshelf": lambda: dicom.read_series(blobs),
    }


def scanning(paths: list[Path]) -> Methods:
    """Ways to learn series, place and size of each file; medshelf also groups, orders and checks the grid."""
    import pydicom

    names = (
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "Rows",
        "Columns",
        "InstanceNumber",
        "Modality",
        "SeriesDescription",
    )

    def facts(path: Path, tags: list[str] | None) -> list[Any]:
        found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        return [found.get(name) for name in names]

    blobs = [LocalFile(path) for path in paths]
    theirs = {str(path): facts(path, list(names)) for path in paths}
    (series,) = dicom.scan(blobs).series
    for one, uid in zip(series.slices, series.instance_uids, strict=True):
        told = theirs[one.header.blob.name]
        assert (told[0], told[1], tuple(told[2]), told[5]) == (series.uid, uid, one.position_mm, one.rows)
    return {
        "pydicom, those tags only": lambda: [facts(path, list(names)) for path in paths],
        "pydicom, all tags": lambda: [facts(path, None) for path in paths],
        "medshelf": lambda: dicom.scan(blobs),
        "(open and read 8 KiB)": lambda: [head(path) for path in paths],
    }


def head(path: Path) -> bytes:
    """The first bytes of a file, the limit of any scan."""
    with io.FileIO(path) as stream:
        return stream.read(8192)


if __name__ == "__main__":
    main(run)
