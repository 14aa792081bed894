"""Measure voxels quickly: which values there are and how often, how bright, and a digest of them all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from medshelf.errors import LayoutError
from medshelf.model.counting import CHUNK, chunks, count_values, histogram_of
from medshelf.model.volume import Volume

_SAMPLE = 1 << 20
"""Voxels from which the percentiles of wide types are estimated."""
PERCENTILES = (1, 25, 50, 75, 99)


@dataclass(frozen=True, slots=True)
class Intensities:
    """What the voxels of an image are like."""

    minimum: float
    maximum: float
    """Of the finite voxels; both 0 when there are none."""
    percentiles: dict[str, float]
    """By number as text. Exact for integers of up to 16 bits, else of a regular sample of about a million."""
    n_voxels: int
    n_not_finite: int
    whole_numbers: bool
    """All finite voxels are whole numbers."""
    near_zero: float
    """Share of the voxels in 0 ... 60: where air lies when 1024 was added to Hounsfield units."""
    near_water: float
    """Share of the voxels in 940 ... 1140: where soft tissue lies then."""
    digest: str
    """Equal for images that are equal voxel by voxel, whatever their type, header and order in memory."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Which values the voxels of a mask have."""

    counts: dict[int, int] = field(default_factory=dict)
    """Voxels by whole number; for colours by ``red << 16 | green << 8 | blue``, for channels by index."""
    n_voxels: int = 0
    n_fractional: int = 0
    """Voxels that are finite and no whole number."""
    fractions: tuple[float, ...] = ()
    """A few of them."""
    n_not_finite: int = 0
    n_half: int = 0
    """Voxels of at least one half (of 255 in masks of integers): what a probability map calls inside."""
    channels: int = 1
    """Colour channels, where a mask of single values is stored as a colour picture."""
    n_disagree: int = 0
    """Voxels in which these channels differ."""

    @property
    def n_inside(self) -> int:
        """Number of voxels that are not 0."""
        return sum(n for value, n in self.counts.items() if value != 0) + self.n_fractional


def intensities(volume: Volume) -> Intensities:
    """Measure an image; the transparency of a picture is no part of it."""
    if volume.axes.endswith("yxc") and volume.array.shape[-1] in (2, 4):
        volume = replace(volume, array=volume.array[..., :-1])
    array = volume.array
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 2:
        return _from_histogram(volume, array)
    return _from_sample(volume, array)


def contents(volume: Volume, kind: str) -> Contents:
    """Count the values of a mask.

    Parameters
    ----------
    volume : Volume
        The mask as stored.
    kind : str
        How its values stand for structures, as in `medshelf.model.layout.Slot.kind`.

    Raises
    ------
    LayoutError
        A mask of colours without colours.
    """
    array, channels, disagree = volume.array, 1, 0
    if kind in ("channels", "instance-channels"):
        inside = {n: int(np.count_nonzero(array[..., n])) for n in range(array.shape[-1])}
        return Contents(inside, array[..., 0].size)
    if kind == "colour":
        if array.ndim < 3 or array.shape[-1] < 3:
            raise LayoutError("the layout says that this mask is coloured, and it is not", why=f"shape {array.shape}")
        array = _packed(array)
    elif volume.axes.endswith("c"):
        array, disagree = _one_channel(array)
        channels = volume.array.shape[-1]
    if array.dtype.kind == "f":
        return _of_floats(array, channels, disagree)
    counts = count_values(array)
    half = sum(n for value, n in counts.items() if value >= 128)
    return Contents(counts, array.size, n_half=half, channels=channels, n_disagree=disagree)


def _of_floats(array: np.ndarray, channels: int, disagree: int) -> Contents:
    counts: dict[int, int] = {}
    fractions: list[float] = []
    not_finite = fractional = half = 0
    for chunk in chunks(array):
        finite = np.isfinite(chunk)
        not_finite += int(chunk.size - finite.sum())
        chunk = chunk[finite]
        half += int((chunk >= 0.5).sum())
        whole = np.rint(chunk) == chunk
        odd = chunk[~whole]
        fractional += odd.size
        fractions += [float(v) for v in np.unique(odd)[:5]] if len(fractions) < 5 else []
        for value, n in count_values(chunk[whole].astype(np.int64)).items():
            counts[value] = counts.get(value, 0) + n
    return Contents(counts, array.size, fractional, tuple(fractions[:5]), not_finite, half, channels, disagree)


# --- colours -------------------------------------------------------------------------------


