"""Whether the edit list of an MP4 file hides frames, so that fewer are displayed than are stored.

Source: ISO/IEC 14496-12, 8.6.6 (edit list), 8.6.1.3 (composition time), 8.4.2 and 8.2.2 (time scales).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from medshelf.formats.video.container import parts
from medshelf.model.blob import Blob

_MOST_INDEX_BYTES = 256 << 20
_HOLDERS = (b"trak", b"edts", b"mdia", b"minf", b"stbl")


def hides_frames(blob: Blob) -> bool:
    """Return True unless it is sure that every stored frame of the film is displayed once.

    Parameters
    ----------
    blob : Blob
        An MP4 or MOV file.
    """
    found = {name: (at, size) for name, at, size in parts(blob, "MP4")}
    at, size = found.get(b"moov", (0, 0))
    if b"moof" in found or not 8 < size <= _MOST_INDEX_BYTES:  # the index of a fragmented film is not in one place
        return True
    with blob.open() as stream:
        stream.seek(at)
        index = stream.read(size)
    try:
        return _any_hides(index)
    except (struct.error, IndexError, KeyError):
        return True


def _any_hides(index: bytes) -> bool:
    movie = dict(_boxes(index, 8, len(index), ()))
    scale = _time(movie.get(b"mvhd", b""))[0]
    for name, track in _boxes(index, 8, len(index), ()):
        if name == b"trak":
            held = dict(_boxes(track, 0, len(track), _HOLDERS))
            if held[b"hdlr"][8:12] == b"vide" and b"elst" in held and _hides(held, scale):
                return True
    return False


def _hides(held: dict[bytes, bytes], movie_scale: int) -> bool:
    """Whether the list of a track does more than to pass over the delay that reordered frames bring."""
    shown = [(duration, start) for duration, start in _edits(held[b"elst"]) if start >= 0]
    scale, length = _time(held[b"mdhd"])
    if len(shown) != 1 or not scale or not movie_scale:
        return True
    first = struct.unpack(">i", held[b"ctts"][12:16])[0] if b"ctts" in held else 0
    n_frames = struct.unpack(">I", held[b"stsz"][8:12])[0]
    duration, start = shown[0]
    end = start / scale + duration / movie_scale
    frame = length / scale / max(n_frames, 1)
    return start > max(first, 0) or end < length / scale + min(first, 0) / scale - frame / 2


def _edits(box: bytes) -> Iterator[tuple[int, int]]:
    """Duration (in the movie's time) and start (in the track's, -1 for nothing) of each edit."""
    count = struct.unpack(">I", box[4:8])[0]
    form, width = (">Qq", 20) if box[0] == 1 else (">Ii", 12)
    for n in range(min(count, len(box) // width)):
        yield struct.unpack_from(form, box, 8 + n * width)


def _time(box: bytes) -> tuple[int, int]:
    """Time scale and duration of a movie or media header."""
    return struct.unpack_from(">IQ", box, 20) if box[0] == 1 else struct.unpack_from(">II", box, 12)


def _boxes(data: bytes, at: int, end: int, open_these: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of boxes, going into those that are named."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        if name in open_these:
            yield from _boxes(data, at + 8, min(at + size, end), open_these)
        else:
            yield name, data[at + 8 : min(at + size, end)]
        at += size
