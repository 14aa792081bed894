"""Films by frame: MP4, MOV, M4V, AVI, MKV, WebM, WMV and MPEG, through OpenCV and its FFmpeg (extra ``video``).

Frame n is the nth that is displayed, from 0, (Y, X, 3) uint8 RGB. Seeking in a film lands on a neighbour now and
then, so it is not done: a frame is reached by decoding all before it. Who wants many reads `frames` once.

A rotation that the file asks players for is not applied, as EXIF orientation is not; ``meta["rotation_deg"]`` tells
it. ``meta["fps"]`` is the frame rate, None where nobody says. There is neither affine nor spacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, NotFound, Unsupported, need
from medshelf.formats.video.capture import Film, opened, silenced
from medshelf.formats.video.container import kind_of
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = [
    "LIMIT_BYTES", "NAME", "SUFFIXES", "frames", "matches", "read", "read_frame", "read_header", "verify", "write",
]  # fmt: skip

NAME = "video"
SUFFIXES = (".mpeg", ".webm", ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".wmv", ".mpg")

LIMIT_BYTES = 2**30
"""Films up to this size (1 GiB of frames) are read whole."""
_LOSSLESS = {".avi": "FFV1", ".mkv": "FFV1"}
_LOSSY = {
    ".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".webm": "VP80", ".wmv": "WMV2", ".mpg": "mpg2", ".mpeg": "mpg2",
}  # fmt: skip


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a film."""
    return kind_of(head) is not None


def read_header(blob: Blob) -> Header:
    """Read size, number of frames, and rate of a film.

    AVI and MP4 state how many frames there are. For other containers, and for MP4 files that hide some of
    their frames, they are counted, which decodes the film once; ``meta["counted"]`` says so.

    Returns
    -------
    Header
        Axes ``"tyxc"``.

    Raises
    ------
    FormatError
        No film (`Truncated` where it is cut short), or one whose codec is not there.
    Unsupported
        Frames of more than 256 MiB.
    """
    with opened(blob) as film:
        return _header(film)


def read(blob: Blob) -> Volume:
    """Read a short film whole; errors as in `read_header`.

    Returns
    -------
    Volume
        (T, Y, X, 3) uint8 RGB.

    Raises
    ------
    Unsupported
        It takes more than 1 GiB.
    FormatError
        Fewer or more frames can be decoded than the container states.
    """
    with opened(blob) as film:
        header = _header(film)
        size = int(np.prod(header.shape, dtype=object))
        if size > LIMIT_BYTES:
            raise Unsupported(
                "the film is too long to be read whole",
                where=blob.name,
                why=f"{size:,} bytes, limit {LIMIT_BYTES:,}",
                hint="Read it by frame: frames(blob, start, stop, step), or read_frame(blob, n)",
            )
        array = np.empty(header.shape, np.uint8)
        for n in _all(film, header):
            array[n] = film.frame()
    return Volume(array, header.axes, meta=header.meta)


def verify(blob: Blob) -> Header:
    """Decode a film from end to end, holding one frame at a time, and return its header.

    Raises
    ------
    FormatError
        As `read`, but for the length.
    """
    with opened(blob) as film:
        header = _header(film)
        for _ in _all(film, header):
            film.frame()
    return header


def _all(film: Film, header: Header) -> Iterator[int]:
    """Step through all frames, and see that they are as many as the header says."""
    film.rewind()
    stated = header.shape[0]
    found = 0
    while found <= stated and film.step():
        if found < stated:
            yield found
        found += 1
    if found != stated:
        raise FormatError(
            "the film holds another number of frames than it states",
            where=film.blob.name,
            why=f"{found if found < stated else 'more'} decoded, {stated} stated",
            hint="frames(blob) gives those that can be decoded",
        )


def read_frame(blob: Blob, n: int) -> np.ndarray:
    """Read the nth displayed frame, decoding those before it.

    Parameters
    ----------
    blob : Blob
        A film.
    n : int
        From 0.

    Returns
    -------
    (Y, X, 3) uint8 array
        RGB.

    Raises
    ------
    NotFound
        The film is shorter.
    FormatError
        As `read_header`.
    """
    found = next(frames(blob, n, n + 1), None) if n >= 0 else None
    if found is None:
        raise NotFound(f"there is no frame {n}", where=blob.name)
    return found


def frames(blob: Blob, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[np.ndarray]:
    """Yield frames as ``range(start, stop, step)`` numbers them, holding one at a time.

    Parameters
    ----------
    blob : Blob
        A film.
    start, stop, step : int
        Not negative, `step` positive; without `stop` to the end of the film.

    Yields
    ------
    (Y, X, 3) uint8 array
        RGB.

    Raises
    ------
    ValueError
        A number is out of its range.
    FormatError
        As `read_header`, when the first frame is asked for.
    """
    if start < 0 or step < 1 or (stop is not None and stop < 0):
        raise ValueError(f"frames are numbered from 0 forwards, not {start}:{stop}:{step}")
    return _frames(blob, start, stop, step)


def _frames(blob: Blob, start: int, stop: int | None, step: int) -> Iterator[np.ndarray]:
    if stop is not None and start >= stop:
        return
    with opened(blob) as film:
        for n in count():
            if (stop is not None and n >= stop) or not film.step():
                return
            if n >= start and (n - start) % step == 0:
                yield film.frame()


def write(path: Path | str, volume: Volume) -> None:
    """Write a film: without loss as .avi or .mkv (FFV1), with some in the other containers.

    Parameters
    ----------
    path : Path or str
        Its ending names the container.
    volume : Volume
        Axes ``"tyxc"``, uint8 RGB; ``meta["fps"]`` is kept, 25 without.

    Raises
    ------
    Unsupported
        Another array, or OpenCV can't write this container here.
    """
    ending = Path(path).suffix.lower()
    codec = (_LOSSLESS | _LOSSY).get(ending)
    array = np.asarray(volume.array)
    if codec is None or volume.axes != "tyxc" or array.dtype != np.uint8 or array.shape[-1] != 3 or not array.size:
        why = f"{volume.axes} {array.shape} {array.dtype}"
        raise Unsupported(f"a film can't hold this array as {ending!r}", where=path, why=why)
    cv2: Any = need("cv2", "video")
    size = (array.shape[2], array.shape[1])
    fps = float(volume.meta.get("fps") or 25)
    with silenced(cv2):
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), fps, size)
        try:
            if not writer.isOpened():
                raise Unsupported(f"OpenCV can't write {codec} here", where=path)
            for frame in array:
                writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        finally:
            writer.release()


def _header(film: Film) -> Header:
    n_frames = film.stated()
    meta = {"format": film.kind, "codec": film.codec, "fps": film.fps, "rotation_deg": film.rotation_deg}
    meta["counted"] = n_frames is None
    if n_frames is None:
        n_frames = sum(1 for _ in iter(film.step, False))
    return Header((n_frames, film.height, film.width, 3), "uint8", "tyxc", meta=meta)
