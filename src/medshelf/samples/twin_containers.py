"""Write the files of a twin that hold several arrays or frames: NumPy, HDF5 and MATLAB containers, and films."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medshelf import formats
from medshelf.layout.twin import TwinFile
from medshelf.layout.twin_rows import ROWS
from medshelf.model.layout import Layout, Slot
from medshelf.model.volume import Volume
from medshelf.samples import phantom

FRAMES = 5
"""Frames of an invented film."""
_ANY_NAME = "data"
"""Name of an array where the layout names none."""


def write_container(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write the array of a slot, into a file of its own or beside those of other slots."""
    as_rows = layout.rows is not None and group[0].slot in layout.rows.slots
    for file, path in zip(group, paths, strict=True):
        array = _target(path) if slot.role == "target" else _array(layout, slot, file, path, as_rows)
        _save(path, slot.array or _ANY_NAME, array)


def _target(path: Path) -> np.ndarray:
    """Return one class for each row: its name where NumPy holds it, else its number."""
    numbers = np.arange(ROWS, dtype=np.uint8) % 2
    return np.array([f"class{n}" for n in numbers]) if path.suffix.lower() in (".npy", ".npz") else numbers


def _array(layout: Layout, slot: Slot, file: TwinFile, path: Path, as_rows: bool) -> np.ndarray:
    from medshelf.samples.twin_files import volume_of

    flat = Path("x.png") if as_rows or (slot.axes or "").startswith("y") else path
    one = volume_of(layout, slot, file, flat).array
    return np.stack([one] * ROWS) if as_rows else one


def _save(path: Path, key: str, array: np.ndarray) -> None:
    ending = path.suffix.lower()
    if ending == ".npz":
        held: dict[str, np.ndarray] = {}
        if path.exists():
            with np.load(path) as there:
                held = dict(there)
        np.savez_compressed(path, **{**held, key: array})  # type: ignore[arg-type]
    elif ending == ".npy":
        np.save(path, array, allow_pickle=False)
    else:
        module = formats.format_named("matlab" if ending == ".mat" else "hdf5")
        write = module.add if path.exists() else module.write
        write(path, Volume(array, "n" * array.ndim), key)


def write_film(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Write a film of a few frames, each of them another picture."""
    from medshelf.formats import video
    from medshelf.samples.twin_files import channel_of

    for file, path in zip(group, paths, strict=True):
        channel = channel_of(layout, slot, file)
        shape, first = phantom.PICTURE_SHAPE, file.number
        frames = [phantom.picture(shape, first + 7 * n, 0, channel=channel) for n in range(FRAMES)]
        video.write(path, Volume(np.repeat(np.stack(frames)[..., None], 3, axis=-1), "tyxc"))
