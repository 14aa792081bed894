"""Reading the items of a sequence: of `dicom_tags.SEQUENCES` at the top, of `dicom_tags.GROUPS` inside.

Encoding: PS3.5 7.5. Only attributes of `dicom_tags.IN_ITEMS` are kept, as bytes. Every length is held against
the bytes that are there, and the number of items against what the caller expects, so that a damaged file can't
ask for more memory than a sound one.
"""

from __future__ import annotations

import math
import struct

from medshelf.errors import FormatError, Truncated
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.header import FileHeader
from medshelf.formats.dicom.walk import (
    DEPTH,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    VALUE_LIMIT,
    Cursor,
    Odd,
    read_element,
    skip_sequence,
    step,
)

Item = dict[int, "bytes | list[Item]"]
"""An item: values as bytes, sequences as lists of items."""


def read_items(header: FileHeader, tag: int, most: int) -> list[Item]:
    """Read the items of a sequence; none where the file has no such sequence.

    Parameters
    ----------
    header : FileHeader
    tag : int
        One of `dicom_tags.SEQUENCES`.
    most : int
        More items than this are an error.

    Raises
    ------
    FormatError, Truncated
        The sequence is damaged or cut, or has too many items.
    """
    place = header.sequences.get(tag)
    if place is None:
        return []
    offset, length, explicit = place
    source = header.open_data()
    try:
        cursor = Cursor(source, header.blob.name)
        cursor.move(offset)
        order = "<" if header.little else ">"
        return _items(cursor, order, explicit, _end(cursor, length), most, 0)
    except Odd as error:
        raise FormatError(
            "a sequence of the header is damaged",
            where=header.blob.name,
            why=f"({tag >> 16:04X},{tag & 0xFFFF:04X}) at byte {offset:,}",
            hint="Fetch the file again",
        ) from error
    finally:
        source.close()


def _end(cursor: Cursor, length: int) -> int | None:
    """Where a value ends; None where a delimiter says."""
    if length == UNDEFINED:
        return None
    if not cursor.source.reaches(cursor.place + length):
        why = f"it would reach to byte {cursor.place + length:,}"
        raise Truncated("the header ends in the middle of a sequence", where=cursor.name, why=why)
    return cursor.place + length


def _items(
    cursor: Cursor, order: str, explicit: bool, end: int | None, most: int, depth: int
) -> list[Item]:
    if depth > DEPTH:
        raise FormatError(f"sequences are nested deeper than {DEPTH}", where=cursor.name)
    found: list[Item] = []
    while end is None or cursor.place < end:
        tag, _, length = read_element(cursor, order, explicit)
        if tag == SEQUENCE_END and end is None:
            break
        if tag != ITEM:
            raise Odd
        if len(found) == most:
            raise FormatError("a sequence has more items than it should", where=cursor.name, why=f"over {most}")
        found.append(_item(cursor, order, explicit, _end(cursor, length), depth))
    return found


def _item(cursor: Cursor, order: str, explicit: bool, end: int | None, depth: int) -> Item:
    item: Item = {}
    while end is None or cursor.place < end:
        tag, vr, length = read_element(cursor, order, explicit)
        if tag == ITEM_END and end is None:
            break
        if tag in tags.GROUPS:
            inside = explicit and vr != b"UN"
            item[tag] = _items(cursor, order, inside, _end(cursor, length), 1, depth + 1)
        elif length == UNDEFINED:
            skip_sequence(cursor, order, explicit and vr != b"UN", depth + 1)
        elif tag in tags.IN_ITEMS and length <= VALUE_LIMIT:
            item[tag] = _value(cursor, length)
        else:
            step(cursor, length)
    return item


def _value(cursor: Cursor, length: int) -> bytes:
    cursor.need(length)
    value = cursor.buffer[cursor.position : cursor.position + length]
    step(cursor, length)
    return value


def double(value: object, little: bool) -> float | None:
    """Return the number of an FD value, or None where it is absent or not finite."""
    if not isinstance(value, bytes) or len(value) < 8:
        return None
    found = struct.unpack(("<" if little else ">") + "d", value[:8])[0]
    return found if math.isfinite(found) else None


def unsigned(value: object, little: bool) -> tuple[int, ...]:
    """Return the numbers of a UL value, none where it is absent."""
    if not isinstance(value, bytes):
        return ()
    count = len(value) // 4
    return struct.unpack(("<" if little else ">") + f"{count}I", value[: 4 * count])
