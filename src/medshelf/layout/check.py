"""Check a list of names against a layout: what is missing, extra, doubled, astray or too few.

Names only: nothing is opened, so a folder, an archive's directory and a hub's listing are all alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from medshelf.layout.absent_tables import absent_tables
from medshelf.layout.bulk import collector_paused
from medshelf.layout.gaps import gaps
from medshelf.layout.join import Gap, Joined, join
from medshelf.layout.match import Matched, holds_nothing, templates_of
from medshelf.layout.template import parse
from medshelf.layout.variants import choose, layouts_of
from medshelf.model.dataset import Record
from medshelf.model.finding import Finding
from medshelf.model.layout import Expect, Layout
from medshelf.model.natural import natural_key


@dataclass(frozen=True, slots=True)
class Report:
    """What `check_names` found."""

    dataset: str
    variant: str
    """Name of the repackaging that fits, ``""`` for the release itself."""
    verdict: str
    """One sentence."""
    findings: tuple[Finding, ...]
    """In the order of their making: what is missing first."""
    n_names: int
    """Number of names that were looked at."""
    n_cases: int
    """Number of cases that they make."""
    splits: Mapping[str, int] = field(default_factory=dict)
    """Number of cases by split."""
    slots: Mapping[str, int] = field(default_factory=dict)
    """Number of files by slot and table."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        plain = {name: getattr(self, name) for name in ("dataset", "variant", "verdict", "n_names", "n_cases")}
        findings = [f.as_dict() for f in self.findings]
        return {**plain, "splits": dict(self.splits), "slots": dict(self.slots), "findings": findings}


@dataclass(frozen=True, slots=True)
class Examined:
    """What `examine` found, and what it was found in."""

    report: Report
    layout: Layout
    matched: Matched
    joined: Joined


def check_names(record: Record, names: Iterable[str], *, variant: str | None = None) -> Report:
    """Check the names of a folder, archive or listing against a record's layout.

    Parameters
    ----------
    record : Record
        A record with a layout.
    names : iterable of str
        Names below the root.
    variant : str, optional
        Which repackaging to check against; by default the one that fits best.

    Raises
    ------
    LayoutError
        The record states no layout, or has no such variant.
    """
    listed = names if isinstance(names, Sequence) else list(names)
    return examine(record, listed, variant=variant).report


def examine(record: Record, names: Sequence[str], *, variant: str | None = None) -> Examined:
    """Check names as `check_names` does, and return with the report the matched and joined files."""
    with collector_paused():
        chosen, matched = choose(layouts_of(record), names, variant)
        layout = layouts_of(record)[chosen]
        joined = join(layout, matched)
        findings = [_named(f, record.id) for f in _findings(layout, matched, joined, names)]
    report = Report(
        dataset=record.id,
        variant=chosen,
        verdict=_verdict(layout, matched, joined, findings),
        findings=tuple(findings),
        n_names=matched.total,
        n_cases=len(joined.units),
        splits=dict(Counter(unit.split or "none" for unit in joined.units)),
        slots={name: len(refs) for name, refs in (matched.files | matched.tables).items()},
    )
    return Examined(report, layout, matched, joined)


def _named(finding: Finding, dataset: str) -> Finding:
    return Finding(
        finding.check, finding.severity, finding.message, dataset, finding.case, finding.file,
        finding.evidence, finding.proposal,
    )  # fmt: skip


def _findings(layout: Layout, matched: Matched, joined: Joined, names: Sequence[str]) -> Iterator[Finding]:
    if holds_nothing(layout, matched):
        yield _nothing(layout, matched, names)
        return
    yield from (_missing(gap) for gap in joined.missing)
    yield from (_incomplete(gap) for gap in joined.incomplete)
    yield from _orphans(layout, joined)
    yield from _duplicates(joined)
    yield from _ambiguous(matched)
    yield from _tables(layout, matched, joined)
    yield from _sidecars(layout, matched)
    yield from _repeated_ids(joined)
    yield from gaps(layout, joined)
    yield from _extra(layout, matched)
    yield from _elsewhere(layout, matched)
    if layout.rows is None and not any(table.anchor for table in layout.tables.values()):
        yield from _case_counts(layout.expect, joined)
    yield from _file_counts(layout.expect, matched)


