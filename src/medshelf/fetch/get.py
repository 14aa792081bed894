"""Get a dataset: plan it, test licence and credentials, fetch what is missing, unpack it when asked to."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medshelf.access.download import Existing, Failure, Fetched, Progress, fetch_all
from medshelf.access.download.records import without_secrets
from medshelf.access.web import Web
from medshelf.errors import AccessNeeded, MedshelfError, NotFound
from medshelf.fetch.plan import plan as plan_of
from medshelf.fetch.planned import Plan, Terms
from medshelf.model.dataset import Record

WORST_FIRST = (6, 4, 3, 5)
"""Exit codes of failures: a full disk stops everything; wrong bytes weigh more than bytes that were not had."""


@dataclass(frozen=True, slots=True)
class Got:
    """What became of a download."""

    dataset: str
    folder: Path
    fetched: tuple[Fetched, ...]
    """Files that are here, whole; those that were here before too."""
    failures: tuple[Failure, ...]
    n_unpacked: int = 0
    """Files that lie unpacked beside their archives."""

    @property
    def received_bytes(self) -> int:
        """Bytes that came over the network in this call."""
        return sum(one.received_bytes for one in self.fetched)

    @property
    def exit_code(self) -> int:
        """0, or that of the worst failure."""
        found = {one.error.exit_code for one in self.failures}
        return next((code for code in WORST_FIRST if code in found), max(found, default=0))

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON."""
        return {
            "dataset": self.dataset, "folder": str(self.folder), "received_bytes": self.received_bytes,
            "n_unpacked": self.n_unpacked,
            "fetched": [
                {"name": f.name, "size_bytes": f.size_bytes, "sha256": f.sha256, "ref": f.ref, "strength": f.strength,
                 "received_bytes": f.received_bytes}
                for f in self.fetched
            ],
            "failures": [
                {"name": f.name, "ref": f.ref, "exit_code": f.error.exit_code, "error": str(f.error)}
                for f in self.failures
            ],
        }  # fmt: skip


def get(
    dataset: str | Record | Plan,
    to: str | os.PathLike[str] | None = None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    split: str | None = None,
    cases: int | None = None,
    channel: str | None = None,
    source: str | None = None,
    accept_licences: Collection[str] = (),
    existing: Existing = "verify",
    jobs: int = 8,
    limit_bytes_per_s: float | None = None,
    unpack: bool = False,
    web: Web | None = None,
    progress: Progress | None = None,
) -> Got:
    """Fetch a dataset; what is here, whole, is not fetched again, and what was interrupted goes on.

    Parameters
    ----------
    dataset : str, Record or Plan
        What to fetch; a plan carries its folder and its choice of files.
    to, include, exclude, split, cases, channel, source
        As in `medshelf.plan`.
    accept_licences : collection of str
        Ids of licences that you have read and accept; each one that is not open has to be among them, ``unknown`` too.
    existing : {"verify", "trust", "replace"}
        Files that are here are hashed; or believed when the lock file names them; or fetched anew.
    jobs : int
        Streams for each host at the most.
    limit_bytes_per_s : float, optional
        For all streams together.
    unpack : bool
        Unpack the archives beside themselves; they stay.
    web : Web, optional
    progress : callable, optional
        Called with bytes there, bytes in all or None, and the file's name.

    Returns
    -------
    Got
        Files that failed are in it, each with its error.

    Raises
    ------
    AccessNeeded
        A person has to do something first: accept a licence, get credentials, fetch the files by hand.
    DiskFull
        There is no room; nothing was fetched.
    UnknownDataset, NotFound, Unsupported
        As in `medshelf.plan`.
    """
    web = web or Web()
    planned = dataset if isinstance(dataset, Plan) else plan_of(
        dataset, to, include=include, exclude=exclude, split=split, cases=cases, channel=channel, source=source, web=web
    )  # fmt: skip
    refuse_unready(planned, accept_licences)
    wanted = [file.wanted for file in planned.files]
    report = fetch_all(
        wanted, planned.folder, web, existing=existing, jobs=jobs, limit_bytes_per_s=limit_bytes_per_s,
        progress=progress,
    )  # fmt: skip
    refs = {file.ref for file in planned.files}
    failures = [*report.failures, *(one for one in planned.problems if one.ref not in refs)]
    n_unpacked = 0
    if unpack:
        n_unpacked, more = _unpack(planned, report.fetched)
        failures += more
    return Got(planned.dataset, planned.folder, report.fetched, tuple(failures), n_unpacked)


