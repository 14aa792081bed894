"""A journal of finished tasks, so that a long run goes on where it was stopped, even by ``kill -9``."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from medshelf.errors import AccessError


class Journal:
    """Finished tasks and their results: JSON, one line a task, appended and synced as each ends.

    Opening it takes a lock, where the system has locks, which goes with the process. Only places in the file
    are held in memory, not results.

    Parameters
    ----------
    path : path
        The file; it and its folder are made if need be.

    Attributes
    ----------
    damaged_lines : int
        Lines that could not be read, such as one that was being written when the machine stopped. Their tasks
        count as not done.

    Raises
    ------
    AccessError
        The file can't be read or written, or another run writes it now.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.damaged_lines = 0
        self._places: dict[str, tuple[str, int, int]] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = open(self.path, "a+b")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise AccessError(
                "the journal can't be opened", where=self.path, why=error.strerror or str(error)
            ) from error
        self._lock()
        self._end = self._load()

    def __len__(self) -> int:
        """Number of tasks with a result."""
        return len(self._places)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let go of the lock."""
        with suppress(OSError):
            self._stream.close()

    def done(self, task_id: str, fingerprint: str) -> dict[str, Any] | None:
        """Return the result of a task, or None if it has none or was done on something else.

        Parameters
        ----------
        task_id : str
            Names the task within the run.
        fingerprint : str
            Of all that the result depends on: input, settings, version. Where it differs from that of the
            line, the result is stale.
        """
        place = self._places.get(task_id)
        if place is None or place[0] != fingerprint:
            return None
        _, start, size_bytes = place
        self._stream.seek(start)
        result: dict[str, Any] = json.loads(self._stream.read(size_bytes))["result"]
        return result

    def record(self, task_id: str, fingerprint: str, result: dict[str, Any]) -> None:
        """Append the result of a finished task; it is on the disk when this returns.

        Raises
        ------
        AccessError
            The disk is full or gone.
        TypeError
            The result holds what JSON can't.
        """
        line = json.dumps({"task": task_id, "fingerprint": fingerprint, "result": result}).encode() + b"\n"
        try:
            self._stream.write(line)
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise AccessError(
                "the journal can't be written",
                where=self.path,
                why=error.strerror or str(error),
                hint="Free some space and run again; what is done is kept",
            ) from error
        self._places[task_id] = (fingerprint, self._end, len(line))
        self._end += len(line)

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._stream.close()
            raise AccessError(
                "another run is writing here", where=self.path, hint="Wait for it, or choose another folder"
            ) from error
        except OSError:  # a network disk without locks
            return

    def _load(self) -> int:
        """Take in what is there, end a torn last line, and return where the next line goes."""
        self._stream.seek(0)
        end, line = 0, b"\n"
        for line in self._stream:
            task = _task_of(line)
            if task:
                self._places[task[0]] = (task[1], end, len(line))
            else:
                self.damaged_lines += 1
            end += len(line)
        if not line.endswith(b"\n"):
            end += self._stream.write(b"\n")
            self._stream.flush()
        return end


def _task_of(line: bytes) -> tuple[str, str] | None:
    """Return id and fingerprint of a whole line, or None."""
    try:
        found = json.loads(line)
        whole = isinstance(found["result"], dict)
        return (str(found["task"]), str(found["fingerprint"])) if whole else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None  # torn by a kill or a full disk; the caller counts it, and its task is done again
