"""Write one case of a build: the part of the work that runs in other processes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medshelf.audit.measure import intensities
from medshelf.cohort.grid import difference
from medshelf.export.nnunet import Target
from medshelf.model.blob import Blob
from medshelf.model.counting import count_values
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
    inputs: tuple[tuple[str, Blob], ...]
    """The files that it is made from: name below the root of its dataset, and bytes."""


def write_case(job: Job) -> dict[str, Any]:
    """Write one case, or say why it is left out.

    Returns
    -------
    dict
        ``inputs`` and ``files`` (name to SHA-256), ``sizes`` of the files in bytes, ``voxels`` (count by label),
        ``spacing_mm``, ``shape`` and ``same`` (a hash of the first image's voxels), or ``excluded`` with the reason.

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
    counts = count_values(mask.array)
    voxels = {label: counts.get(n, 0) for n, label in enumerate(job.target.labels, start=1) if label in job.parts}
    return {
        "inputs": {name: sha256_of(blob) for name, blob in job.inputs},
        "files": files,
        "sizes": {name: (job.target.root / name).stat().st_size for name in files},
        "voxels": voxels,
        "shape": list(image.shape),
        "spacing_mm": list(image.spacing_mm or ()),
        "same": intensities(image).digest,
    }


def sha256_of(blob: Blob) -> str:
    """Return the SHA-256 of a blob's bytes in hexadecimal."""
    with blob.open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _reason_against(job: Job, image: Volume) -> str | None:
    """Return why a case can't be used, or None."""
    for other in job.images[1:]:
        apart = difference(image, other.volume)
        if apart:
            return f"the image {other.name}: {apart}".replace("the mask", "it")
    return difference(image, job.mask.header())


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
