"""Filling the array of a volume from its slices: plain ones are read straight into it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.dicom.codecs import check_syntax
from medshelf.formats.dicom.pixels import is_plain, read_plain, read_stored, stored_dtype
from medshelf.formats.dicom.slice import Slice, check_pixels
from medshelf.formats.dicom.values import rescale_in_place, rescale_into, value_dtype

_COMPRESSED_RATIO = 2000
_ALWAYS_BYTES = 1 << 30


def check_readable(slices: Sequence[Slice]) -> None:
    """Refuse slices whose pixels can't be read, before anything is allocated.

    Raises
    ------
    FormatError, Truncated, Unsupported
        Naming the first file and what is wrong with it.
    """
    for one in slices:
        check_pixels(one)
        check_syntax(one)
    needed = sum(one.rows * one.columns * one.samples * one.bits_allocated // 8 for one in slices)
    on_disk = sum(one.header.blob.size_bytes for one in slices) if needed > _ALWAYS_BYTES else needed
    if needed > max(_ALWAYS_BYTES, _COMPRESSED_RATIO * on_disk):
        raise FormatError(
            "the volume would be larger than its files can hold",
            where=slices[0].header.blob.name,
            why=f"{needed:,} bytes from {len(slices)} files of {on_disk:,}",
        )


def is_colour(one: Slice) -> bool:
    """Return whether the values are RGB."""
    return one.samples == 3 or one.photometric == "PALETTE COLOR"


def fill(volumes: Sequence[Sequence[Slice]], max_workers: int | None) -> np.ndarray:
    """Read all slices into one array.

    Parameters
    ----------
    volumes : (T, K) nested sequence of Slice
        By time, then by position; all of one size and checked with `check_readable`.
    max_workers : int or None
        Threads; None chooses.

    Returns
    -------
    (T, K, rows, columns) or (T, K, rows, columns, 3) array
        In the type of `value_dtype`, C order.
    """
    first = volumes[0][0]
    every = [one for volume in volumes for one in volume]
    shape = (len(volumes), len(volumes[0]), first.rows, first.columns) + ((3,) if is_colour(first) else ())
    try:
        array = np.empty(shape, value_dtype(every))
    except MemoryError as error:
        raise FormatError(
            "the volume does not fit into memory", where=first.header.blob.name, why=f"shape {shape}"
        ) from error
    targets = array.reshape(-1, *shape[2:])
    scratch = threading.local()

    def work(one: Slice, target: np.ndarray) -> None:
        _fill_one(one, target, scratch)

    workers = max_workers or min(4, os.cpu_count() or 1)
    if workers == 1 or len(every) == 1:
        for one, target in zip(every, targets, strict=True):
            work(one, target)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, every, targets))
    return array


def _fill_one(one: Slice, target: np.ndarray, scratch: threading.local) -> None:
    """Read one slice into its place."""
    stored = stored_dtype(one)
    if not is_plain(one):
        rescale_into(read_stored(one), one, target)
    elif target.dtype.kind in "iu" and target.dtype.itemsize == stored.itemsize:
        read_plain(one, target.view(stored))
        rescale_in_place(target, one)
    else:
        kept = getattr(scratch, "array", None)
        if kept is None or kept.dtype != stored or kept.shape != target.shape:
            kept = scratch.array = np.empty(target.shape, stored)
        read_plain(one, kept)
        rescale_into(kept, one, target)
