"""Small datasets without a fault, to be damaged one fault at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from medshelf.formats import nifti, raster
from medshelf.formats.boxes import Box, Boxes, write_voc
from medshelf.model.dataset import Fact, Record
from medshelf.model.volume import Volume
from medshelf.samples import phantom
from tests.layout.made import record

SHAPE = (24, 20, 12)
SPACING_MM = (0.9, 0.8, 2.5)

VOLUMES = """
key = ["n"]
case = "case_{n}"
[files.image]
role = "image"
path = "{split:train|test}/ct_{n:3d}.nii[.gz]"
channel = "ct"
[files.mask]
role = "mask"
path = "{split:train|test}/seg_{n:3d}.nii[.gz]"
labels = "organs"
[labels.organs]
1 = "liver"
2 = "spleen"
"""

CHANNELS = """
key = ["n"]
[files.image]
role = "image"
path = "{n:3d}_{c:t1|t2}.nii"
channel = "{c}"
complete = ["c"]
"""

PICTURES = """
key = ["n"]
[files.image]
role = "image"
path = "{grade:low|high|odd}/{n:3d}.png"
[files.lesion]
role = "mask"
path = "mask/{n:3d}.png"
kind = "binary"
label = "skin"
[files.cells]
role = "boxes"
path = "boxes/{n:3d}.xml"
reader = "voc"
labels = "cells"
[labels.cells]
red = "erythrocyte"
[targets.grade]
of = "grade"
classes = ["low", "high"]
"""

INSTANCES = """
key = ["n"]
[files.image]
role = "image"
path = "{n:3d}/image.png"
[files.nuclei]
role = "mask"
path = "{n:3d}/masks/{i:int}.png"
kind = "instance"
label = "nucleus"
merge = "union"
"""

PROBABILITIES = """
key = ["n"]
[files.image]
role = "image"
path = "image_{n:3d}.nii"
[files.vessel]
role = "mask"
path = "vessel_{n:3d}.nii"
kind = "probability"
label = "vessel"
"""

SERIES = """
key = ["n"]
[files.image]
role = "image"
path = "{n:3d}/*.dcm"
reader = "dicom_series"
channel = "ct"
"""


def of_modality(made: Record, *modality: str) -> Record:
    """Return a record whose dataset is of some modalities."""
    return replace(made, facts=replace(made.facts, modality=Fact(modality)))


def affine_of(number: int) -> np.ndarray:
    """Return the affine of a case; exact in the 32 bits of a NIfTI header."""
    affine = np.diag([-0.875, -0.75, 2.5, 1.0])
    affine[:3, 3] = (12.5 + number, 8.25, -40.0 - 3 * number)
    return affine


def ct_of(number: int) -> np.ndarray:
    """Return the CT of a case: air, tissue, noise."""
    return np.asfortranarray(phantom.picture(SHAPE, number, 4, ct=True))


def labels_of(number: int) -> np.ndarray:
    """Return a mask with liver and spleen."""
    array = np.zeros(SHAPE, np.uint8, order="F")
    array[4:10, 4:12, 2:8] = 1
    array[14 : 18 + number % 3, 5:9, 3:9] = 2
    return array


def save(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> None:
    """Write a volume as NIfTI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    placed = affine_of(1) if affine is None else affine
    nifti.write(path, Volume(array, "ijk", placed, tuple(float(s) for s in np.sqrt((placed[:3, :3] ** 2).sum(0)))))


def save_picture(path: Path, array: np.ndarray) -> None:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raster.write(path, Volume(array, "yx" if array.ndim == 2 else "yxc"))


def volumes(root: Path) -> Record:
    """Write six cases of CT with a mask, four of them for training."""
    for number in range(1, 7):
        split = "train" if number < 5 else "test"
        save(root / split / f"ct_{number:03d}.nii", ct_of(number), affine_of(number))
        save(root / split / f"seg_{number:03d}.nii", labels_of(number), affine_of(number))
    return record(VOLUMES)


