"""What the folders of real data are, and how their files are counted without medshelf."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

import medshelf
from medshelf.model.labels import State
from medshelf.samples.dataset import Dataset

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

BIG = ("bccd", "dcm-qa-nih", "dicom2nifti", "vqa-rad")
"""Folders of ten megabytes and more, which are not packed and copied in every run."""

KNOWN = {folder: name for folder, name in FOLDERS.items() if name is not None}


def opened(shared_data: Path, folder: str) -> Dataset:
    name = FOLDERS[folder]
    assert name is not None
    return medshelf.open(name, shared_data / folder)


def files_below(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def voxels(path: Path) -> np.ndarray:
    """Voxels of a NIfTI file as nibabel reads them."""
    import nibabel

    return np.asanyarray(nibabel.load(path).dataobj)


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
