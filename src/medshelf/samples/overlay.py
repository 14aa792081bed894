"""A mask as one array of small numbers, each with a name: what a picture of it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from medshelf.model.labels import State
from medshelf.samples.annotation import Mask

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """What a mask marks, as it would be painted: where structures overlap, the later one lies on top."""

    array: np.ndarray
    """(I, J, K) or (Y, X) uint16: 0 for nothing, else the number of an entry."""
    names: Mapping[int, str]
    """Structure, or instance of one, by number."""
    affine: np.ndarray | None
    """(4, 4) voxel index to RAS+ mm of the mask, or None."""
    instances: str | None = None
    """The one structure of which every number is an instance."""

    def counts(self) -> dict[int, int]:
        """Return voxels by number, of those that occur."""
        total = np.zeros(1 << 16, np.int64)
        flat = self.array.ravel(order="K")
        for start in range(0, flat.size, _CHUNK):
            total += np.bincount(flat[start : start + _CHUNK], minlength=1 << 16)
        return {int(n): int(total[n]) for n in np.flatnonzero(total) if n != 0}


def overlay_of(mask: Mask) -> Overlay:
    """Paint a mask.

    Parameters
    ----------
    mask : Mask
        Of any kind. The files of a mask with one file a structure are read one by one, and not kept.

    Raises
    ------
    FormatError
        A file of the mask can't be read.
    """
    if mask.kind == "instance" and mask.read_segments is None:
        return _of_instances(mask)
    affine = mask.header().affine if mask.images or mask.read_segments is not None else None
    if mask.kind == "index" and set(mask.images) == {""} and mask.read_segments is None:
        return _of_values(mask)
    names: dict[int, str] = {}
    array: np.ndarray | None = None
    for number, (structure, where) in enumerate(_layers(mask), 1):
        if array is None:
            array = np.zeros(where.shape, np.uint16, order="F" if where.flags.f_contiguous else "C")
        if where.shape == array.shape:
            array[where] = number
            names[number] = structure
    return Overlay(np.zeros((1, 1), np.uint16) if array is None else array, names, affine)


def _layers(mask: Mask) -> Iterator[tuple[str, np.ndarray]]:
    """Yield structure and where it is, one after the other."""
    if mask.read_segments is None and "" not in mask.images:
        for structure, image in mask.images.items():
            volume = image.read()
            yield structure, _one_channel(volume.array, volume.axes) != 0
        return
    axes = "" if mask.read_segments is not None else mask.volume.axes
    for structure in mask.structures:
        if mask.read_segments is None or mask.state(structure) == State.PRESENT:
            where = mask.mask(structure)
            whole = axes.endswith("c") and where.ndim == len(axes)
            yield structure, _one_channel(where, axes) if whole else where


def _of_values(mask: Mask) -> Overlay:
    """Paint a mask of one number for each structure; numbers that nobody declares are named as such."""
    volume = mask.volume
    array = _one_channel(volume.array, volume.axes)
    if array.dtype.kind == "f":
        array = np.rint(np.nan_to_num(array)).astype(np.int32)
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        array = np.clip(array, 0, 0xFFFF)
    array = array.astype(np.uint16, copy=False)
    painted = Overlay(array, {}, volume.affine)
    values = mask.values
    names = {n: values.get(n, f"value {n}, not declared") for n in painted.counts()}
    return Overlay(array, names, volume.affine)


def _of_instances(mask: Mask) -> Overlay:
    structure = next(iter(mask.structures), "instance")
    images = [*mask.images.values(), *mask.union]
    first = images[0].read()
    if len(images) == 1:
        array = _one_channel(first.array, first.axes)
        values = np.unique(array)
        array = np.searchsorted(values, array).astype(np.uint16) if values[0] == 0 else array.astype(np.uint16)
        count = int(array.max(initial=0))
    else:
        array, count = np.zeros(_one_channel(first.array, first.axes).shape, np.uint16), len(images)
        for number, image in enumerate(images, 1):
            volume = first if number == 1 else image.read()
            where = _one_channel(volume.array, volume.axes) != 0
            if where.shape == array.shape:
                array[where] = number
    names = {n: f"{structure} {n}" for n in range(1, count + 1)}
    return Overlay(array, names, first.affine, structure)


def _one_channel(array: np.ndarray, axes: str) -> np.ndarray:
    """Return a mask that is stored as a colour picture as one of single values, without its alpha."""
    if not axes.endswith("c"):
        return array
    return array[..., :3].max(-1) if array.shape[-1] >= 3 else array[..., 0]