def refuse_unready(planned: Plan, accepted: Collection[str] = ()) -> None:
    """Raise what stands in the way of fetching a plan.

    Raises
    ------
    AccessNeeded
        See `get`.
    NotFound, AccessError
        There is nothing to fetch, since no host could be asked.
    """
    if not planned.files:
        if planned.problems:
            raise planned.problems[0].error
        if planned.steps:
            what = planned.needs[0].rstrip(".") if planned.needs else "no program can fetch it"
            raise AccessNeeded(what, where=planned.dataset, why=planned.access_label, steps=planned.steps)
        why = next((asked.why for asked in planned.sources if asked.why), None)
        if any(asked.state == "not asked" for asked in planned.sources):
            raise _unasked(planned, why)
        raise NotFound("the hosts list no file", where=planned.dataset, why=why)
    if planned.needs and planned.n_to_fetch:
        raise AccessNeeded(
            planned.needs[0].rstrip("."), where=planned.dataset, why=planned.access_label, steps=planned.steps
        )  # fmt: skip
    _refuse_licences(planned, accepted)


def _unasked(planned: Plan, why: str | None) -> MedshelfError:
    from medshelf.errors import Offline

    return Offline(
        "what there is to fetch is known to the host only", where=planned.dataset, why=why,
        hint="Leave out --offline, and unset MEDSHELF_OFFLINE",
    )  # fmt: skip


def _refuse_licences(planned: Plan, accepted: Collection[str]) -> None:
    accepted = {name.casefold() for name in accepted}
    left = [one for one in planned.licences if not one.is_open and one.id.casefold() not in accepted]
    if not left:
        return
    steps = [_reading(planned.dataset, one) for one in left]
    options = " ".join(f"--accept-licence {one.id}" for one in left)
    raise AccessNeeded(
        "the licence is not open and has to be accepted", where=planned.dataset, why=", ".join(one.id for one in left),
        steps=(*steps, f"Then: medshelf get {planned.dataset} {options}"),
    )  # fmt: skip


def _reading(dataset: str, terms: Terms) -> str:
    """Return what a person reads before accepting a licence."""
    if terms.id == "unknown":
        return f"Find out under which terms it may be used ({terms.part}); the record does not know ({dataset})"
    return f"Read the terms of {terms.label} ({terms.part}): {terms.url or f'medshelf show {dataset} --sources'}"


def _unpack(planned: Plan, fetched: Sequence[Fetched]) -> tuple[int, list[Failure]]:
    """Unpack archives beside themselves; return how many files are in place, and what failed."""
    from medshelf.access.archive import Archive
    from medshelf.access.unpack import unpack
    from medshelf.fetch.inside import folders_for

    n_files, failures = 0, []
    archives: dict[str, Archive] = {}
    for one in _archives(fetched):
        try:
            archives[one.name] = Archive(one.path, inner=False)
            _ = archives[one.name].names
        except MedshelfError as error:
            failures.append(Failure(one.name, without_secrets(one.ref), error))
            archives.pop(one.name, None)
    inside = {name: archive.names for name, archive in archives.items()}
    folders = folders_for(planned.record, inside, planned.folder, [one.name for one in fetched])
    for one in fetched:
        if one.name in archives:
            try:
                n_files += unpack(archives[one.name], one.path.parent / folders[one.name]).n_files
            except MedshelfError as error:
                failures.append(Failure(one.name, without_secrets(one.ref), error))
    return n_files, failures


def _archives(fetched: Sequence[Fetched]) -> Iterator[Fetched]:
    from medshelf.access._kind import is_archive_name

    return (one for one in fetched if is_archive_name(one.name))
