"""Where the bytes of a tile are: found by a table of offsets where there is one, so that a region is read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medshelf.errors import FormatError, Truncated
from medshelf.formats.dicom.bytes import Source
from medshelf.formats.dicom.fragments import extents_of
from medshelf.formats.dicom.header import Pixels
from medshelf.formats.dicom.slice import Extents, frame_bytes

if TYPE_CHECKING:
    from medshelf.formats.dicom_slide.instance import Instance

_ITEM = b"\xfe\xff\x00\xe0"


class Frames:
    """The frames of one open file.

    Parameters
    ----------
    instance : Instance
        Its header.
    source : Source
        Its bytes.

    Raises
    ------
    Truncated, FormatError
        There are too few pixels, or the table of offsets does not fit.
    """

    def __init__(self, instance: Instance, source: Source) -> None:
        self._instance = instance
        self._source = source
        self._listed: list[Extents] = []
        self._starts = self._encapsulated() if self._place.length is None else self._plain()

    @property
    def _place(self) -> Pixels:
        pixels = self._instance.one.header.pixels
        assert pixels is not None
        return pixels

    def extents(self, number: int) -> Extents:
        """Return where the bytes of a frame, counted from 0, are: its samples, or its fragments."""
        if self._listed:
            return self._listed[number]
        start, end = int(self._starts[number]), int(self._starts[number + 1])
        if self._place.length is not None:
            return ((start, end - start),)
        parts = []
        while start < end and (length := self._item(start)) is not None:
            parts.append((start + 8, length))
            start += 8 + length
        if not parts:
            raise self._cut(f"no fragment of frame {number + 1} at byte {start:,}")
        return tuple(parts)

    def _plain(self) -> np.ndarray:
        """Frames follow each other without padding (PS3.5 8.1.1)."""
        one, pixels = self._instance.one, self._place
        size = frame_bytes(one)
        needed = size * one.frames
        if not pixels.complete or (pixels.length or 0) < needed:
            raise self._cut(f"{needed:,} bytes needed, {pixels.length:,} declared at byte {pixels.offset:,}")
        return pixels.offset + np.arange(one.frames + 1, dtype=np.int64) * size

    def _encapsulated(self) -> np.ndarray:
        """Place of the first item of each frame, and where the last ends (PS3.5 A.4)."""
        count, pixels = self._instance.one.frames, self._place
        length = self._item(pixels.offset)
        if length is None:
            raise self._cut("no item at the begin of the pixels")
        first = pixels.offset + 8 + length
        if len(self._instance.offsets) == 8 * count:
            table = np.frombuffer(self._instance.offsets, "<u8")
        elif length == 4 * count:
            table = np.frombuffer(self._source.read_at(pixels.offset + 8, length), "<u4")
        else:
            self._listed = extents_of(self._instance.one)
            return np.empty(0, np.int64)
        reach = self._source.size_bytes - first
        if table[-1] >= reach:
            raise self._cut(f"the table of offsets leads to byte {first + int(table[-1]):,} of {first + reach:,}")
        if table[0] != 0 or (table[1:] <= table[:-1]).any():
            raise FormatError(
                "the table of offsets does not fit the pixels", where=self._instance.blob.name, why=f"{count} frames"
            )
        return np.append(table.astype(np.int64), reach) + first

    def _item(self, place: int) -> int | None:
        """Length of the item at a place; None where there is none, as behind the last."""
        head = self._source.read_at(place, 8)
        if head[:4] != _ITEM or len(head) < 8:
            return None
        length = int.from_bytes(head[4:], "little")
        if not self._source.reaches(place + 8 + length):
            raise self._cut(f"a fragment of {length:,} bytes at byte {place + 8:,} of {self._source.size_bytes:,}")
        return length

    def _cut(self, why: str) -> Truncated:
        return Truncated(
            "the pixels of the slide end early",
            where=self._instance.blob.name,
            why=why,
            hint="Fetch the file again",
        )