def _nothing(layout: Layout, matched: Matched, names: Sequence[str]) -> Finding:
    wanted = [text for slot in layout.files.values() for text in templates_of(slot)]
    wanted += [text for t in layout.tables.values() for text in ((t.path,) if isinstance(t.path, str) else t.path[:1])]
    near = get_close_matches(PurePosixPath(wanted[0]).name, [PurePosixPath(n).name for n in names[:2000]], 3, 0.3)
    return Finding(
        "layout.nothing-matched",
        "error",
        "there are no files here" if not names else f"none of {len(names)} names is a file of this layout",
        evidence={"wanted": wanted[:5], "nearest": near, "n_names": matched.total},
        proposal="Another folder, another release or another dataset? Try: medshelf identify",
    )


def _missing(gap: Gap) -> Finding:
    return Finding(
        "layout.missing", "error", f"the {gap.slot} of case {gap.case} is missing", case=gap.case,
        file=gap.expected, evidence={"slot": gap.slot}, proposal="Fetch it again, or leave the case out",
    )  # fmt: skip


def _incomplete(gap: Gap) -> Finding:
    return Finding(
        "layout.incomplete", "error", f"case {gap.case} lacks {', '.join(gap.values)} of its {gap.slot}",
        case=gap.case, file=gap.expected, evidence={"slot": gap.slot, "absent": list(gap.values)},
        proposal="Fetch them again, or leave the case out",
    )  # fmt: skip


def _orphans(layout: Layout, joined: Joined) -> Iterator[Finding]:
    for ref in joined.orphans:
        role = layout.files[ref.slot].role
        yield Finding(
            "layout.orphan", "error", f"this {role} belongs to no image that is here", file=ref.name,
            evidence={"slot": ref.slot, "fields": dict(ref.fields)}, proposal="Fetch its image, or leave it out",
        )  # fmt: skip


def _duplicates(joined: Joined) -> Iterator[Finding]:
    for case, slot, names in joined.duplicates:
        yield Finding(
            "layout.duplicate", "error", f"case {case} has {len(names)} files for {slot} where one is expected",
            case=case, file=names[0], evidence={"slot": slot, "files": list(names)},
            proposal="Keep one copy",
        )  # fmt: skip


def _elsewhere(layout: Layout, matched: Matched) -> Iterator[Finding]:
    for name, slot in layout.files.items():
        if slot.dataset is not None and name not in matched.files:
            yield Finding(
                "layout.elsewhere", "info", f"the {name} is not part of this release: {slot.dataset} has it",
                evidence={"slot": name, "dataset": slot.dataset},
                proposal=f"Fetch {slot.dataset} and name its place: --other {slot.dataset}=PLACE",
            )  # fmt: skip


def _ambiguous(matched: Matched) -> Iterator[Finding]:
    for name, slots in matched.ambiguous:
        yield Finding(
            "layout.ambiguous", "warning", f"the name fits {' and '.join(slots)}", file=name,
            evidence={"slots": list(slots)},
        )  # fmt: skip


def _tables(layout: Layout, matched: Matched, joined: Joined) -> Iterator[Finding]:
    for name, table in layout.tables.items():
        refs = matched.tables.get(name, [])
        for text in (table.path,) if isinstance(table.path, str) else table.path:
            for expected in absent_tables(layout, parse(text), refs, joined):
                yield Finding(
                    "layout.missing", "info" if table.optional else "error",
                    f"the table {name} is missing", file=expected, evidence={"table": name},
                    proposal="Its columns can't be joined to the cases without it",
                )  # fmt: skip