def channels(root: Path) -> Record:
    """Write three cases with two channels on one grid."""
    for number in range(1, 4):
        for n, channel in enumerate(("t1", "t2")):
            array = phantom.picture(SHAPE, 10 * number + n, 4)
            save(root / f"{number:03d}_{channel}.nii", np.asfortranarray(array), affine_of(number))
    return record(CHANNELS)


def series(root: Path) -> Record:
    """Write a CT as DICOM."""
    from medshelf.formats.dicom import writing

    folder = root / "001"
    folder.mkdir(parents=True)
    told = {"modality": "CT", "series_uid": "2.25.17", "patient_id": "made"}
    volume = Volume(ct_of(1), "ijk", affine_of(1), (0.875, 0.75, 2.5))
    for n, content in enumerate(writing.slice_bytes(volume, **told)):
        (folder / f"{n:02d}.dcm").write_bytes(content)
    return record(SERIES)


def many_volumes(root: Path, dtypes: Mapping[int, str] | None = None) -> Record:
    """Write a dozen MR without masks, all in one type unless told otherwise."""
    for number in range(1, 13):
        array = phantom.picture(SHAPE, number, 4).astype((dtypes or {}).get(number, "int16"))
        save(root / f"image_{number:03d}.nii", np.asfortranarray(array), affine_of(number))
    return record('key = ["n"]\n[files.image]\nrole = "image"\npath = "image_{n:3d}.nii"\nchannel = "T1"\n')


def pictures(root: Path) -> Record:
    """Write three pictures with a mask, boxes and a class."""
    for number in range(1, 4):
        array = phantom.picture(phantom.PICTURE_SHAPE, number, 4)
        save_picture(root / ("low", "high")[number % 2] / f"{number:03d}.png", np.stack([array] * 3, -1))
        mask = np.zeros(phantom.PICTURE_SHAPE, np.uint8)
        mask[10:30, 12:40] = 255
        save_picture(root / "mask" / f"{number:03d}.png", mask)
        boxes(root, number, Box("red", 5, 6, 20, 22))
    return record(PICTURES)


def boxes(root: Path, number: int, *drawn: Box, size: tuple[int, int] | None = None) -> None:
    """Write the boxes of a picture as Pascal VOC."""
    path = root / "boxes" / f"{number:03d}.xml"
    path.parent.mkdir(exist_ok=True)
    rows, columns = phantom.PICTURE_SHAPE
    write_voc(path, Boxes(size or (columns, rows), drawn, "inclusive-1", f"{number:03d}.png"))


def instances(root: Path) -> Record:
    """Write two pictures with a mask for each of three nuclei."""
    for number in range(1, 3):
        save_picture(root / f"{number:03d}" / "image.png", phantom.picture(phantom.PICTURE_SHAPE, number, 4))
        for n in range(3):
            mask = np.zeros(phantom.PICTURE_SHAPE, np.uint8)
            mask[5 + 10 * n : 12 + 10 * n, 8:20] = 255
            save_picture(root / f"{number:03d}" / "masks" / f"{n + 1}.png", mask)
    return record(INSTANCES)


def probabilities(root: Path) -> Record:
    """Write two volumes with a map of probabilities."""
    for number in range(1, 3):
        save(root / f"image_{number:03d}.nii", np.asfortranarray(phantom.picture(SHAPE, number, 4)), affine_of(number))
        save(root / f"vessel_{number:03d}.nii", _ramp(), affine_of(number))
    return record(PROBABILITIES)


def _ramp() -> np.ndarray:
    return np.asfortranarray(np.linspace(0, 1, int(np.prod(SHAPE)), dtype=np.float32).reshape(SHAPE))


CLEAN = {f.__name__: f for f in (volumes, channels, series, many_volumes, pictures, instances, probabilities)}
"""Writers of datasets without a fault, by name."""
