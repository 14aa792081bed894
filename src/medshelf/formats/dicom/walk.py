"""Walking over the elements of a DICOM data set, top level only, without decoding them.

Encoding: PS3.5 section 7.1 (data elements) and 7.5 (sequences). This is the one loop of the reader that
runs a hundred times a file, so it is written for speed: one unpacking an element and no object.
"""

from __future__ import annotations

from struct import Struct

from medshelf.errors import FormatError, Truncated
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.bytes import Source

_CHUNK = 8192
VALUE_LIMIT = 1 << 16
UNDEFINED = 0xFFFFFFFF
"""Length of a sequence, item or encapsulated pixel data that ends with a delimiter."""
PIXEL_GROUP = 0x7FE00000
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
KNOWN_VR = _SHORT | _LONG
DEPTH = 32
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Odd(Exception):
    """The walk lost its way; pydicom may find one."""


Place = tuple[int, int, bool]
"""Of a sequence: the place of its first item, its length or `UNDEFINED`, and whether VRs are explicit in it."""


class Cursor:
    """A window on a source that moves forward."""

    __slots__ = ("base", "buffer", "name", "places", "position", "source", "values")

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.values: dict[int, bytes] = {}
        self.places: dict[int, Place] = {}
        self.move(0)

    def move(self, place: int, count: int = _CHUNK) -> None:
        """Set the window to start at an absolute place; bytes beyond the end read as zeros."""
        if place > self.source.size_bytes:
            raise Truncated(
                "the header ends in the middle",
                where=self.name,
                why=f"an element reaches to byte {place:,} of {self.source.size_bytes:,}",
                hint="Fetch the file again",
            )
        self.base = place
        self.position = 0
        self.buffer = self.source.read_at(place, count)
        if len(self.buffer) < count:
            self.buffer += bytes(11)  # one less than an element's head: a head never lies in it alone

    @property
    def place(self) -> int:
        """The absolute place of the cursor."""
        return self.base + self.position

    def need(self, count: int) -> None:
        """Make sure that the next `count` bytes are in the window, where the source has them."""
        if self.position + count > len(self.buffer):
            self.move(self.place, max(_CHUNK, count))

    def at_end(self) -> bool:
        """Whether no byte is left."""
        return self.place >= self.source.size_bytes


def walk_explicit(cursor: Cursor, order: str, stop: int) -> None:
    """Walk over elements with explicit VR until a tag of `stop` or above, or the end."""
    head, long = Struct(order + "HH2sH").unpack_from, Struct(order + "I").unpack_from
    values, wanted = cursor.values, tags.WANTED
    buffer, position = cursor.buffer, cursor.position
    edge = len(buffer) - 12
    while True:
        if position > edge:
            cursor.move(cursor.base + position)
            if cursor.at_end():
                return
            buffer, position = cursor.buffer, 0
            edge = len(buffer) - 12
        group, element, vr, length = head(buffer, position)
        tag = group << 16 | element
        if tag >= stop:
            cursor.position = position
            return
        if vr in _SHORT:
            value = position + 8
        elif vr in _LONG:
            length = long(buffer, position + 8)[0]
            value = position + 12
            if length == UNDEFINED:
                cursor.position = value
                if tag in wanted:
                    values[tag] = vr
                if tag in tags.SEQUENCES:
                    cursor.places[tag] = (cursor.place, length, vr != b"UN")
                skip_sequence(cursor, order, vr != b"UN", 0)
                buffer, position = cursor.buffer, cursor.position
                edge = len(buffer) - 12
                continue
        else:
            raise Odd
        position = value + length
        if tag in wanted and length:
            if tag in tags.SEQUENCES:
                cursor.places[tag] = (cursor.base + value, length, vr != b"UN")
            elif position <= len(buffer):
                values[tag] = buffer[value:position]
            elif length <= VALUE_LIMIT:
                values[tag] = cursor.source.read_at(cursor.base + value, length)


def walk_implicit(cursor: Cursor) -> None:
    """Walk over elements with implicit VR (always little endian) until the pixels, or the end."""
    head = Struct("<HHI").unpack_from
    values, wanted = cursor.values, tags.WANTED
    buffer, position = cursor.buffer, cursor.position
    edge = len(buffer) - 12
    while True:
        if position > edge:
            cursor.move(cursor.base + position)
            if cursor.at_end():
                return
            buffer, position = cursor.buffer, 0
            edge = len(buffer) - 12
        group, element, length = head(buffer, position)
        tag = group << 16 | element
        if tag >= PIXEL_GROUP:
            cursor.position = position
            return
        value = position + 8
        if length == UNDEFINED:
            cursor.position = value
            if tag in wanted:
                values[tag] = b"SQ"
            if tag in tags.SEQUENCES:
                cursor.places[tag] = (cursor.place, length, False)
            skip_sequence(cursor, "<", False, 0)
            buffer, position = cursor.buffer, cursor.position
            edge = len(buffer) - 12
            continue
        position = value + length
        if tag in wanted and length:
            if tag in tags.SEQUENCES:
                cursor.places[tag] = (cursor.base + value, length, False)
            elif position <= len(buffer):
                values[tag] = buffer[value:position]
            elif length <= VALUE_LIMIT:
                values[tag] = cursor.source.read_at(cursor.base + value, length)


def read_element(cursor: Cursor, order: str, explicit: bool) -> tuple[int, bytes, int]:
    """Read one element's head: tag, VR (empty where implicit) and length; the cursor stands at the value."""
    if cursor.at_end():
        raise Truncated("the header ends in the middle of a sequence", where=cursor.name)
    cursor.need(12)
    buffer, position = cursor.buffer, cursor.position
    group, element, length = Struct(order + "HHI").unpack_from(buffer, position)
    tag = group << 16 | element
    if not explicit or group == 0xFFFE:
        cursor.position += 8
        return tag, b"", length
    vr = buffer[position + 4 : position + 6]
    if vr in _SHORT:
        cursor.position += 8
        return tag, vr, Struct(order + "H").unpack_from(buffer, position + 6)[0]
    if vr not in _LONG:
        raise Odd
    cursor.position += 12
    return tag, vr, Struct(order + "I").unpack_from(buffer, position + 8)[0]


def skip_sequence(cursor: Cursor, order: str, explicit: bool, depth: int) -> None:
    """Step over a sequence of undefined length (PS3.5 7.5), the cursor at its first item."""
    if depth > DEPTH:
        raise FormatError(f"sequences are nested deeper than {DEPTH}", where=cursor.name)
    while True:
        tag, _, length = read_element(cursor, order, explicit)
        if tag == SEQUENCE_END:
            return
        if tag != ITEM:
            raise Odd
        if length != UNDEFINED:
            cursor.move(cursor.place + length) if length > 4096 else step(cursor, length)
            continue
        while True:
            tag, vr, length = read_element(cursor, order, explicit)
            if tag == ITEM_END:
                break
            if length == UNDEFINED:
                skip_sequence(cursor, order, explicit and vr != b"UN", depth + 1)
            else:
                step(cursor, length)


def step(cursor: Cursor, length: int) -> None:
    """Move the cursor over a value."""
    cursor.position += length
    if cursor.position > len(cursor.buffer):
        cursor.move(cursor.place)
