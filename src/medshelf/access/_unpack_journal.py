"""What has been unpacked so far, so that a run that was killed goes on; and the marker of one that ended."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from medshelf.access._unpack_plan import OWN_FOLDER
from medshelf.access.atomic import write_atomically
from medshelf.errors import AccessError

_STEP_BYTES = 1 << 20


class Journal:
    """Lines of ``[target, size, crc32]`` in ``.unpacked/NAME.journal``, each written before its file is put in place.

    Parameters
    ----------
    folder : Path
        The folder that is filled.
    name : str
        Name of the archive.
    directory : str
        Hash of the archive's directory; a journal of another archive says nothing.
    """

    def __init__(self, folder: Path, name: str, directory: str) -> None:
        self.home = folder / OWN_FOLDER
        self._path = journal_of(folder, name)
        self._marker = self.home / f"{name}.json"
        self.directory = directory
        self._stream: BinaryIO | None = None
        self.done: dict[str, tuple[int, int]] = {}
        """Size and CRC-32 by target."""

    @property
    def temporary(self) -> Path:
        """Where a member is written before it is put in place."""
        return self._path.with_suffix(f".{os.getpid()}.part")

    def start(self) -> None:
        """Read what an earlier run left, remove its half-written file, and open the journal for more."""
        for left in self.home.glob(f"{_escaped(self._path.stem)}.*.part"):
            left.unlink(missing_ok=True)
        whole = self._read()
        self._stream = open(self._path, "r+b" if whole else "wb")  # noqa: SIM115 - `close` closes it
        if whole:
            self._stream.seek(whole)
            self._stream.truncate()
        else:
            self._append({"unpack": 1, "directory_sha256": self.directory})

    def add(self, target: str, size_bytes: int, crc32: int) -> None:
        """Note a file that is about to be put in place."""
        self._append([target, size_bytes, crc32])
        self.done[target] = (size_bytes, crc32)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def finished(self) -> dict[str, Any] | None:
        """Return the marker, if this archive has been unpacked here to the end."""
        try:
            said = json.loads(self._marker.read_bytes())
        except (OSError, ValueError):
            return None
        return said if isinstance(said, dict) and said.get("directory_sha256") == self.directory else None

    def finish(self, record: dict[str, Any]) -> None:
        """Write the marker."""
        with write_atomically(self._marker) as stream:
            stream.write(json.dumps({**record, "directory_sha256": self.directory}, indent=1).encode() + b"\n")

    def holds(self, path: Path, target: str) -> bool:
        """Return True if the file is the one that was noted, byte for byte."""
        noted = self.done.get(target)
        try:
            return noted is not None and path.stat().st_size == noted[0] and crc32_of(path) == noted[1]
        except OSError as error:
            raise AccessError("the file can't be read", where=path, why=error.strerror) from error

    def _read(self) -> int:
        """Take in the lines of an earlier run; return how many bytes of the journal are whole and of this archive."""
        self.done, whole = _lines_of(self._path, self.directory)
        return whole

    def _append(self, said: object) -> None:
        assert self._stream is not None
        self._stream.write(json.dumps(said).encode() + b"\n")
        self._stream.flush()


def journal_of(folder: Path, name: str) -> Path:
    """Return where the journal of an archive called `name` lies, below the folder that it fills."""
    return folder / OWN_FOLDER / f"{name}.journal"


def noted(journal: Path, directory: str) -> dict[str, tuple[int, int]]:
    """Return size and CRC-32 by target of what was unpacked of the archive whose directory has this hash."""
    return _lines_of(journal, directory)[0]


def _lines_of(journal: Path, directory: str) -> tuple[dict[str, tuple[int, int]], int]:
    """Return what a journal says of this archive, and how many of its bytes are whole."""
    done: dict[str, tuple[int, int]] = {}
    whole = 0
    try:
        with open(journal, "rb") as stream:
            for line in stream:
                said = json.loads(line) if line.endswith(b"\n") else None
                if whole == 0 and said != {"unpack": 1, "directory_sha256": directory}:
                    return {}, 0
                if said is None:
                    break
                if whole:
                    done[str(said[0])] = (int(said[1]), int(said[2]))
                whole += len(line)
    except (OSError, ValueError, TypeError, LookupError):
        pass  # no journal, or a line that a kill cut: what stands before it holds
    return done, whole


def _escaped(text: str) -> str:
    """Return a text that `Path.glob` takes as it is."""
    import glob

    return glob.escape(text)


def crc32_of(path: Path) -> int:
    """Return the CRC-32 of a file."""
    crc = 0
    with open(path, "rb") as stream:
        while data := stream.read(_STEP_BYTES):
            crc = zlib.crc32(data, crc)
    return crc
