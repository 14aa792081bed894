"""Plan a download: what there is, what is here, what is to come, and what a person has to do first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from medshelf.access._index import TAR
from medshelf.access._spans_of import spans_of
from medshelf.access.download import Entry, Members, Source, Wanted, read_lock
from medshelf.access.download.digests import known
from medshelf.access.download.here import place_of
from medshelf.access.download.many import bytes_there
from medshelf.access.download.members import names_here
from medshelf.access.download.prove import strength_of
from medshelf.access.hosts import HostFile
from medshelf.access.refs import Reference
from medshelf.access.web import Patience, Web
from medshelf.access.web.redact import shown
from medshelf.catalogue.shelf import load
from medshelf.catalogue.vocabulary import terms
from medshelf.errors import AccessError, MedshelfError
from medshelf.fetch.offer import Offer, Unasked, choose, offer_of
from medshelf.fetch.planned import Here, Plan, PlannedFile, PlannedMember, Terms
from medshelf.fetch.selection import Selection
from medshelf.fetch.steps import steps_for
from medshelf.model.dataset import Record

_OPEN_TERMS = ("use", "commercial", "redistribute", "derive")
_PACKED = (".zip", ".gz", ".tgz")


def plan(
    dataset: str | Record,
    where: str | os.PathLike[str] | None = None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    split: str | None = None,
    cases: int | None = None,
    channel: str | None = None,
    source: str | None = None,
    web: Web | None = None,
) -> Plan:
    """Say what it takes to have a dataset here; nothing is fetched but the lists of its hosts.

    Without a network the plan holds what the record itself knows, and its `sources` say what was not asked.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record.
    where : path, optional
        Folder for the files; by default one named like the dataset, in ``$MEDSHELF_DATA`` or here.
    include, exclude : sequence of str
        Patterns of a shell, for names of files; those of what lies in archives are looked at where a pattern has
        ``!/`` or no file of the host fits.
    split, cases, channel
        Only files of this split, of so many cases, of this image channel. Where the host serves archives, these are
        listed where they lie, and members of them are taken.
    source : str
        A reference or address to take instead of the record's own choice: ``zenodo:7262581``.
    web : Web, optional
        The network; by default one that asks little and gives up soon.

    Returns
    -------
    Plan

    Raises
    ------
    UnknownDataset
        No record has this id.
    NotFound
        The choice leaves nothing, or can't be made from the names of the host.
    Unsupported
        `source` is no reference.
    """
    record = dataset if isinstance(dataset, Record) else load(dataset)
    folder = Path(where) if where is not None else default_folder(record.id)
    web = web or Web(patience=Patience(tries=3, connect_s=10, longest_wait_s=2))
    chosen, others = choose(record, source)
    offer = offer_of(record, chosen, others, web)
    lock = read_lock(folder)
    _remember(offer, lock)
    selection = Selection(tuple(include), tuple(exclude), split, cases, channel)
    every = [wanted for wanted, _ in offer.wanted]
    picked = selection.of(record, every, folder, web)
    urls = {wanted.name: url for wanted, url in offer.wanted}
    files = tuple(_file(one, urls[one.name], folder, lock) for one in picked.wanted)
    access = terms("access").get(record.access.kind)
    return Plan(
        dataset=record.id, name=record.name, folder=folder, files=files, sources=tuple(offer.asked),
        access=record.access.kind, access_label=access.label if access else record.access.kind,
        licences=licences_of(record), steps=steps_for(record, offer.needs, chosen, others),
        needs=tuple(dict.fromkeys(need.why for need in offer.needs)), problems=tuple(offer.problems),
        others=tuple(one.ref for one in others), notes=(*_notes(record, chosen, files), *offer.notes, *picked.notes),
        n_left_out=len(every) - len(files), free_bytes=_free_bytes(folder), record=record,
    )  # fmt: skip


def default_folder(dataset: str) -> Path:
    """Return where a dataset goes when nobody says: below ``$MEDSHELF_DATA``, or here."""
    return Path(os.environ.get("MEDSHELF_DATA") or ".", dataset)


def licences_of(record: Record) -> tuple[Terms, ...]:
    """Return the licences of a dataset; one that is unknown when the record names none."""
    known_terms = terms("licence")
    found: dict[str, Terms] = {}
    for licence in record.licences:
        term = known_terms.get(licence.id)
        facts = dict(term.facts) if term else {}
        rights = facts.get("terms", {})
        is_open = all(rights.get(right) == "yes" for right in _OPEN_TERMS)
        label = term.label if term else licence.id
        part = f"{found[licence.id].part}, {licence.part}" if licence.id in found else licence.part
        found[licence.id] = Terms(licence.id, label, part, facts.get("url"), is_open)
    return tuple(found.values()) or (Terms("unknown", "unknown", "all", None, is_open=False),)


def _remember(offer: Offer, lock: Mapping[str, Entry]) -> None:
    """Without an answer of the host, take what the lock file says that came from it."""
    names = {wanted.name for wanted, _ in offer.wanted}
    for asked in offer.asked:
        if asked.state == "listed":
            continue
        for name, entry in lock.items():
            if name not in names and entry.ref == asked.ref:
                host, _, rest = asked.ref.partition(":")
                error = AccessError("the host was not asked", where=asked.ref, why=asked.why)
                file = HostFile(name, "", entry.size_bytes, {"sha256": entry.sha256})
                offer.wanted.append((Wanted(Source(Unasked(host, error), file, rest)), None))


def _file(wanted: Wanted, url: str | None, folder: Path, lock: Mapping[str, Entry]) -> PlannedFile:
    if wanted.members is not None:
        return _part(wanted, wanted.members, url, folder, lock)
    file = wanted.source.file
    try:
        here, n_bytes = _here(place_of(folder, file.name), file, lock.get(file.name))
    except MedshelfError:  # a name that can't be used here; the downloader says so
        here, n_bytes = "no", 0
    return PlannedFile(
        file.name, file.size_bytes, dict(file.checksums), wanted.source.shown_ref, shown(url) if url else None,
        _strength(wanted), here, n_bytes, wanted,
    )  # fmt: skip


def _part(
    wanted: Wanted, members: Members, url: str | None, folder: Path, lock: Mapping[str, Entry]
) -> PlannedFile:
    """Return what members of an archive take."""
    index, inside = members.archive.index, []
    rows = {name: index.find(name) or 0 for name in members.names}
    missing = []
    for name, place in names_here(wanted.source, members).items():
        size = index.columns["size"][rows[name]]
        inside.append(PlannedMember(name, place, size))
        entry = lock.get(place)
        if entry is None or entry.size_bytes != size or not (folder / place).is_file():
            missing.append(rows[name])
    state: Here = "yes" if not missing else "part" if len(missing) < len(rows) else "no"
    whole, to_come = (
        sum(stop - start for start, stop in spans_of(index, some, members.archive.source.size_bytes))
        for some in (rows.values(), missing)
    )
    strength = "size" if index.columns["method"][0] == TAR else "structural"
    return PlannedFile(
        wanted.name, whole, {}, wanted.source.shown_ref, shown(url) if url else None, strength, state,
        whole - to_come, wanted, tuple(inside), len(index.names),
    )  # fmt: skip


def _here(path: Path, file: HostFile, entry: Entry | None) -> tuple[Here, int]:
    try:
        size = path.stat().st_size
    except OSError:
        part = bytes_there(path)
        return ("part", part) if part else ("no", 0)
    if entry is not None and entry.size_bytes == size and file.size_bytes in (None, size):
        return "yes", size
    if file.size_bytes in (None, size):
        return "maybe", size
    return "other", 0


def _strength(wanted: Wanted) -> str:
    file = wanted.source.file
    if best := strength_of(known(file.checksums)):
        return best
    if file.size_bytes is not None:
        return "size"
    if isinstance(wanted.source.host, Unasked):
        return "unknown"
    return "structural" if file.name.lower().endswith(_PACKED) else "none"


def _notes(record: Record, chosen: Sequence[Reference], files: Sequence[PlannedFile]) -> list[str]:
    notes = [record.access.note] if record.access.note else []
    if chosen and record.access.steps:
        notes.append(f"The record says what a person does: {'; '.join(record.access.steps)}")
    size = record.facts.size_bytes
    if chosen and isinstance(size.value if size else None, int) and any(file.size_bytes is None for file in files):
        notes.append(f"The record says that the whole download is {size.value:,} bytes")  # type: ignore[union-attr]
    if chosen and chosen[0].role == "mirror":
        notes.append("This is a mirror; nobody has compared it with the original")
    return notes


def _free_bytes(folder: Path) -> int:
    place = folder.absolute()
    nearest = next((one for one in (place, *place.parents) if one.is_dir()), Path("."))
    return shutil.disk_usage(nearest).free
