"""The lock file beside the data: what is here, how it was proved, and where it came from."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from medshelf.access.download.note import read_note
from medshelf.access.download.place import STRAY, sync_disk, sync_folder
from medshelf.access.download.records import Fetched
from medshelf.access.download.room import told
from medshelf.errors import AccessError

LOCK_NAME = "medshelf.lock.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the lock file."""

    size_bytes: int
    sha256: str
    ref: str
    strength: str
    when: str


class Ledger:
    """The lock file of a folder. Files that were not synced one by one are synced all at once before it names them."""

    EVERY_S = 30.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries = dict(read_lock(folder))
        self._lock = threading.Lock()
        self._dirty = False
        self._saved = time.monotonic()

    def entry(self, name: str) -> Entry | None:
        """Return what the lock file says about a file."""
        with self._lock:
            return self._entries.get(name)

    def entries(self) -> Mapping[str, Entry]:
        """Return all that it says now."""
        with self._lock:
            return dict(self._entries)

    def add(self, one: Fetched) -> None:
        """Take a file up; now and then the lock file is written."""
        entry = Entry(one.size_bytes, one.sha256, one.ref, one.strength, one.when)
        with self._lock:
            before = self._entries.get(one.name)
            if before is None or replace(before, when=entry.when) != entry:
                self._entries[one.name] = entry
                self._dirty = True
            due = self._dirty and time.monotonic() - self._saved > self.EVERY_S
        if due:
            self.save()

    def save(self) -> None:
        """Bring all files to the disk, then write the lock file, whole.

        Raises
        ------
        DiskFull, AccessError
        """
        with self._lock:
            if not self._dirty:
                return
            files = {name: asdict(entry) for name, entry in sorted(self._entries.items())}
            self._dirty = False
            self._saved = time.monotonic()
            try:
                sync_disk(self._folder)
                self._write(files)
            except OSError as error:
                self._dirty = True
                raise told(error, self._folder / LOCK_NAME) from error

    def _write(self, files: Mapping[str, object]) -> None:
        fresh = self._folder / f"{LOCK_NAME}.new"
        lines = (f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in files.items())
        with open(fresh, "w", encoding="utf-8") as stream:
            stream.write(f'{{"format": {_FORMAT}, "files": {{\n' + ",\n".join(lines) + "\n}}\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, self._folder / LOCK_NAME)
        sync_folder(self._folder)


def read_lock(folder: Path) -> Mapping[str, Entry]:
    """Return what the lock file of a folder says; nothing when there is none.

    Raises
    ------
    AccessError
        It is damaged.
    """
    path = folder / LOCK_NAME
    try:
        found = json.loads(path.read_bytes())
        entries = {name: Entry(**entry) for name, entry in found["files"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        hint = f"Move {path} away; the files are then proved anew"
        raise AccessError("the lock file can't be read", where=path, why=str(error), hint=hint) from error
    if found.get("format") != _FORMAT:
        why, hint = f"format {found.get('format')}", "Use a newer medshelf, or move it away"
        raise AccessError("the lock file is of another version", where=path, why=why, hint=hint)
    return entries


def sweep(folder: Path, most_age_s: float = 3600.0) -> None:
    """Remove what killed processes left in a folder: small files half-written, notes without a part."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.endswith(STRAY):
                gone = time.time() - entry.stat().st_mtime > most_age_s
            else:
                gone = entry.name.endswith(".part.json") and _is_left(Path(entry.path.removesuffix(".json")))
            if gone:
                os.unlink(entry.path)


def _is_left(part: Path) -> bool:
    return not part.exists() and read_note(part) is not None
