"""What an HDF5 dataset may ask of memory and of the file system, decided before anything of it is read.

Sizes come from a header that may say anything. HDF5 fills what was never written with a constant, inflates
a chunk to whatever size it has, and opens other files where a dataset says so; none of it is wanted here.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

from medshelf.errors import FormatError, Truncated, Unsupported, need
from medshelf.formats.pixel_limit import LIMIT_BYTES, check_decoded_size
from medshelf.model.blob import Blob

_RATIO = 1032
"""Most bytes to which deflate unfolds one (RFC 1951)."""
_HARMLESS_BYTES = 64 << 20
"""A chunk that can't unfold to more than this need not be looked into."""
_PIECE = 1 << 20
_DEFLATE = 1
"""Number of the deflate filter (H5Z_FILTER_DEFLATE)."""
_ITEMS = "Read it item by item: read_item(blob, index, key)"


def refuse_other_files(dataset: Any, where: str) -> None:
    """Refuse a dataset whose values lie in other files; nothing but its creation properties is looked at.

    Raises
    ------
    Unsupported
        It is virtual, or stored externally.
    """
    h5py: Any = need("h5py", "hdf5")
    made = dataset.id.get_create_plist()
    virtual = made.get_layout() == h5py.h5d.VIRTUAL
    if virtual or made.get_external_count():
        kind = "a virtual dataset" if virtual else "stored in other files"
        raise Unsupported(
            f"the array is {kind}",
            where=where,
            why="a file that is read may not lead to other files",
            hint="Copy the array into one file, for example with h5repack",
        )


def check_whole(dataset: Any, blob: Blob, where: str) -> None:
    """Refuse to read a whole dataset that is not all there, or far larger than its file.

    Raises
    ------
    Truncated
        The shape asks for more than is stored.
    Unsupported
        More than 1 GiB of values in a far smaller file.
    FormatError
        A chunk unfolds to more than its size.
    """
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    if dataset.chunks is None:
        _contiguous(dataset, size, where)
    else:
        found = _survey(dataset, blob, where)
        check_decoded_size(size, found, where, most_per_byte=_RATIO if _filtered(dataset) else 1, hint=_ITEMS)
    check_decoded_size(size, blob.size_bytes, where, hint=_ITEMS)


def check_part(dataset: Any, chunks: list[tuple[int, ...]], where: str) -> None:
    """Refuse to read from chunks that take more memory than a part should.

    Parameters
    ----------
    dataset : h5py.Dataset
        Any.
    chunks : list of tuple of int
        The first element of each chunk that is to be read; ignored where there are none.
    where : str
        The array, for messages.

    Raises
    ------
    Truncated, FormatError, Unsupported
        As `check_whole`.
    """
    if dataset.chunks is None:
        _contiguous(dataset, math.prod(dataset.shape) * dataset.dtype.itemsize, where)
        return
    _check_chunk_size(dataset, where)
    for place in chunks:
        info = dataset.id.get_chunk_info_by_coord(place)
        if not info.size:
            raise _unwritten(where, "the chunk of this item")
        _check_chunk(dataset, info, where)


def _contiguous(dataset: Any, size: int, where: str) -> None:
    found = dataset.id.get_storage_size()
    if size > found:
        raise _unwritten(where, f"{found:,} of {size:,} bytes are stored")


def _survey(dataset: Any, blob: Blob, where: str) -> int:
    """Look at every chunk; the bytes that they take."""
    _check_chunk_size(dataset, where)
    expected = math.prod(-(-n // c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
    infos: list[Any] = []
    if expected > blob.size_bytes:  # a chunk takes at least one byte
        raise _unwritten(where, f"{expected:,} chunks in a file of {blob.size_bytes:,} bytes")
    dataset.id.chunk_iter(infos.append)
    if len(infos) < expected:
        raise _unwritten(where, f"{len(infos):,} of {expected:,} chunks are stored")
    for info in infos:
        _check_chunk(dataset, info, where)
    return sum(info.size for info in infos)


def _check_chunk_size(dataset: Any, where: str) -> None:
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if size > LIMIT_BYTES:
        raise Unsupported("the chunks of the array are too large", where=where, why=f"{size:,} bytes each")


def _check_chunk(dataset: Any, info: Any, where: str) -> None:
    """Refuse a chunk that holds too little, or inflates to more than a chunk."""
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if size > info.size * (_RATIO if _filtered(dataset) else 1) + _PIECE:
        raise _unwritten(where, f"a chunk of {size:,} bytes is stored in {info.size:,}")
    if _DEFLATE not in _filters(dataset) or info.size * _RATIO <= max(2 * size, _HARMLESS_BYTES):
        return
    _, raw = dataset.id.read_direct_chunk(info.chunk_offset)
    engine, found = zlib.decompressobj(), 0
    try:
        while raw and not engine.eof and found <= 2 * size:
            found += len(engine.decompress(raw, _PIECE))
            raw = engine.unconsumed_tail
    except zlib.error as error:
        raise FormatError("a chunk of the array is damaged", where=where, why=str(error)) from error
    if found > 2 * size:
        what = "a chunk of the array inflates to more than its size"
        raise FormatError(what, where=where, why=f"over {2 * size:,} bytes")


def _filters(dataset: Any) -> list[int]:
    made = dataset.id.get_create_plist()
    return [made.get_filter(n)[0] for n in range(made.get_nfilters())]


def _filtered(dataset: Any) -> bool:
    return bool(_filters(dataset))


def _unwritten(where: str, why: str) -> Truncated:
    return Truncated(
        "the array is not all there",
        where=where,
        why=why,
        hint="The file is cut, or its writer never finished; HDF5 would make up the rest",
    )
