"""Audit a dataset: read every file of every case, and report what is wrong with them."""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from medshelf.access.tree import Tree
from medshelf.audit.checks import CASE_CHECKS, NAME_CHECKS, SET_CHECKS
from medshelf.audit.facts import CaseFacts, facts_of
from medshelf.audit.read import read_case
from medshelf.engine import worklist
from medshelf.errors import LayoutError, MedshelfError, MissingExtra
from medshelf.model.dataset import Record
from medshelf.model.finding import Finding, is_problem
from medshelf.model.natural import natural_key
from medshelf.samples.check import check
from medshelf.samples.dataset import Dataset
from medshelf.samples.open import open as open_dataset

_MOST_FAILURES = 4
"""So many cases that fail without one that succeeds end an audit."""
_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found."""

    dataset: str
    """Id of the record."""
    name: str
    """Its name."""
    variant: str
    """Which repackaging it is, ``""`` for the release itself."""
    where: str
    """What was audited."""
    names_verdict: str
    """What `check` says of the names, in one sentence."""
    findings: tuple[Finding, ...]
    """Worst first, then by check, case and file."""
    facts: tuple[CaseFacts, ...] = field(repr=False)
    """Facts of each case that was read."""
    n_cases: int
    """Number of cases that were read."""
    n_cases_here: int
    """Number of cases that are here."""
    deep: bool
    """Voxels were read; otherwise only headers."""
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in ("error", "warning", "info")}

    @property
    def ok(self) -> bool:
        """True when nothing needs to be looked at."""
        return not any(is_problem(finding) for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One sentence."""
        looked = "every file read" if self.deep else "headers only"
        share = "" if self.n_cases == self.n_cases_here else f" of {self.n_cases_here}"
        told = ", ".join(_plural(n, severity) for severity, n in self.counts.items() if n and severity != "info")
        return f"{self.n_cases}{share} cases, {looked}: {told or 'nothing wrong was found'}"

    def as_dict(self) -> dict[str, Any]:
        """Return the audit as plain values, for JSON."""
        names = (
            "dataset", "name", "variant", "where", "verdict", "names_verdict", "n_cases", "n_cases_here", "deep",
            "seconds", "counts",
        )  # fmt: skip
        plain = {name: getattr(self, name) for name in names}
        findings = [finding.as_dict() for finding in self.findings]
        return {**plain, "findings": findings, "cases": [case.as_dict() for case in self.facts]}


