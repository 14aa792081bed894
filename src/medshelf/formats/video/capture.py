"""A film opened with OpenCV: frames one after another, in the order in which they are displayed.

OpenCV brings an FFmpeg under the LGPL; see docs/decisions/0015-containers-and-video.md.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported, need
from medshelf.formats.payload import first_bytes
from medshelf.formats.video.container import check_whole, kind_of
from medshelf.formats.video.edits import hides_frames
from medshelf.model.blob import Blob

FRAME_LIMIT_BYTES = 2**28
"""Largest frame (256 MiB decoded)."""
FRAME_ALWAYS_BYTES = 2**22
"""Frames up to this size are decoded whatever the file's size; a decoder keeps up to sixteen of them."""
FRAME_RATIO = 256
"""Larger ones only where the file has a byte for so many of a frame: a decoder takes several times a frame."""
_STATED = ("AVI", "MP4")
"""Containers whose index holds the number of frames; of the others FFmpeg only estimates it."""


class Film:
    """An open film, at its beginning."""

    def __init__(self, path: Path, kind: str, blob: Blob) -> None:
        cv2: Any = need("cv2", "video")
        self.path, self.kind, self.blob = path, kind, blob
        self.capture: Any = cv2.VideoCapture()
        self.rewind()
        capture = self.capture
        self.width, self.height = (int(capture.get(n)) for n in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        frame_bytes = self.width * self.height * 3
        if not 0 < frame_bytes <= min(FRAME_LIMIT_BYTES, FRAME_ALWAYS_BYTES + FRAME_RATIO * blob.size_bytes):
            raise Unsupported(
                "the frames of the film are of no possible size", where=blob.name,
                why=f"{self.width} x {self.height} in a file of {blob.size_bytes:,} bytes",
            )  # fmt: skip
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if np.isfinite(fps) and fps > 0 else None
        self.rotation_deg = int(capture.get(cv2.CAP_PROP_ORIENTATION_META))
        self.codec = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=False).decode("latin-1")

    def rewind(self) -> None:
        """Go to the beginning, by opening the film anew.

        Raises
        ------
        FormatError
            It can't be opened.
        """
        cv2: Any = need("cv2", "video")
        options = [cv2.CAP_PROP_HW_ACCELERATION, cv2.VIDEO_ACCELERATION_NONE]
        if not self.capture.open(str(self.path), cv2.CAP_FFMPEG, options):
            raise FormatError(
                "the film can't be opened",
                where=self.blob.name,
                why=f"FFmpeg finds no film that it can decode in this {self.kind} file",
                hint="Fetch the file again, or convert it to H.264 in MP4",
            )
        self.capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        self._begun = False

    def stated(self) -> int | None:
        """Number of frames that the container states, None where it states none that can be relied on."""
        import cv2

        if self.kind not in _STATED or self.kind == "MP4" and hides_frames(self.blob):
            return None
        count = int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return count if count > 0 else None

    def step(self) -> bool:
        """Go to the next frame; False at the end.

        Raises
        ------
        Unsupported
            Not even the first can be decoded.
        """
        done = bool(self.capture.grab())
        if not done and not self._begun:
            raise Unsupported(
                "no frame of the film can be decoded",
                where=self.blob.name,
                why=f"codec {self.codec!r}",
                hint="Convert it, for example to H.264 in MP4",
            )
        self._begun = True
        return done

    def frame(self) -> np.ndarray:
        """Return the frame where the film stands, (Y, X, 3) uint8 RGB."""
        import cv2

        done, found = self.capture.retrieve()
        if not done or found is None:
            raise FormatError("a frame can't be decoded", where=self.blob.name)
        if found.shape != (self.height, self.width, 3):
            why = f"{found.shape[1]} x {found.shape[0]} instead of {self.width} x {self.height}"
            raise Unsupported("the frames of the film differ in size", where=self.blob.name, why=why)
        return cv2.cvtColor(found, cv2.COLOR_BGR2RGB)


@contextlib.contextmanager
def opened(blob: Blob) -> Iterator[Film]:
    """Open a film.

    Raises
    ------
    MissingExtra
        OpenCV is not installed.
    Truncated
        It is cut short.
    FormatError
        It is no film, a damaged one, or one whose codec is not there.
    """
    kind = kind_of(first_bytes(blob))
    if kind is None:
        raise FormatError(
            "this is no film that is read",
            where=blob.name,
            why=f"first bytes {first_bytes(blob, 12)!r} are not those of MP4, AVI, MKV, WMV or MPEG",
            hint="Fetch the file again",
        )
    check_whole(blob, kind)
    # FFmpeg's complaints of damaged frames go to stderr, unless this is set before OpenCV opens its first film
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2: Any = need("cv2", "video")
    with _path_of(blob) as path, silenced(cv2):
        film: Film | None = None
        try:
            film = Film(path, kind, blob)
            yield film
        except cv2.error as error:
            raise FormatError("the film can't be decoded", where=blob.name, why=str(error)[:200]) from error
        finally:
            if film is not None:
                film.capture.release()


@contextlib.contextmanager
def silenced(cv2: Any) -> Iterator[None]:
    """Keep what OpenCV logs off stderr meanwhile: what is wrong becomes an error of ours."""
    logging = getattr(cv2.utils, "logging", cv2)  # OpenCV 5, OpenCV 4
    loud = logging.setLogLevel(0)
    try:
        yield
    finally:
        logging.setLogLevel(loud)


@contextlib.contextmanager
def _path_of(blob: Blob) -> Iterator[Path]:
    """A path to the film: its own, or that of a copy for as long as it is needed."""
    if blob.path is not None:
        yield blob.path
        return
    with tempfile.TemporaryDirectory(prefix="medshelf-") as folder:
        path = Path(folder) / "film"
        with blob.open() as stream, open(path, "wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
        yield path