def _one_channel(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Return one value a voxel, the largest of its colours without alpha, and how many voxels are coloured."""
    colours = array[..., :3] if array.shape[-1] >= 3 else array[..., :1]
    first = colours[..., 0]
    if all(np.array_equal(first, colours[..., n]) for n in range(1, colours.shape[-1])):
        return first, 0
    differ = (colours != first[..., None]).any(-1)
    return colours.max(-1), int(differ.sum())


def _packed(array: np.ndarray) -> np.ndarray:
    red, green, blue = (array[..., n].astype(np.int32) for n in range(3))
    return (red << 16) | (green << 8) | blue


# --- brightness ----------------------------------------------------------------------------


def _from_histogram(volume: Volume, array: np.ndarray) -> Intensities:
    counts, first = histogram_of(array)
    there = np.flatnonzero(counts)
    if there.size == 0:
        return _nothing(volume)
    below = np.cumsum(counts)
    total = int(below[-1])
    at = {p: int(np.searchsorted(below, p / 100 * (total - 1), side="right")) + first for p in PERCENTILES}
    low, high = int(there[0]) + first, int(there[-1]) + first
    return Intensities(
        low, high, {str(p): float(v) for p, v in at.items()}, total, 0, True,
        _share(counts, first, 0, 60), _share(counts, first, 940, 1140), digest(volume, low, high, True),
    )  # fmt: skip


def _share(counts: np.ndarray, first: int, low: int, high: int) -> float:
    inside = counts[max(0, low - first) : max(0, high - first + 1)].sum()
    return round(float(inside / counts.sum()), 4)


def _from_sample(volume: Volume, array: np.ndarray) -> Intensities:
    low, high, not_finite, whole = np.inf, -np.inf, 0, True
    for chunk in chunks(array):
        if chunk.dtype.kind == "f":
            finite = np.isfinite(chunk)
            if not finite.all():
                not_finite += int(chunk.size - finite.sum())
                chunk = chunk[finite]
            whole = whole and bool((np.rint(chunk) == chunk).all())
        if chunk.size:
            low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    if low > high:
        return _nothing(volume, not_finite)
    flat = array.ravel(order="K")
    some = flat[:: max(1, flat.size // _SAMPLE)].astype(np.float64)
    some = some[np.isfinite(some)]
    at = np.percentile(some, PERCENTILES) if some.size else np.full(len(PERCENTILES), low)
    zero, water = (
        round(float(((some >= a) & (some <= b)).mean()), 4) if some.size else 0.0 for a, b in ((0, 60), (940, 1140))
    )
    percentiles = {str(p): float(v) for p, v in zip(PERCENTILES, at, strict=True)}
    return Intensities(
        low, high, percentiles, array.size, not_finite, whole, zero, water,
        digest(volume, low, high, whole and not not_finite),
    )  # fmt: skip


def _nothing(volume: Volume, not_finite: int = 0) -> Intensities:
    none = {str(p): 0.0 for p in PERCENTILES}
    size = volume.array.size
    return Intensities(0, 0, none, size, not_finite, True, 0.0, 0.0, digest(volume, 0, 0, False))


# --- identity ------------------------------------------------------------------------------


def digest(volume: Volume, low: float, high: float, whole: bool) -> str:
    """Return a SHA-256 (half of it) of shape and voxels in one order and the smallest type that holds them.

    Geometry has no part in it: a scan whose header was lost keeps its digest.

    Parameters
    ----------
    volume : Volume
        The image.
    low, high : float
        Least and largest voxel.
    whole : bool
        All voxels are whole numbers.
    """
    array = volume.array
    dtype = _smallest_type(array.dtype, low, high, whole)
    told = hashlib.sha256(f"{volume.axes[:1]} {array.shape} {dtype}".encode())
    # Volumes lie in memory first axis fastest, pictures last axis fastest: walk along the slow axis.
    slow_first = array if volume.axes[:1] in ("y", "n") else array.T
    per_slab = max(1, array.size // max(1, slow_first.shape[0])) if array.ndim else 1
    step = max(1, CHUNK // per_slab)
    for start in range(0, slow_first.shape[0] if array.ndim else 0, step):
        slab = np.ascontiguousarray(slow_first[start : start + step], dtype=dtype)
        told.update(slab.reshape(-1).view(np.uint8).data)
    return told.hexdigest()[:32]


def _smallest_type(stored: np.dtype, low: float, high: float, whole: bool) -> str:
    if whole:
        for name, least, most in (("<i2", -(2**15), 2**15 - 1), ("<i4", -(2**31), 2**31 - 1)):
            if least <= low and high <= most:
                return name
    if stored.kind == "f":
        return "<f4" if stored.itemsize <= 4 else "<f8"
    return stored.newbyteorder("<").str
