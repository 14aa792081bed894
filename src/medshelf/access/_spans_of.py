"""Which bytes of an archive hold some of its members, so that only these need to come."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from medshelf.access._index import BLOCK, TAR, Index
from medshelf.access._tar import BLOCK as TAR_HEADER_BYTES

_MOST_BEFORE_BYTES = 30 + 2 * 0xFFFF
"""Most that stands before a member's bytes in a zip: the fixed part, a name and an extra field (APPNOTE 4.3.7)."""
JOINED_BYTES = 32 << 10
"""A gap up to this size is fetched, too, in place of asking twice."""


def can_be_picked(index: Index) -> bool:
    """Return whether members lie by themselves, so that some can be had without the others: in zips and plain tars."""
    return index.codec is None and BLOCK not in index.columns["method"][:1]


def spans_of(index: Index, rows: Iterable[int], archive_bytes: int) -> list[tuple[int, int]]:
    """Return the spans of an archive that hold some members, in order and apart.

    How much stands before the bytes of a zip's member only that place itself says; a span ends where the next member
    begins, or where the longest possible one would. In a tar the header comes along, so that it can be compared.

    Parameters
    ----------
    index : Index
        Of a zip or a plain tar.
    rows : iterable of int
        Rows of the members.
    archive_bytes : int
        Size of the archive.
    """
    offsets, packed = index.columns["offset"], index.columns["packed"]
    begins = sorted(set(offsets))
    found: list[tuple[int, int]] = []
    for start, row in sorted((offsets[row], row) for row in rows):
        if index.columns["method"][row] == TAR:
            stop = start + index.columns["size"][row]
            start = max(0, start - TAR_HEADER_BYTES)
        else:
            after = bisect_right(begins, start)
            following = begins[after] if after < len(begins) else archive_bytes
            stop = min(following, start + _MOST_BEFORE_BYTES + packed[row])
        stop = min(stop, archive_bytes)
        if found and start - found[-1][1] <= JOINED_BYTES:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        elif start < stop:
            found.append((start, stop))
    return found
