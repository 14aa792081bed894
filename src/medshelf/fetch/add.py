"""Adopt what somebody fetched by hand: recognise it, prove every file, say what is missing, write the lock file.

The data are read, and neither moved nor changed; the lock file is the one thing that is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medshelf.access._kind import is_archive_name
from medshelf.access._walk import walk
from medshelf.access.download import LOCK_NAME, OWNER_NAME, Entry, Fetched, Progress
from medshelf.access.download.ledger import Ledger
from medshelf.access.download.owner import owning
from medshelf.access.download.part import PART_ENDINGS
from medshelf.access.download.prove import better
from medshelf.access.tree import open_tree
from medshelf.access.web import Web
from medshelf.catalogue.shelf import load
from medshelf.errors import LayoutError, NotFound
from medshelf.fetch.plan import plan
from medshelf.fetch.planned import Plan, PlannedFile
from medshelf.fetch.prove import BY_HAND, Doubt, prove
from medshelf.layout.check import Report
from medshelf.layout.identify import CERTAIN
from medshelf.layout.match import is_junk
from medshelf.model.dataset import Record
from medshelf.samples.check import check
from medshelf.samples.identify import identify


@dataclass(frozen=True, slots=True)
class Added:
    """What was adopted, and what is wrong with it."""

    dataset: str
    folder: Path
    """Where the lock file is."""
    files: tuple[Fetched, ...]
    """Files that the lock file names now."""
    doubts: tuple[Doubt, ...]
    """Files that are cut, damaged, other than served, or not here."""
    report: Report | None
    """How the names fit the layout; None where the record has none."""
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """4 when a file is not what it should be, 1 when some are missing or the names have errors, else 0."""
        kinds = {doubt.kind for doubt in self.doubts}
        amiss = self.report is not None and any(found.severity == "error" for found in self.report.findings)
        return 4 if kinds - {"missing"} else 1 if kinds or amiss else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        from dataclasses import asdict

        return {
            "dataset": self.dataset, "folder": str(self.folder), "notes": list(self.notes),
            "files": [
                {"name": f.name, "size_bytes": f.size_bytes, "sha256": f.sha256, "ref": f.ref, "strength": f.strength}
                for f in self.files
            ],
            "doubts": [asdict(doubt) for doubt in self.doubts],
            "report": self.report.as_dict() if self.report else None,
        }  # fmt: skip


def add(
    dataset: str | Record,
    path: str | os.PathLike[str],
    *,
    force: bool = False,
    source: str | None = None,
    web: Web | None = None,
    progress: Progress | None = None,
) -> Added:
    """Adopt files that were fetched by hand.

    Every file is read: compared with the size and checksum that the record or the host states, else, where it is an
    archive, by its own structure. What is sound goes into the lock file, so that `medshelf.get` fetches only the rest.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record.
    path : path
        The folder, or one file of it; the lock file is written beside the files.
    force : bool
        Take it for this dataset even when its names are those of another.
    source : str, optional
        The reference that it was fetched from, when it is not the record's own choice.
    web : Web, optional
        The network, for the lists of hosts; without it the record's own words count.
    progress : callable, optional
        Called with bytes read, bytes in all, and the file's name.

    Returns
    -------
    Added

    Raises
    ------
    NotFound
        There is nothing at `path`.
    LayoutError
        It is another dataset.
    AccessError
        It can't be read, or the lock file can't be written.
    """
    record = dataset if isinstance(dataset, Record) else load(dataset)
    place = Path(path)
    folder, names, begun = _names(place)
    planned = plan(record, folder, source=source, web=web)
    pairs = _pairs(names, planned.files)
    with owning(folder / OWNER_NAME):
        ledger = Ledger(folder)
        sound, doubts = _as_before(*prove(folder, names, pairs, progress), ledger.entries())
        proven = any(one.name in pairs and one.strength != "none" for one in sound)
        if not force and not proven:
            _refuse_another(record, place)
        for one in sound:
            ledger.add(one)
        ledger.save()
    report = check(record, place, tables=False) if record.layout is not None else None
    missing, notes = _missing(record, planned, pairs, report)
    return Added(record.id, folder, tuple(sound), (*doubts, *missing), report, (*begun, *notes))


def _names(place: Path) -> tuple[Path, list[str], list[str]]:
    """Return the folder, the names of the files below it that count, and remarks on those that do not."""
    if place.is_file():
        return place.parent, [place.name], []
    open_tree(place, expand_archives=False)  # raises what is wrong with the place
    every = walk(place).names
    parts = [n.removesuffix(".json") for n in every if n.endswith(".part.json")]
    own = {f"{part}{end}" for part in parts for end in PART_ENDINGS} | {LOCK_NAME, OWNER_NAME}
    names = [n for n in every if not is_junk(n) and n not in own]
    if not names:
        raise NotFound("there are no files here", where=place)
    return place, names, [f"{part}: a download that was begun; medshelf get goes on with it" for part in parts]


def _as_before(
    sound: Sequence[Fetched], doubts: Sequence[Doubt], entries: Mapping[str, Entry]
) -> tuple[list[Fetched], list[Doubt]]:
    """Return both with what the lock file knows: where a file came from, and what it was if it has changed since."""
    kept, more = [], []
    for one in sound:
        entry = entries.get(one.name)
        if entry is not None and entry.sha256 == one.sha256:
            ref = entry.ref if one.ref == BY_HAND else one.ref
            one = replace(one, ref=ref, strength=better(one.strength, entry.strength))
        elif entry is not None and entry.ref != BY_HAND and one.ref == BY_HAND:
            why = f"its sha256 is {one.sha256}, of what came from {entry.ref} it was {entry.sha256}"
            more.append(Doubt(one.name, "changed", why, one.size_bytes, entry.size_bytes))
            continue
        kept.append(one)
    return kept, [*doubts, *more]


def _pairs(names: Sequence[str], files: Sequence[PlannedFile]) -> dict[str, PlannedFile]:
    """Return the files as served by the names that they have here: the same, or the same end below other folders."""
    here = set(names)
    found = {file.name: file for file in files if file.name in here}
    ends: dict[str, list[str]] = {}
    for name in names:
        ends.setdefault(name.rpartition("/")[2], []).append(name)
    for file in files:
        alike = [n for n in ends.get(file.name.rpartition("/")[2], ()) if n.endswith(f"/{file.name}")]
        if file.name not in here and len(alike) == 1:
            found.setdefault(alike[0], file)
    return found


def _refuse_another(record: Record, place: Path) -> None:
    identity = identify(place)
    ours = next((guess.score for guess in identity.guesses if guess.dataset == record.id), 0.0)
    if identity.dataset in (None, record.id) or ours >= CERTAIN:
        return
    raise LayoutError(
        f"this is {identity.dataset} and not {record.id}", where=place,
        why=f"its names fit with a score of {identity.guesses[0].score:.2f}, those of {record.id} with {ours:.2f}",
        hint=f"Run: medshelf add {identity.dataset} {place}; or insist with --force",
    )  # fmt: skip


def _is_complete(record: Record, report: Report | None) -> bool:
    """Return whether the layout finds all that a release is known to have."""
    if report is None or record.layout is None or record.layout.expect is None:
        return False
    return not any(found.severity == "error" or found.check == "layout.count" for found in report.findings)


def _missing(
    record: Record, planned: Plan, pairs: dict[str, PlannedFile], report: Report | None
) -> tuple[list[Doubt], tuple[str, ...]]:
    there = {file.name for file in pairs.values()}
    left = [file for file in planned.files if file.name not in there]
    notes = []
    if planned.files and not pairs:
        notes.append("No file is here as the host serves it: what was unpacked is compared with the layout alone")
        left = []
    if not planned.files:
        alone = "it is compared with the layout alone" if record.layout else "nothing can be said of what is missing"
        notes.append(f"Which files the host serves is not known: {alone}")
    if _is_complete(record, report) and (archives := [file for file in left if is_archive_name(file.name)]):
        names = ", ".join(file.name for file in archives)
        notes.append(f"Not here: {names}; all cases are, so these were unpacked and are not needed")
        left = [file for file in left if file not in archives]
    told = [Doubt(file.name, "missing", "not here", None, file.size_bytes) for file in left]
    return told, tuple(notes)
