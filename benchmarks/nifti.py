"""Reading and writing .nii.gz, side by side with nibabel and SimpleITK in one run.

    python benchmarks/nifti.py

A CT of 512 x 512 x 200 int16 with noise (sd 18 HU in the body, 8 in air) and a label map of 25 structures,
both as ``gzip -6`` leaves them. All methods do the same work in each round, in random order, with the
garbage collector off; a ratio is the median over rounds of the baseline's time by the method's, above 1
is faster. Results are compared voxel by voxel before anything is timed. Memory is the default allocator's.
"""

from __future__ import annotations

import gzip
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.timing import Methods, main, timed
from medshelf.formats import metaimage, nifti, nrrd
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume

SHAPE = (512, 512, 200)
AFFINE = np.diag([0.8, 0.8, 1.5, 1.0])
HEADERS_A_ROUND = 50


def run(tmp: Path) -> list[dict[str, Any]]:
    """Measure all and return a row for each method.

    Parameters
    ----------
    tmp : Path
        An empty folder; it takes about 500 MB.

    Returns
    -------
    list of dict
        See `benchmarks.timing.row`.
    """
    rows: list[dict[str, Any]] = []
    for work, array in (("ct", ct()), ("labels", labels())):
        path = tmp / f"{work}.nii.gz"
        nifti.write(tmp / "plain.nii", Volume(array, "ijk", AFFINE))
        path.write_bytes(gzip.compress((tmp / "plain.nii").read_bytes(), 6, mtime=0))
        rows += timed(f"read {work}.nii.gz", reading(path, array))
        rows += timed(f"header of {work}.nii.gz", headers(path), each=HEADERS_A_ROUND)
        rows += timed(f"write {work}.nii.gz", writing(tmp, array))
        rows += timed(f"read {work}.nrrd, .mha (compressed)", others(tmp, array))
    return rows


def ct() -> np.ndarray:
    """A body with lungs and bone in noise, (I, J, K) int16 in Fortran order."""
    rng = np.random.default_rng(1)
    k, j, i = (np.linspace(-1, 1, n, dtype=np.float32) for n in SHAPE[::-1])
    i, j, k = i[None, None, :], j[None, :, None], k[:, None, None]
    body = np.broadcast_to((i / 0.8) ** 2 + (j / 0.6) ** 2 < 1, SHAPE[::-1])
    values = np.where(body, np.float32(40), np.float32(-1000))
    for side in (-0.35, 0.35):
        values[((i - side) / 0.25) ** 2 + (j / 0.35) ** 2 + (k / 0.9) ** 2 < 1] = -850
    values[np.broadcast_to((i / 0.08) ** 2 + ((j - 0.4) / 0.08) ** 2 < 1, values.shape)] = 600
    values += rng.standard_normal(values.shape, dtype=np.float32) * np.where(body, 18, 8).astype(np.float32)
    return np.clip(np.rint(values), -1024, 3071).astype(np.int16).transpose(2, 1, 0)


def labels() -> np.ndarray:
    """Forty ellipsoids in 25 labels, (I, J, K) uint8 in Fortran order."""
    rng = np.random.default_rng(2)
    k, j, i = (np.linspace(-1, 1, n, dtype=np.float32) for n in SHAPE[::-1])
    values = np.zeros(SHAPE[::-1], np.uint8)
    for n in range(40):
        middle, radius = rng.uniform(-0.6, 0.6, 3), rng.uniform(0.05, 0.25, 3)
        parts = [((axis - m) / r) ** 2 for axis, m, r in zip((i, j, k), middle, radius, strict=True)]
        inside = parts[0][None, None, :] + parts[1][None, :, None] + parts[2][:, None, None] < 1
        values[inside] = 1 + n % 25
    return values.transpose(2, 1, 0)


def reading(path: Path, wanted: np.ndarray) -> Methods:
    """Ways to read the voxels of a .nii.gz, all giving `wanted`; the last is the bare inflater, the limit."""
    import imagecodecs
    import nibabel
    import SimpleITK

    compressed = path.read_bytes()
    kept = np.empty(352 + wanted.nbytes, np.uint8)
    methods: Methods = {
        "nibabel": lambda: np.asanyarray(nibabel.load(path).dataobj),
        "SimpleITK": lambda: SimpleITK.GetArrayViewFromImage(SimpleITK.ReadImage(str(path))).transpose(
            2, 1, 0
        ),
        "medshelf": lambda: nifti.read(LocalFile(path)).array,
    }
    for name in ("nibabel", "medshelf"):
        assert np.array_equal(methods[name](), wanted), name
    image = SimpleITK.ReadImage(str(path))
    assert np.array_equal(SimpleITK.GetArrayViewFromImage(image).transpose(2, 1, 0), wanted)
    return methods | {"(inflate alone, memory reused)": lambda: imagecodecs.gzip_decode(compressed, out=kept)}


def headers(path: Path) -> Methods:
    """Ways to read a header, many times as it is short."""
    import nibabel

    assert nifti.read_header(LocalFile(path)).shape == nibabel.load(path).shape
    return {
        "nibabel": lambda: [nibabel.load(path).affine for _ in range(HEADERS_A_ROUND)],
        "medshelf": lambda: [nifti.read_header(LocalFile(path)) for _ in range(HEADERS_A_ROUND)],
    }


def writing(tmp: Path, array: np.ndarray) -> Methods:
    """Ways to write a .nii.gz at their own default level."""
    import nibabel

    theirs, ours = tmp / "theirs.nii.gz", tmp / "ours.nii.gz"
    methods: Methods = {
        "nibabel": lambda: nibabel.save(nibabel.Nifti1Image(array, AFFINE), theirs),
        "medshelf": lambda: nifti.write(ours, Volume(array, "ijk", AFFINE)),
    }
    for name, path in (("nibabel", theirs), ("medshelf", ours)):
        methods[name]()
        assert np.array_equal(np.asanyarray(nibabel.load(path).dataobj), array), name
    return methods


def others(tmp: Path, array: np.ndarray) -> Methods:
    """The other volume formats against SimpleITK."""
    import SimpleITK

    methods: Methods = {}
    for ending, module in ((".nrrd", nrrd), (".mha", metaimage)):
        path = tmp / f"a{ending}"
        module.write(path, Volume(array, "ijk", AFFINE))
        methods[f"SimpleITK {ending}"] = partial(SimpleITK.ReadImage, str(path))
        methods[f"medshelf {ending}"] = partial(module.read, LocalFile(path))
        image = SimpleITK.ReadImage(str(path))
        assert np.array_equal(SimpleITK.GetArrayViewFromImage(image).transpose(2, 1, 0), array)
        assert np.array_equal(module.read(LocalFile(path)).array, array)
    return methods


if __name__ == "__main__":
    main(run)
