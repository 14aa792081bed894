"""Write one case of a build: the part of the work that runs in other processes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.cohort.grid import difference
from medshelf.export.nnunet import Target
from medshelf.model.labels import values_of
from medshelf.model.volume import Volume
from medshelf.samples.annotation import Mask
from medshelf.samples.image import Image


@dataclass(frozen=True)
class Job:
    """All that is needed to write one case. Picklable, and small: names and rules, no pixels."""

    id: str
    images: tuple[Image, ...]
    mask: Mask
    parts: Mapping[str, tuple[str, ...]]
    """Label of the result to structures of this dataset, for the labels that it annotates."""
    target: Target
    check: bool
    """Keep cases out that have errors."""


def write_case(job: Job) -> dict[str, Any]:
    """Write one case, or say why it is left out.

    Returns
    -------
    dict
        ``files`` (name below the root to SHA-256), ``voxels`` (count by label), ``spacing_mm``, ``shape`` and
        ``same`` (a hash of the first image's voxels), or ``excluded`` with the reason.

    Raises
    ------
    FormatError
        A file is not what it should be.
    """
    image = job.images[0].volume
    reason = _reason_against(job, image)
    if reason is not None:
        return {"excluded": reason}
    mask = _labelled(job, image)
    files = job.target.write_case(job.id, job.images, mask)
    counts = np.bincount(mask.array.ravel(order="K"), minlength=len(job.target.labels) + 1)
    voxels = {label: int(counts[n]) for n, label in enumerate(job.target.labels, start=1) if label in job.parts}
    return {
        "files": files,
        "voxels": voxels,
        "shape": list(image.shape),
        "spacing_mm": list(image.spacing_mm or ()),
        "same": voxel_hash(image.array),
    }


def _reason_against(job: Job, image: Volume) -> str | None:
    """Return why a case can't be used, or None."""
    for other in job.images[1:]:
        apart = difference(image, other.volume)
        if apart:
            return f"the image {other.name}: {apart}".replace("the mask", "it")
    apart = difference(image, job.mask.header())
    if apart:
        return apart
    if not job.check:
        return None
    if image.array.dtype.kind == "f" and not np.isfinite(image.array).all():
        return "the image holds values that are not finite"
    if image.array.size and image.array.min() == image.array.max():
        return f"the image is constant ({image.array.flat[0]})"
    strange = strange_values(job.mask)
    return f"the mask holds values that its label map does not know: {strange}" if strange else None


def strange_values(mask: Mask) -> str | None:
    """Return the values of an index mask that are not in its map, in words, or None."""
    if mask.kind != "index" or set(mask.images) != {""} or mask.read_segments is not None:
        return None
    known = {0, *values_of(mask.labels)} if mask.labels else None
    there = np.unique(mask.volume.array)
    odd = [v for v in there.tolist() if known is not None and v not in known]
    return ", ".join(f"{v:g}" for v in odd[:8]) or None


def _labelled(job: Job, image: Volume) -> Volume:
    """Return the mask of the result: labels of the recipe, and what training must ignore."""
    numbers = {label: n for n, label in enumerate(job.target.labels, start=1)}
    values = {numbers[label]: parts for label, parts in job.parts.items()}
    mask = job.mask.to_index(values)
    array = mask.array
    if len(job.parts) < len(job.target.labels) and job.target.ignore:
        array[array == 0] = job.target.ignore_value
    axes = image.axes[: array.ndim]
    return Volume(array, axes, image.affine, image.spacing_mm)


def voxel_hash(array: np.ndarray) -> str:
    """Return a hash of shape and values that is the same for every type that holds the same values."""
    if array.dtype.kind == "f":
        plain = np.ascontiguousarray(array.T, dtype="<f8" if array.dtype.itemsize > 4 else "<f4")
        whole = plain.astype("<i8") if np.isfinite(plain).all() else plain
        plain = whole if whole is not plain and np.array_equal(whole, plain) else plain
    else:
        plain = np.ascontiguousarray(array.T)
    if plain.dtype.kind in "iub":
        low, high = (int(plain.min()), int(plain.max())) if plain.size else (0, 0)
        plain = plain.astype("<i2" if low >= -32768 and high < 32768 else "<i8")
    told = hashlib.sha256(f"{array.shape} {plain.dtype.str}".encode())
    told.update(plain.data)
    return told.hexdigest()
