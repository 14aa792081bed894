"""Phantoms: small asymmetric arrays in which every label has a place of its own.

They look like nothing in a body. What they are for: a flipped, transposed or shifted reading of one is not
equal to the right one, and every label that a layout declares occurs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from medshelf.model.labels import bands_of, colours_of, values_of

VOLUME_SHAPE = (30, 26, 18)
"""Voxels of a volume: unequal on purpose."""
PICTURE_SHAPE = (48, 64)
"""Rows and columns of a picture."""
SPACING_MM = (0.9, 0.8, 2.5)
_CELL = 3


def affine_ras(number: int) -> np.ndarray:
    """Return the affine of the phantom of case `number`: axes to the left, posterior and superior side."""
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    affine[:3, 3] = (12.5 + number, 8.25, -40.0 - 3 * number)
    return affine


def cells(shape: Sequence[int]) -> list[tuple[slice, ...]]:
    """Return disjoint cubes of a grid, one for each label, from a point off the centre outwards."""
    starts = [range(1, n - _CELL, _CELL) or range(1) for n in shape]
    grid = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, len(shape))
    centre = np.array([n * (0.45 + 0.04 * axis) for axis, n in enumerate(shape)])
    apart = (((grid - centre) / np.array(shape)) ** 2).sum(axis=1)
    order = np.argsort(apart + np.random.default_rng(7).uniform(0, 0.02, len(grid)), kind="stable")
    return [tuple(slice(int(s), int(s) + _CELL - 1) for s in grid[n]) for n in order]


def picture(shape: Sequence[int], number: int, n_labels: int, *, ct: bool = False, channel: str = "") -> np.ndarray:
    """Return an image: a body that is brighter to one side, cubes where labels are, fixed noise.

    Parameters
    ----------
    shape : sequence of int
        Two or three axes.
    number : int
        Number of the case; different numbers give different images.
    n_labels : int
        Number of cubes to draw.
    ct : bool
        Hounsfield-like int16 values; uint8-like values otherwise.
    channel : str
        Name of the channel; images of different channels differ.
    """
    rng = np.random.default_rng([1000 + number, *channel.encode()])
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    body = sum((x / (0.95 - 0.1 * a)) ** 2 for a, x in enumerate(axes)) < 1
    slope = sum((a + 1) * x for a, x in enumerate(axes))
    air, tissue, noise = (-1000, 40, 6) if ct else (10, 110, 3)
    image = np.where(body, tissue + 10 * slope, air) + rng.normal(0, noise, size=tuple(shape))
    for n, cell in enumerate(cells(shape)[:n_labels]):
        image[cell] += 15 + 2 * (n % 20)
    return image.round().astype(np.int16) if ct else np.clip(image.round(), 0, 255).astype(np.uint8)


def labels_array(shape: Sequence[int], values: Iterable[int]) -> np.ndarray:
    """Return an integer mask with a cube for every value; 0 elsewhere."""
    values = list(values)
    low, high = min(values, default=0), max(values, default=0)
    dtype = np.uint8 if low >= 0 and high < 256 else np.int16 if high < 32768 else np.int32
    array = np.zeros(tuple(shape), dtype)
    for value, cell in zip(values, cells(shape), strict=False):
        array[cell] = value
    return array


def one_cell(shape: Sequence[int], number: int) -> np.ndarray:
    """Return a mask (0 or 1) of one cube."""
    array = np.zeros(tuple(shape), np.uint8)
    places = cells(shape)
    array[places[number % len(places)]] = 1
    return array


def mask(shape: Sequence[int], kind: str, labels: dict[str, str], *, member: int = 0) -> np.ndarray:
    """Return a mask as a layout's `kind` says it is stored, with every declared label in it."""
    if kind == "binary":
        return one_cell(shape, member)
    if kind == "probability":
        return one_cell(shape, member).astype(np.float32)
    if kind == "instance":
        return labels_array(shape, range(1, max(3, len(labels)) + 1))
    if kind == "bands":
        return labels_array(shape, [(b.first + b.last) // 2 for b in bands_of(labels)])
    if kind == "colour":
        array = np.zeros((*shape, 3), np.uint8)
        for colour, cell in zip(colours_of(labels), cells(shape), strict=False):
            array[cell] = colour
        return array
    if kind == "bits":
        bits = np.zeros(tuple(shape), np.uint32 if max(values_of(labels), default=0) > 7 else np.uint8)
        for n, bit in enumerate(values_of(labels)):
            bits |= one_cell(shape, n).astype(bits.dtype) << bit
        return bits
    values = [v for v in values_of(labels) if v != 0]
    if kind in ("channels", "instance-channels"):
        n_channels = max(values_of(labels), default=0) + 1
        return np.stack([one_cell(shape, n) for n in range(n_channels)], -1)
    return labels_array(shape, values)
