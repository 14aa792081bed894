"""Filling the array of a volume from its slices: plain ones are read straight into it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.dicom.bytes import Source
from medshelf.formats.dicom.codecs import check_syntax
from medshelf.formats.dicom.header import DEFLATED
from medshelf.formats.dicom.pixels import is_plain, read_plain, read_stored, stored_dtype
from medshelf.formats.dicom.slice import Slice, check_pixels, frame_bytes
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
    files = list({id(one.file): one.file for one in slices}.values())
    for one in files:
        check_pixels(one)
        check_syntax(one)
    needed = sum(frame_bytes(one) * one.frames for one in files)
    on_disk = sum(one.header.blob.size_bytes for one in files) if needed > _ALWAYS_BYTES else needed
    if needed > max(_ALWAYS_BYTES, _COMPRESSED_RATIO * on_disk):
        raise FormatError(
            "the volume would be larger than its files can hold",
            where=slices[0].header.blob.name,
            why=f"{needed:,} bytes from {len(files)} files of {on_disk:,}",
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
    workers = max_workers or min(4, os.cpu_count() or 1)
    jobs = _jobs(every, targets, workers)
    scratch = threading.local()
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            _fill_from(job, scratch)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(_fill_from, jobs, repeat(scratch)))
    return array


_Job = list[tuple[Slice, np.ndarray]]  # images of one file, and where each goes


def _jobs(every: Sequence[Slice], targets: np.ndarray, workers: int) -> list[_Job]:
    """Share out the work: a file is opened once, or once a thread where many frames lie in a local one."""
    of_file: dict[int, _Job] = {}
    for one, target in zip(every, targets, strict=True):
        of_file.setdefault(id(one.file), []).append((one, target))
    jobs: list[_Job] = []
    for job in of_file.values():
        job.sort(key=lambda item: item[0].number)
        one = job[0][0]
        whole = one.corner is not None or one.header.blob.path is None or one.header.syntax == DEFLATED
        size = len(job) if whole else -(-len(job) // workers)
        jobs += [job[n : n + size] for n in range(0, len(job), size)]
    return jobs


def _fill_from(job: _Job, scratch: threading.local) -> None:
    """Read the images of one file into their places."""
    first = job[0][0]
    if first.corner is not None:
        mosaic = read_stored(first.file)
        for one, target in job:
            row, column = one.corner or (0, 0)
            rescale_into(mosaic[row : row + one.rows, column : column + one.columns], one, target)
        return
    source = first.header.open_data()
    try:
        for one, target in job:
            _fill_one(one, target, source, scratch)
    finally:
        source.close()


def _fill_one(one: Slice, target: np.ndarray, source: Source, scratch: threading.local) -> None:
    """Read one image into its place."""
    stored = stored_dtype(one)
    if not is_plain(one):
        rescale_into(read_stored(one, source), one, target)
    elif target.dtype.kind in "iu" and target.dtype.itemsize == stored.itemsize:
        read_plain(one, target.view(stored), source)
        rescale_in_place(target, one)
    else:
        kept = getattr(scratch, "array", None)
        if kept is None or kept.dtype != stored or kept.shape != target.shape:
            kept = scratch.array = np.empty(target.shape, stored)
        read_plain(one, kept, source)
        rescale_into(kept, one, target)
