"""Reading the header of one DICOM file, fast: a walk over the top level of the data set up to the pixels.

Encoding: PS3.5 section 7 (data sets), annex A (transfer syntaxes), PS3.10 section 7 (preamble and file
meta information). Only the attributes in `dicom_tags.WANTED` are kept, as bytes; sequences are stepped
over. Whatever does not read cleanly is left to pydicom.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from medshelf.errors import FormatError
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.bytes import Inflated, Source, open_source
from medshelf.formats.dicom.walk import (
    KNOWN_VR,
    PIXEL_GROUP,
    UNDEFINED,
    Cursor,
    Odd,
    Place,
    read_element,
    walk_explicit,
    walk_implicit,
)
from medshelf.model.blob import Blob

EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"


_LOCK = threading.Lock()


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom from warning of what is handled here; one thread at a time, as filters are the whole process's."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class NotDicom(FormatError):
    """The bytes are not a DICOM file at all."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Where the pixel data is."""

    offset: int
    """Place of the first byte of the value, in the (inflated) file."""
    length: int | None
    """Number of bytes, or None where they are encapsulated in items (PS3.5 A.4)."""
    words: bool
    """Written as 16-bit words (OW): matters for 8-bit samples in big endian."""
    tag: int
    complete: bool
    """The file is long enough to hold them."""


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The wanted attributes of one file, as bytes, and where its pixels are."""

    blob: Blob
    values: dict[int, bytes]
    syntax: str
    """Transfer syntax UID; empty where the file does not say."""
    little: bool
    pixels: Pixels | None
    data_start: int
    """Place of the data set, behind preamble and meta information."""
    sequences: Mapping[int, Place] = field(default_factory=dict)
    """Where the sequences of `dicom_tags.SEQUENCES` are, in the (inflated) file."""

    def open_data(self) -> Source:
        """Open the file for reading at places, inflated where the data set is deflated."""
        source = open_source(self.blob)
        return Inflated(source, self.data_start, self.blob.name) if self.syntax == DEFLATED else source

    def text(self, tag: int) -> str:
        """Return the text of an attribute (empty where absent), in its character set."""
        raw = self.values.get(tag, b"").strip(b" \0")
        return raw.decode("ascii") if raw.isascii() else self._foreign(raw)

    def _foreign(self, raw: bytes) -> str:
        name = self.values.get(tags.CHARACTER_SET, b"").strip(b" \0").decode("latin-1")
        if name in ("ISO_IR 192", "ISO_IR 100", ""):
            return raw.decode("utf-8" if name == "ISO_IR 192" else "latin-1", "replace")
        from pydicom.charset import convert_encodings, decode_bytes

        try:
            with quietly():
                return decode_bytes(raw, convert_encodings(name.split("\\")), {0x5C, 0x0A, 0x0C, 0x0D, 0x09})
        except (LookupError, ValueError):
            return raw.decode("latin-1")

    def words(self, tag: int) -> tuple[str, ...]:
        """Return the values of a text attribute of several values."""
        text = self.text(tag)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def numbers(self, tag: int) -> tuple[float, ...] | None:
        """Return the numbers of a decimal or integer string (DS, IS), or None where absent or empty.

        Raises
        ------
        FormatError
            When it holds something else than finite numbers.
        """
        raw = self.values.get(tag, b"").strip(b" \0")
        if not raw:
            return None
        try:
            found = tuple([float(part) for part in raw.split(b"\\")])
        except ValueError:
            found = (math.nan,)
        if not all(map(math.isfinite, found)):
            raise FormatError(
                "an attribute should hold numbers and does not",
                where=self.blob.name,
                why=f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is {raw[:40]!r}",
            )
        return found

    def number(self, tag: int) -> float | None:
        """Return the first number of a decimal or integer string, or None."""
        found = self.numbers(tag)
        return found[0] if found else None

    def whole(self, tag: int) -> int | None:
        """Return the first number of a string as a whole one, or None where it is none; never an error."""
        try:
            found = self.number(tag)
        except FormatError:
            return None
        return None if found is None else int(found)

    def short(self, tag: int, default: int = 0) -> int:
        """Return an unsigned 16-bit number (US)."""
        raw = self.values.get(tag, b"")
        return int.from_bytes(raw[:2], "little" if self.little else "big") if len(raw) >= 2 else default


def read_file_header(blob: Blob) -> FileHeader:
    """Read the header of one DICOM file.

    Raises
    ------
    FormatError, Truncated
        The file is no DICOM (`NotDicom`), is damaged, or ends inside its header.
    """
    source = open_source(blob)
    try:
        cursor = Cursor(source, blob.name)
        _find_start(cursor, blob)
        try:
            return _walk(cursor, blob)
        except Odd:
            from medshelf.formats.dicom.fallback import read_with_pydicom

            return read_with_pydicom(blob, source)
    finally:
        source.close()


def _find_start(cursor: Cursor, blob: Blob) -> None:
    """Put the cursor behind the preamble, or at 0 where a file without one begins with data."""
    head, size_bytes = cursor.buffer, cursor.source.size_bytes
    if head[128:132] == b"DICM":
        cursor.position = 132
        return
    if size_bytes == 0:
        raise NotDicom("the file is empty", where=blob.name)
    order = "big" if head[0] == 0 else "little"
    group, element = int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order)
    length = int.from_bytes(head[4:8], "little")
    begins = group in (2, 8) and element <= 0x0100 and (head[4:6] in KNOWN_VR or length <= 256)
    if size_bytes < 16 or not begins:
        raise NotDicom("not DICOM", where=blob.name, why=f"first bytes {head[:8]!r}")


def _walk(cursor: Cursor, blob: Blob) -> FileHeader:
    """Read the meta information and the data set."""
    if cursor.buffer[cursor.position : cursor.position + 2] == b"\x02\x00":
        walk_explicit(cursor, "<", 0x00030000)
    syntax = cursor.values.get(tags.TRANSFER_SYNTAX, b"").strip(b" \0").decode("latin-1")
    start = cursor.place
    if syntax == DEFLATED:
        cursor.source = Inflated(cursor.source, start, blob.name)
        cursor.move(start)
    cursor.need(16)
    little, explicit = _encoding(cursor, syntax)
    if explicit:
        walk_explicit(cursor, "<" if little else ">", PIXEL_GROUP)
    else:
        walk_implicit(cursor)
    pixels = find_pixels(cursor, explicit, little)
    if not cursor.values:
        raise Odd
    return FileHeader(blob, cursor.values, syntax, little, pixels, start, cursor.places)


def _encoding(cursor: Cursor, syntax: str) -> tuple[bool, bool]:
    """Return (little endian, explicit VR) of the data set, as its first bytes show."""
    head = cursor.buffer[cursor.position : cursor.position + 8]
    explicit = head[4:6] in KNOWN_VR
    little = not (syntax == EXPLICIT_BIG or (not syntax and head[0] == 0 and head[1] != 0))
    if not little and not explicit:
        raise Odd
    return little, explicit


def find_pixels(cursor: Cursor, explicit: bool, little: bool) -> Pixels | None:
    """Look for pixel data from group 7FE0 on, the cursor at the first element of it."""
    order = "<" if little else ">"
    while not cursor.at_end():
        try:
            tag, vr, length = read_element(cursor, order, explicit)
        except Odd:
            return None  # padding or rubbish behind the data set
        if tag in (tags.PIXEL_DATA, tags.FLOAT_PIXELS, tags.DOUBLE_PIXELS):
            if length == UNDEFINED:
                return Pixels(cursor.place, None, False, tag, True)
            complete = cursor.source.reaches(cursor.place + length)
            return Pixels(cursor.place, length, vr != b"OB", tag, complete)
        if tag >> 16 > 0x7FE0 or length == UNDEFINED:
            return None
        cursor.move(cursor.place + length)
    return None
