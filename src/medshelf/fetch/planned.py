"""The nouns of a plan: files, where they are asked for, licences, and what a person has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from medshelf.access.download import Failure, Wanted
from medshelf.model.dataset import Record

Here = Literal["yes", "maybe", "part", "other", "no"]
"""``yes``: the lock file names it, and it has that size; ``maybe``: a file of its name is there, of its size or when
nobody states one; ``part``: an earlier call fetched some of it; ``other``: a file of its name and another size."""


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """A member of an archive that comes without the others."""

    name: str
    """What the archive calls it."""
    place: str
    """Where it goes below the folder."""
    size_bytes: int
    """Unpacked."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of a plan, or some members of an archive."""

    name: str
    """Where it goes below the folder; of members, the archive."""
    size_bytes: int | None
    """What comes of it; None where nobody says."""
    checksums: Mapping[str, str]
    """Hexadecimal digest by algorithm."""
    ref: str
    """Which reference serves it."""
    url: str | None
    """Its address, where the record has one."""
    strength: str
    """How well it can be proved, see `medshelf.access.download.STRENGTHS`; ``unknown`` until the host was asked."""
    here: Here
    bytes_here: int
    """Bytes of it that need not come again."""
    wanted: Wanted
    """What the downloader takes."""
    members: tuple[PlannedMember, ...] = ()
    """What of an archive comes, where that is not all."""
    n_inside: int = 0
    """How many members that archive has."""

    def as_dict(self) -> dict[str, Any]:
        """Return the file as plain values, for JSON."""
        names = ("name", "size_bytes", "checksums", "ref", "url", "strength", "here", "bytes_here")
        plain = {name: getattr(self, name) for name in names}
        inside = [{"name": m.name, "place": m.place, "size_bytes": m.size_bytes} for m in self.members]
        return {
            **plain, "checksums": dict(self.checksums), "mirrors": [m.shown_ref for m in self.wanted.mirrors],
            "members": inside, "n_inside": self.n_inside,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A reference of a plan, and what became of asking for its files."""

    ref: str
    role: Literal["origin", "mirror", "given"]
    """``given``: the caller chose a reference that the record does not name."""
    field: str
    """Where the record names it."""
    state: Literal["listed", "not asked", "refused", "failed"]
    why: str | None = None
    version: str | None = None
    """What the host calls this version."""
    licence: str | None = None
    """Licence as the host writes it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence of a dataset, or of a part of it."""

    id: str
    label: str
    part: str
    url: str | None
    is_open: bool
    """Anybody may use, change and pass on the data, for any purpose; such a licence need not be accepted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes to have a dataset here."""

    dataset: str
    name: str
    folder: Path
    """Where the files go."""
    files: tuple[PlannedFile, ...]
    sources: tuple[Asked, ...]
    access: str
    """A term of vocabulary/access.toml: what the record says that a person has to do."""
    access_label: str
    licences: tuple[Terms, ...]
    steps: tuple[str, ...]
    """What a person has to do, in order; empty when `medshelf get` does it all."""
    needs: tuple[str, ...]
    """Why the hosts do not serve the files as things are, a sentence each."""
    problems: tuple[Failure, ...]
    """What could not be asked."""
    others: tuple[str, ...]
    """Other references of the record; ``source`` chooses one."""
    notes: tuple[str, ...]
    n_left_out: int
    """Files that the choice of the caller leaves out."""
    free_bytes: int
    """Free on the disk of the folder."""
    record: Record = field(repr=False)
    """What the plan is of."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the files whose size is known."""
        return sum(file.size_bytes or 0 for file in self.files)

    @property
    def n_unsized(self) -> int:
        """Files that are not here and whose size nobody says."""
        return sum(file.size_bytes is None and file.here in ("no", "part", "other") for file in self.files)

    @property
    def bytes_to_fetch(self) -> int:
        """Bytes that are to come, as far as sizes are known."""
        return sum(max(0, (file.size_bytes or 0) - file.bytes_here) for file in self.files)

    @property
    def n_to_fetch(self) -> int:
        """Files that are to come."""
        return sum(file.here not in ("yes", "maybe") for file in self.files)

    @property
    def can_get(self) -> bool:
        """Whether `medshelf get` has something to do that no person has to do first."""
        return bool(self.files) and not self.needs

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, for JSON."""
        from dataclasses import asdict

        names = ("dataset", "name", "access", "access_label", "n_left_out", "free_bytes", "size_bytes", "n_unsized",
                 "bytes_to_fetch", "n_to_fetch", "can_get")  # fmt: skip
        return {
            **{name: getattr(self, name) for name in names},
            "folder": str(self.folder),
            "licences": [asdict(one) for one in self.licences],
            "sources": [asdict(one) for one in self.sources],
            **{name: list(getattr(self, name)) for name in ("needs", "steps", "others", "notes")},
            "problems": [{"name": one.name, "ref": one.ref, "error": str(one.error)} for one in self.problems],
            "files": [file.as_dict() for file in self.files],
        }
