"""Archives whose bytes cost time to get: far away, or packed in another archive."""

from __future__ import annotations

import io
import shutil
from contextlib import AbstractContextManager
from typing import Any, Protocol

from medshelf.access._kind import COMPRESSED
from medshelf.access._source import SOLID, Source
from medshelf.access._split import Joined
from medshelf.errors import AccessError

_END_BYTES = 32 << 20
_BUFFER_BYTES = 1 << 16


class Far(Protocol):
    """A source whose bytes cost time to get."""

    def at_most(self, size_bytes: int) -> AbstractContextManager[None]:
        """Let no more than so many bytes be asked for within the block."""
        ...


def far(source: Source) -> Far | None:
    """Return what lies at the bottom of a source, where that is far away."""
    bottom: Any = source
    while not isinstance(bottom, Joined) and hasattr(bottom, "of"):
        bottom = bottom.of
    if isinstance(bottom, Joined):
        return far(bottom.parts[-1])
    return bottom if hasattr(bottom, "at_most") else None


def refuse_afar(kind: str, name: str) -> None:
    """Raise `AccessError` for a kind of archive that has to be read as a whole to be listed."""
    if kind in (*COMPRESSED, *SOLID):
        raise AccessError(
            "this kind of archive can't be listed without reading all of it", where=name,
            why="a compressed tar" if kind in COMPRESSED else kind, hint="Download it, and look into it then",
        )  # fmt: skip


class End(io.RawIOBase):
    """The end of a stream that reads forward, kept, as a zip's directory stands there and is read with steps back."""

    def __init__(self, stream: io.RawIOBase, size_bytes: int) -> None:
        super().__init__()
        self._stream = stream
        self._start = self._position = stream.seek(max(0, size_bytes - _END_BYTES))
        self._kept = io.BytesIO()
        shutil.copyfileobj(stream, self._kept, _BUFFER_BYTES)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        assert whence == 0
        self._position = offset
        return offset

    def read(self, size: int = -1, /) -> bytes:
        stream: Any = self._kept if self._position >= self._start else self._stream
        stream.seek(self._position - self._start if stream is self._kept else self._position)
        data: bytes = stream.read(size)
        self._position += len(data)
        return data