def _plural(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def audit(
    dataset: str | Record,
    where: str | os.PathLike[str],
    *,
    variant: str | None = None,
    others: Mapping[str, str | os.PathLike[str]] | None = None,
    cases: int | None = None,
    jobs: int = 1,
    deep: bool = True,
    journal: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Read the files of a dataset and report what is wrong with them.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record.
    where : path or Tree
        Folder or archive that holds it.
    variant : str, optional
        Which repackaging it is; by default the one that fits best.
    others : mapping of str to path, optional
        Where other datasets lie whose images it draws on, by id.
    cases : int, optional
        Look at so many cases only, spread evenly over the dataset.
    jobs : int
        Processes; each holds one file in memory at a time.
    deep : bool
        Read all voxels; otherwise only headers, which finds less and costs little.
    journal : path, optional
        File that keeps what is done, so that a run that was stopped goes on.
    progress : callable, optional
        Told how many cases are done, of how many.

    Returns
    -------
    Audit
        Findings, facts of every case, and a verdict.

    Raises
    ------
    UnknownDataset, LayoutError, NotFound, AccessError
        As `medshelf.open`.
    """
    started = time.monotonic()
    opened = open_dataset(dataset, where, variant=variant, others=others)
    if not opened.tree.has_bytes:
        raise LayoutError("this is a list of names, without files to read", where=where, hint="Try: medshelf check")
    numbers = _chosen(len(opened), cases)
    names = check(opened.record, where, variant=opened.variant)
    findings = [*names.findings]
    for name_check in NAME_CHECKS:
        findings += name_check.run(opened)
    facts: dict[int, CaseFacts] = {}
    place = where if isinstance(where, Tree) else os.fspath(where)
    plan = _Plan(uuid.uuid4().hex, dataset, place, opened.variant, opened.others, deep)
    for number, case_facts, found in _examined(plan, opened, numbers, jobs, journal, progress):
        findings += found
        if case_facts is not None:
            facts[number] = case_facts
    in_order = tuple(facts[number] for number in sorted(facts))
    for set_check in SET_CHECKS:
        findings += set_check.run(in_order)
    return Audit(
        opened.id, opened.record.name, opened.variant, os.fspath(where), names.verdict,
        tuple(sorted((replace(f, dataset=opened.id) for f in findings), key=_rank)),
        in_order, len(numbers), len(opened), deep, round(time.monotonic() - started, 3),
    )  # fmt: skip


def case_findings(
    opened: Dataset,
    cases: Collection[str],
    *,
    jobs: int = 1,
    journal: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[Finding]]:
    """Audit some cases of an opened dataset, each by itself.

    Parameters
    ----------
    opened : Dataset
        All of it, as `medshelf.open` gives it.
    cases : collection of str
        Ids of the cases to read.
    jobs, journal, progress
        As in `audit`.

    Returns
    -------
    dict of str to list of Finding
        What was found in each of them.
    """
    wanted = set(cases)
    numbers = [n for n, case in enumerate(opened.cases) if case.id in wanted]
    plan = _Plan(uuid.uuid4().hex, opened.record, opened.tree.where, opened.variant, opened.others, deep=True)
    examined = _examined(plan, opened, numbers, jobs, journal, progress)
    return {opened.cases[number].id: found for number, _, found in examined}


def _chosen(there: int, wanted: int | None) -> list[int]:
    if wanted is None or wanted >= there:
        return list(range(there))
    return sorted({round(n * (there - 1) / max(1, wanted - 1)) for n in range(max(1, wanted))})


def _rank(finding: Finding) -> tuple[Any, ...]:
    return (
        _ORDER[finding.severity], finding.check, natural_key(finding.case or ""), natural_key(finding.file or ""),
        finding.message,
    )  # fmt: skip


# --- one case in whatever process ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a process needs to open the dataset itself, so that no task has to carry it."""

    token: str
    dataset: str | Record
    where: str | Tree
    variant: str
    others: Mapping[str, str]
    deep: bool


_OPENED: dict[str, Dataset] = {}
"""The dataset of the running audit, in each process that works on it."""


def _examined(
    plan: _Plan,
    opened: Dataset,
    numbers: list[int],
    jobs: int,
    journal: str | os.PathLike[str] | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[int, CaseFacts | None, list[Finding]]]:
    """Yield number, facts and findings of each case, in the order in which they are done."""
    kept = _journal(journal)
    tasks = ((str(n), _fingerprint(plan, opened, n) if kept is not None else "", n) for n in numbers)
    _OPENED.clear()
    _OPENED[plan.token] = opened
    try:
        done = worklist.run(tasks, partial(_examine, plan), journal=kept, jobs=jobs)
        for ended, outcome in enumerate(_unless_all_fail(done), 1):
            yield _settled(int(outcome.task_id), opened, outcome)
            if progress is not None:
                progress(ended, len(numbers))
    finally:
        _OPENED.clear()
        if kept is not None:
            kept.close()


def _journal(path: str | os.PathLike[str] | None) -> Any:
    """Open the journal, if one is wanted."""
    if path is None:
        return None
    from medshelf.engine.journal import Journal

    return Journal(path)


def _examine(plan: _Plan, number: int) -> dict[str, Any]:
    """Read and check one case."""
    opened = _OPENED.get(plan.token)
    if opened is None:
        _OPENED.clear()
        opened = _OPENED[plan.token] = open_dataset(
            plan.dataset, plan.where, variant=plan.variant, others=plan.others
        )
    reading = read_case(opened, number, deep=plan.deep)
    found = [finding.as_dict() for one in CASE_CHECKS for finding in one.run(reading)]
    return {"facts": facts_of(reading).as_dict(), "findings": found}


def _unless_all_fail(outcomes: Iterator[worklist.Outcome]) -> Iterator[worklist.Outcome]:
    """Hold failures back until a case succeeds, so that processes which can't start are not taken for bad cases."""
    held: list[worklist.Outcome] = []
    succeeded = False
    for outcome in outcomes:
        if isinstance(outcome.error, MissingExtra):
            raise outcome.error
        succeeded = succeeded or outcome.error is None
        held.append(outcome)
        if succeeded:
            yield from held
            held = []
        elif len(held) >= _MOST_FAILURES:
            break
    if held and held[0].error is not None:
        raise MedshelfError(
            "not one case could be looked at", where=held[0].task_id, why=str(held[0].error),
            hint="A script that asks for several jobs must be guarded by: if __name__ == '__main__'",
        ) from held[0].error  # fmt: skip


def _settled(
    number: int, opened: Dataset, outcome: worklist.Outcome
) -> tuple[int, CaseFacts | None, list[Finding]]:
    if outcome.result is not None:
        found = [Finding(**plain) for plain in outcome.result["findings"]]
        return number, CaseFacts.from_dict(outcome.result["facts"]), found
    error: MedshelfError | None = outcome.error
    assert error is not None
    case = opened.cases[number]
    message = Finding(
        "case.unreadable", "error", f"this case can't be read: {error.what}", case=case.id,
        evidence={"why": error.why}, proposal=error.hint,
    )  # fmt: skip
    return number, None, [message]


def _fingerprint(plan: _Plan, opened: Dataset, number: int) -> str:
    """Return what a case's result depends on: the program, how deep it looks, and sizes and times of the files."""
    import hashlib
    from importlib.metadata import version

    read_as = f"{opened.layout!r} {opened.assembler.errata!r}"
    told = hashlib.sha256(f"{version('medshelf')} {plan.variant} {plan.deep} {read_as}".encode())
    for refs in opened.cases[number].files.values():
        for ref in refs:
            place = opened.tree.blob(ref.name).path or Path(plan.where)
            stat = place.stat() if place.is_file() else None
            may = os.access(place, os.R_OK)  # so that a file that was forbidden once is tried again
            told.update(f"{ref.name} {may} {stat.st_size if stat else 0} {stat.st_mtime_ns if stat else 0}".encode())
    return told.hexdigest()