def _sidecars(layout: Layout, matched: Matched) -> Iterator[Finding]:
    there = {ref.name for ref in matched.sidecars}
    used: set[str] = set()
    for name, slot in layout.files.items():
        for ref in matched.files.get(name, ()) if slot.sidecar else ():
            stem = ref.name.rpartition(".")[0]
            found = [stem + ending for ending in slot.sidecar if stem + ending in there]
            used.update(found)
            if not found:
                yield Finding(
                    "layout.missing", "error", "the data file of this header is missing",
                    file=stem + slot.sidecar[0], evidence={"slot": name, "header": ref.name},
                    proposal="Fetch it again",
                )  # fmt: skip
    for name in sorted(there - used):
        yield Finding(
            "layout.orphan", "error", "this data file has no header beside it", file=name,
            proposal="Fetch its header",
        )  # fmt: skip


def _repeated_ids(joined: Joined) -> Iterator[Finding]:
    counts = Counter(unit.id for unit in joined.units)
    for name in sorted((name for name, count in counts.items() if count > 1), key=natural_key):
        yield Finding(
            "layout.repeated-id", "error", f"{counts[name]} cases are called {name}", case=name,
            evidence={"n": counts[name]}, proposal="The record's `case` template needs another field",
        )  # fmt: skip


def _extra(layout: Layout, matched: Matched) -> Iterator[Finding]:
    """Report names that fit nothing: one by one, and where there are very many, the rest of each kind as one."""
    endings = {_ending(text) for slot in layout.files.values() for text in templates_of(slot)}
    told = Counter[bool]()
    for name in matched.extra:
        like_data = _ending(name) in endings
        told[like_data] += 1
        if told[like_data] <= _MOST_EXTRA:
            yield _unknown_name(like_data, "the layout knows no such file", name)
    for like_data, n in told.items():
        if n > _MOST_EXTRA:
            said = f"the layout knows none of {n - _MOST_EXTRA} further files"
            yield _unknown_name(like_data, said, None, {"n": n - _MOST_EXTRA})


def _unknown_name(like_data: bool, said: str, name: str | None, evidence: dict[str, Any] | None = None) -> Finding:
    return Finding(
        "layout.extra", "warning" if like_data else "info", said, file=name, evidence=evidence or {},
        proposal="A misnamed file, or one of another release" if like_data else None,
    )  # fmt: skip


_MOST_EXTRA = 10_000
"""Names of one kind that fit nothing and are reported one by one."""


def _ending(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def _case_counts(expect: Expect | None, joined: Joined) -> Iterator[Finding]:
    if expect is not None:
        splits = joined.splits
        pairs = [("cases", expect.cases, len(joined.units))] if expect.cases is not None else []
        pairs += [(f"{split} cases", n, splits.get(split, 0)) for split, n in expect.splits.items()]
        yield from count_findings(pairs)


def _file_counts(expect: Expect | None, matched: Matched) -> Iterator[Finding]:
    if expect is not None:
        there = {**matched.tables, **matched.files}
        yield from count_findings((f"files of {slot}", n, len(there.get(slot, ()))) for slot, n in expect.files.items())


def count_findings(pairs: Iterable[tuple[str, int, int]]) -> Iterator[Finding]:
    """Yield a finding for every (what, expected, found) that does not agree."""
    for what, wanted, found in pairs:
        if wanted != found:
            yield Finding(
                "layout.count", "warning", f"the whole release has {wanted} {what}, here are {found}",
                evidence={"what": what, "expected": wanted, "found": found},
                proposal="A part of the release?" if found < wanted else "More than one release in one folder?",
            )  # fmt: skip


def _verdict(layout: Layout, matched: Matched, joined: Joined, findings: Sequence[Finding]) -> str:
    if holds_nothing(layout, matched):
        return "not this dataset, or another edition of it"
    kinds = Counter(f.check for f in findings if f.severity == "error")
    few = [f for f in findings if f.check == "layout.count" and f.evidence["found"] < f.evidence["expected"]]
    if kinds:
        told = ", ".join(f"{n} {name.removeprefix('layout.')}" for name, n in kinds.most_common())
        return f"{'a part of the release, ' if few else ''}with defects: {told}"
    if few:
        return "a part of the release; what is here is whole"
    if any(f.severity == "warning" for f in findings):
        return "whole, with something to look at"
    return "whole"
