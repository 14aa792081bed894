"""The note beside a part: to which file its bytes belong, and which of them are there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from medshelf.access.download.identity import Identity
from medshelf.access.download.records import Source, without_secrets

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Note:
    """What ``NAME.part.json`` holds."""

    ref: str
    locator: str
    """As the host stated it; of an address, without signature."""
    checksums: Mapping[str, str]
    size_bytes: int | None
    etag: str | None
    modified: str | None
    done: tuple[tuple[int, int], ...]
    format: int = _FORMAT

    @classmethod
    def made(cls, source: Source, identity: Identity, done: Iterable[tuple[int, int]]) -> Note:
        """Return the note for a part."""
        return cls(
            source.shown_ref, without_secrets(source.file.locator), dict(source.file.checksums),
            identity.size_bytes, identity.etag, identity.modified, tuple(done),
        )  # fmt: skip

    def fits(self, source: Source, n_bytes_there: int) -> bool:
        """Return whether the bytes belong to this file, and a change of the file since would show."""
        if self.done and self.done[-1][1] > n_bytes_there:
            return False
        file = source.file
        if None not in (self.size_bytes, file.size_bytes) and self.size_bytes != file.size_bytes:
            return False
        both = self.checksums.keys() & file.checksums.keys()
        if both:
            return all(self.checksums[name].lower() == file.checksums[name].lower() for name in both)
        if not self._is_of(source):
            return False
        known = Identity(None, self.etag, self.modified).is_known
        return known or (hasattr(source.host, "open_at") and file.size_bytes is not None)

    def identity_for(self, source: Source) -> Identity:
        """Return the state of the file that the bytes belong to; a mirror has an ETag of its own."""
        if self._is_of(source):
            return Identity(self.size_bytes, self.etag, self.modified)
        return Identity(self.size_bytes)

    def _is_of(self, source: Source) -> bool:
        return (self.ref, self.locator) == (source.shown_ref, without_secrets(source.file.locator))


def note_of(part: Path) -> Path:
    """Return where the note of a part lies."""
    return part.with_name(f"{part.name}.json")


def read_note(part: Path) -> Note | None:
    """Return the note of a part, or None when it is absent or not one of ours."""
    try:
        found = json.loads(note_of(part).read_bytes())
        spans = tuple((int(start), int(stop)) for start, stop in found.pop("done"))
        note = Note(**found, done=spans)
        checksums = {str(name): str(value) for name, value in note.checksums.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    sound = note.format == _FORMAT and all(0 <= start < stop for start, stop in spans) and checksums == note.checksums
    sizes = note.size_bytes is None or (type(note.size_bytes) is int and all(b <= note.size_bytes for _, b in spans))
    return note if sound and sizes else None


def write_note(part: Path, note: Note) -> None:
    """Write the note whole; the part has one owner, so the name of the temp file is its own."""
    fresh = part.with_name(f"{part.name}.json.new")
    with open(fresh, "w") as stream:
        json.dump(asdict(note), stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, note_of(part))
