"""What a trainer takes from a sample: stacked channels, one integer mask, targets. Plain arrays, no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medshelf.errors import FormatError, NotFound
from medshelf.model.labels import values_of
from medshelf.model.volume import Volume
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.sample import Sample


@dataclass(frozen=True)
class Selection:
    """Which parts of every sample to hand on."""

    channels: tuple[str, ...] = ()
    """Images by name, in order; empty: all of them."""
    annotation: str | None = None
    """The mask by name; None: the only one, if there is one."""
    labels: Mapping[str, int] | None = None
    """Value by structure in the mask that is handed on; None: as stored, or 1, 2, … in the declared order."""


@dataclass(frozen=True)
class Item:
    """One sample as arrays."""

    case: str
    image: np.ndarray | None
    """(C, I, J, K) or (C, Y, X), channels first; None for samples without an image."""
    label: np.ndarray | None
    """(1, I, J, K) or (1, Y, X) integers; None when there is no mask."""
    affine: np.ndarray | None
    """(4, 4) voxel index to RAS+ mm."""
    targets: dict[str, Any]


def item(sample: Sample, selection: Selection) -> Item:
    """Read what `selection` names from a sample.

    Raises
    ------
    FormatError
        Channels lie on different grids, so they can't be stacked.
    NotFound
        A channel or mask is not there, or several are and none was named.
    """
    names = selection.channels or sample.channels
    volumes = [sample.images[name].volume for name in names]
    mask = _mask(sample, selection)
    label = None if mask is None else _label(mask, selection)[None]
    affine = volumes[0].affine if volumes else None
    return Item(sample.case, _stack(sample, names, volumes), label, affine, dict(sample.targets))


def _stack(sample: Sample, names: Sequence[str], volumes: Sequence[Volume]) -> np.ndarray | None:
    if not volumes:
        return None
    arrays = [_channels_first(v) for v in volumes]
    shapes = {a.shape[1:] for a in arrays}
    if len(shapes) > 1:
        told = ", ".join(f"{n} {a.shape[1:]}" for n, a in zip(names, arrays, strict=True))
        raise FormatError(
            "the channels of a case differ in shape", where=f"{sample.dataset} {sample.case}", why=told,
            hint="Name the channels that belong together",
        )  # fmt: skip
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _channels_first(volume: Volume) -> np.ndarray:
    array = volume.array
    if volume.axes[-1] in "ct" and array.ndim > 2:
        return np.moveaxis(array, -1, 0)
    return array[None]


def _mask(sample: Sample, selection: Selection) -> Mask | None:
    if selection.annotation is not None:
        found: Mask | Annotation = sample.annotations[selection.annotation]
        if not isinstance(found, Mask):
            raise NotFound(f"{selection.annotation} is no mask", where=sample.case)
        return found
    masks = [a for a in sample.annotations.values() if isinstance(a, Mask)]
    if len(masks) > 1:
        names = ", ".join(m.name for m in masks)
        raise NotFound("a case has several masks", where=sample.case, hint=f"Name one as annotation: {names}")
    return masks[0] if masks else None


def _label(mask: Mask, selection: Selection) -> np.ndarray:
    if selection.labels is not None:
        return mask.to_index({value: name for name, value in selection.labels.items()}).array
    if mask.kind in ("index", "instance") and set(mask.images) == {""} and mask.read_segments is None:
        return mask.volume.array
    values = values_of(mask.labels) if mask.kind == "index" else {}
    order = [s for s in mask.structures if s not in values.values()]
    return mask.to_index(dict(enumerate(order, start=1))).array
