"""The closed list of array operations that a layout may ask for, applied in order, as stored.

They put right what a release stores oddly (slices in reverse, rotated masks, an offset), so the affine
stays what the header says, unless `geometry` says otherwise; only operations that remove an axis change
what the axes mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medshelf.errors import LayoutError
from medshelf.model.geometry import affine_of
from medshelf.model.volume import Volume


def flip(volume: Volume, axes: Sequence[int]) -> Volume:
    """Reverse the order along axes."""
    return replace(volume, array=np.flip(volume.array, tuple(axes)))


def rot90(volume: Volume, how: Sequence[int]) -> Volume:
    """Rotate by ``times`` quarter turns in the plane of two axes: ``[times, axis, axis]``."""
    times, first, second = how
    return replace(volume, array=np.rot90(volume.array, times, (first, second)))


def transpose(volume: Volume, order: Sequence[int]) -> Volume:
    """Permute the axes."""
    return replace(volume, array=volume.array.transpose(tuple(order)))


def squeeze(volume: Volume, axes: Sequence[int] | str) -> Volume:
    """Remove axes of length one; ``"trailing"`` those after the third, where there are any."""
    if axes == "trailing":
        axes = [n for n in range(3, volume.array.ndim) if volume.array.shape[n] == 1]
    chosen = tuple(int(n) for n in axes)
    kept = "".join(a for n, a in enumerate(volume.axes) if n not in chosen)
    return replace(volume, array=np.squeeze(volume.array, chosen), axes=kept)


def take(volume: Volume, how: Sequence[int]) -> Volume:
    """Take one index of an axis: ``[axis, index]``."""
    axis, index = how
    if not -volume.array.shape[axis] <= index < volume.array.shape[axis]:
        raise LayoutError(f"there is no index {index} on axis {axis} of length {volume.array.shape[axis]}")
    place = axis % volume.array.ndim
    kept = volume.axes[:place] + volume.axes[place + 1 :]
    slices = (slice(None),) * place + (index,)
    return replace(volume, array=volume.array[slices], axes=kept)


def offset(volume: Volume, amount: float) -> Volume:
    """Add a number; integers stay integers of a type that holds the result."""
    return replace(volume, array=_wide(volume.array) + amount)


def scale(volume: Volume, factor: float) -> Volume:
    """Multiply by a number, in float32."""
    return replace(volume, array=volume.array.astype(np.float32) * np.float32(factor))


def threshold(volume: Volume, least: float) -> Volume:
    """Make a mask of what is at least `least` (uint8, 0 or 1)."""
    return replace(volume, array=(volume.array >= least).astype(np.uint8))


def astype(volume: Volume, dtype: str) -> Volume:
    """Change the type, refusing values that it can't hold."""
    changed = volume.array.astype(dtype)
    if not np.array_equal(changed, volume.array):
        raise LayoutError(f"values do not fit the type {dtype}", why="the layout asks for astype")
    return replace(volume, array=changed)


def renumber(volume: Volume, values: Mapping[str, int]) -> Volume:
    """Exchange whole numbers, all at once; a value that is not listed stays. The type grows where it must."""
    array = volume.array
    if array.dtype.kind not in "iub":
        raise TypeError("only whole numbers can be exchanged")
    changed = array.astype(np.result_type(array.dtype, *(np.min_scalar_type(n) for n in values.values())))
    for old, new in values.items():
        changed[array == int(old)] = new
    return replace(volume, array=changed)


def nearest(volume: Volume, wanted: Sequence[int | str]) -> Volume:
    """Give every voxel the nearest of some values, or of some colours (``"#rrggbb"``, by distance in RGB).

    For masks that were saved with loss (JPEG) or resampled. Where two are equally near, the first listed counts.
    """
    colours = [w for w in wanted if isinstance(w, str)]
    if len(colours) not in (0, len(wanted)):
        raise TypeError("values and colours can't be mixed")
    if not colours:
        choice = np.asarray(wanted)
        found = _nearest_of(volume.array[..., None], choice[:, None])
        dtype = np.result_type(*(np.min_scalar_type(int(value)) for value in choice))
        return replace(volume, array=choice.astype(dtype)[found])
    palette = np.array([[int(c[n : n + 2], 16) for n in (1, 3, 5)] for c in colours], np.uint8)
    return replace(volume, array=palette[_nearest_of(volume.array[..., :3], palette)])


def _nearest_of(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return which of `places` (P, D) is nearest to each of `points` (..., D), one place at a time."""
    best = np.zeros(points.shape[:-1], np.uint8 if len(places) < 256 else np.intp)
    least = np.full(points.shape[:-1], np.inf, np.float32)
    for n, place in enumerate(places.astype(np.float32)):
        apart = ((points.astype(np.float32) - place) ** 2).sum(axis=-1)
        closer = apart < least
        best[closer] = n
        least[closer] = apart[closer]
    return best


def geometry(volume: Volume, said: str | Mapping[str, Any]) -> Volume:
    """Put right what a header says of its place: ``"unknown"``, or what is known instead.

    Parameters
    ----------
    volume : Volume
    said : str or mapping
        ``"unknown"`` drops the affine and spacing, after which a mask takes the place of its image.
        ``{"spacing_mm": [...], "orientation": "LPS"}`` states the distance along each axis and, where it is known,
        to which side the axes grow; the origin is then at the first voxel, and ``meta["origin"]`` says
        ``"unknown"``.
    """
    bare = replace(volume, affine=None, spacing_mm=None)
    if said == "unknown":
        return bare
    if not isinstance(said, Mapping) or set(said) - {"spacing_mm", "orientation"} or "spacing_mm" not in said:
        raise TypeError('geometry is "unknown", or spacing_mm and perhaps orientation')
    spacing = tuple(float(n) for n in said["spacing_mm"])
    if "orientation" not in said:
        return replace(bare, spacing_mm=spacing)
    affine = affine_of(said["orientation"], spacing)
    return replace(bare, affine=affine, spacing_mm=spacing, meta={**volume.meta, "origin": "unknown"})


def _wide(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "iub":
        return array
    return array.astype(np.int32 if array.dtype.itemsize < 4 else np.int64)


OPERATIONS: Mapping[str, Callable[[Volume, Any], Volume]] = {
    "flip": flip, "rot90": rot90, "transpose": transpose, "squeeze": squeeze, "take": take,
    "offset": offset, "scale": scale, "threshold": threshold, "astype": astype,
    "map": renumber, "nearest": nearest, "geometry": geometry,
}  # fmt: skip


_PLACES = frozenset({"flip", "rot90", "transpose", "squeeze", "take", "geometry"})


def keep_values(operations: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if operations move voxels and put headers right, but neither look at values nor change their type."""
    return all(name in _PLACES for operation in operations for name in operation)


def apply(volume: Volume, operations: Sequence[Mapping[str, Any]]) -> Volume:
    """Apply operations such as ``{"flip": [0]}`` in order.

    Raises
    ------
    LayoutError
        An operation is not on the list, or does not fit the array.
    """
    for step in operations:
        for name, argument in step.items():
            if name not in OPERATIONS:
                raise LayoutError(f"there is no operation {name!r}", hint=f"Known: {', '.join(OPERATIONS)}")
            try:
                volume = OPERATIONS[name](volume, argument)
            except (ValueError, IndexError, TypeError, OverflowError) as error:
                raise LayoutError(
                    f"the operation {name} = {argument!r} does not fit an array of shape {volume.array.shape}",
                    why=str(error),
                ) from error
    return volume
