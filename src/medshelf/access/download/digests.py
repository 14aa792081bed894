"""Digests of a file while it comes: one thread for each algorithm follows the bytes that are there without a gap.

The threads take what was written, from `Recent` while they follow closely and read back from the disk else; `hashlib`
works without the interpreter's lock. On resume the same threads hash what is there already while the rest comes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

from medshelf.access.download.part import Part
from medshelf.errors import AccessError, MedshelfError

_PIECE_BYTES = 1 << 20
GIT_BLOB = "git-blob"
OURS = "sha256"
"""Computed for every file, for the lock file."""
_KNOWN = ("sha512", "sha256", "sha1", GIT_BLOB, "md5")


def known(checksums: Mapping[str, str]) -> dict[str, str]:
    """Return the checksums that can be compared, in lower case; others (crc32c) are passed over."""
    return {name: value.lower() for name, value in checksums.items() if name in _KNOWN}


def hasher(algorithm: str, size_bytes: int) -> Any:
    """Return a fresh hash object; of a git blob the size stands before the bytes (gitformat-objects)."""
    if algorithm == GIT_BLOB:
        return hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
    return hashlib.new(algorithm, usedforsecurity=False)


class Digests:
    """The digests of a part."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._algorithms: list[str] = []
        self._threads: list[threading.Thread] = []
        self._found: dict[str, str] = {}
        self._error: MedshelfError | None = None
        self._lock = threading.Lock()

    def want(self, algorithm: str) -> None:
        """Compute this one, too."""
        with self._lock:
            if algorithm in self._algorithms:
                return
            self._algorithms.append(algorithm)
            if not self._part.in_memory:
                self._follow(algorithm)

    def start(self) -> None:
        """Begin to follow; the part is on the disk now."""
        with self._lock:
            for algorithm in self._algorithms:
                self._follow(algorithm)

    def finish(self) -> Mapping[str, str]:
        """Return the digests of the whole part, hexadecimal; the part has ended.

        Raises
        ------
        AccessError
            The part can't be read, or somebody else has shortened it.
        """
        if not self._threads:
            size = self._part.size or 0
            data = self._part.read(0, size)
            for algorithm in self._algorithms:
                one = hasher(algorithm, size)
                one.update(data)
                self._found[algorithm] = one.hexdigest()
        self.join()
        if self._error is not None:
            raise self._error
        if len(self._found) < len(self._algorithms):
            raise AccessError("the file was changed by another program while it came", where=self._part.path)
        return self._found

    def join(self) -> None:
        """Wait until nobody reads the part any more; it has ended."""
        for thread in self._threads:
            thread.join()

    def _follow(self, algorithm: str) -> None:
        thread = threading.Thread(target=self._run, args=(algorithm,), name=f"medshelf-{algorithm}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, algorithm: str) -> None:
        try:
            digest = self._digest(algorithm)
        except MedshelfError as error:
            self._error = error
        else:
            if digest is not None:
                self._found[algorithm] = digest

    def _digest(self, algorithm: str) -> str | None:
        """Hash from the beginning, anew whenever the part is restarted; None when it ended before it was whole."""
        part = self._part
        at, epoch, one = 0, 0, None
        while True:
            front, now, ended = part.followed(at, epoch)
            if now != epoch:
                at, epoch, one = 0, now, None
                continue
            if one is None:
                if part.size is None and algorithm == GIT_BLOB:  # the size comes first, and it is not known yet
                    front = front if ended else 0
                one = hasher(algorithm, front if part.size is None else part.size) if front or ended else None
            while one is not None and at < front and not part.dropped:
                data = part.piece(at, min(_PIECE_BYTES, front - at))
                if not data:
                    break
                one.update(data)
                at += len(data)
            if ended or part.dropped:
                return one.hexdigest() if one is not None and at == part.size else None
