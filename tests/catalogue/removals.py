"""Take each file of a twin away, and say whether `check` has to see it and whether it does.

What has to be seen is worked out here from the layout and the cases of the plan, not from what `check` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import medshelf
from medshelf.layout.check import check_names
from medshelf.layout.join import SERIES_READERS, anchor_slots, bound_fields
from medshelf.layout.match import match_names
from medshelf.layout.twin import TwinPlan, names_of, plan
from medshelf.layout.variants import layouts_of
from medshelf.model.case import Case, FileRef
from medshelf.model.dataset import Record
from medshelf.model.layout import Expect, Layout

Seen = frozenset[tuple[str, str | None, str | None, str]]

BY_NAME = ("a table", "a data file beside its header", "the only file of a required kind", "a value that is demanded")
"""What names alone have to show."""


@dataclass(frozen=True)
class Removal:
    """One file taken away."""

    layout: str
    name: str
    reason: str
    """What the file is to its case: one of `BY_NAME`, or why names alone need not show that it is gone."""
    shown: str
    """What showed it: ``"names"``, ``"counts"``, ``"tables"`` or ``""``."""


def removals(record: Record, variant: str, place: Path) -> Iterator[Removal]:
    """Yield every removal from the twin of one layout; a twin is written at `place` if its tables are needed."""
    layout = layouts_of(record)[variant]
    planned = plan(layout, 2)
    names = names_of(layout, planned)
    counted = replace(record, layout=_as_twin(layout, record, variant, names))
    clean = _findings(counted, variant, names)
    written = False
    for number, name in enumerate(names):
        reason = _reason(layout, planned, name)
        fresh = _findings(counted, variant, [*names[:number], *names[number + 1 :]]) - clean
        shown = "names" if any(f[0] != "layout.count" for f in fresh) else "counts" if fresh else ""
        if not shown and any(t.key and not t.anchor for t in layout.tables.values()):
            if not written:
                medshelf.twin(record, place, cases=2, variant=variant)
                written = True
            shown = "tables" if _shown_by_tables(counted, variant, place, name) else ""
        yield Removal(f"{record.id}@{variant}" if variant else record.id, name, reason, shown)


def _findings(record: Record, variant: str, names: list[str]) -> Seen:
    found = check_names(record, names, variant=variant).findings
    return frozenset((f.check, f.file, f.case, f.message) for f in found if f.check != "layout.extra")


def _shown_by_tables(record: Record, variant: str, place: Path, name: str) -> bool:
    file, aside = place / name, place.parent / "aside"
    if not file.is_file():
        return False
    before = _warnings(record, variant, place)
    file.rename(aside)
    after = _warnings(record, variant, place)
    aside.rename(file)
    return bool(after - before)


def _warnings(record: Record, variant: str, place: Path) -> frozenset[tuple[str, str | None, str]]:
    found = medshelf.check(record, place, variant=variant).findings
    return frozenset((f.check, f.file, f.message) for f in found if f.severity != "info")


def _as_twin(layout: Layout, record: Record, variant: str, names: list[str]) -> Layout:
    """Return the record's layout with the counts that one of its layouts states set to those of the twin."""
    report = check_names(record, names, variant=variant)
    assert record.layout is not None
    stated = layout.expect
    if stated is None:
        return record.layout
    counts = Expect(
        cases=None if stated.cases is None else report.n_cases,
        splits={split: report.splits.get(split, 0) for split in stated.splits},
        files={slot: report.slots.get(slot, 0) for slot in stated.files},
    )
    changed = replace(layout, expect=counts)
    if not variant:
        return changed
    return replace(record.layout, variants={**record.layout.variants, variant: changed})


def _reason(layout: Layout, planned: TwinPlan, name: str) -> str:
    if any(table.name == name for table in planned.tables):
        matched = match_names(layout, [name]).tables
        return "an optional table" if all(layout.tables[t].optional for t in matched) else "a table"
    reasons = [_reason_in(layout, planned.cases, case, ref) for case, ref in _places(planned.cases, name)]
    if not reasons:
        return "a data file beside its header"
    return min(reasons, key=lambda reason: reason not in BY_NAME)


def _places(cases: tuple[Case, ...], name: str) -> Iterator[tuple[Case, FileRef]]:
    for case in cases:
        for refs in case.files.values():
            yield from ((case, ref) for ref in refs if ref.name == name)


def _reason_in(layout: Layout, cases: tuple[Case, ...], case: Case, ref: FileRef) -> str:
    """What a file is to one of its cases."""
    slot = layout.files[ref.slot]
    beside = [other for other in case.files[ref.slot] if other is not ref]
    if beside:
        return _reason_beside(layout, ref, beside)
    if slot.sidecar:
        return "a data file beside its header"
    if slot.dataset is not None:
        return "a file that another dataset holds"
    own = {name: refs for name, refs in case.files.items() if layout.files[name].dataset is None}
    others = [r for name, refs in own.items() if name != ref.slot for r in refs]
    if slot.optional and ref.slot not in anchor_slots(layout):
        return "a file that a case may lack"
    if not others:
        return "the sole file of a case"
    elsewhere = {r.name for one in cases if one is not case for refs in one.files.values() for r in refs}
    makers = [r for r in others if r.slot in anchor_slots(layout)]
    if slot.optional and makers:
        return "a file that a case may lack"
    if not makers and all(r.name in elsewhere for r in others):
        return "the sole file of a case that isn't shared with others"
    return "the only file of a required kind"


def _reason_beside(layout: Layout, ref: FileRef, beside: list[FileRef]) -> str:
    slot = layout.files[ref.slot]
    for name in slot.complete:
        value = ref.captured.get(name)
        if all(other.captured.get(name) != value for other in beside):
            return "a value that is demanded"
    if slot.reader in SERIES_READERS:
        return "one member of a series"
    if bound_fields(slot):
        return "one of an open set"
    return "one of several parts"


def figures(found: list[Removal]) -> str:
    """Return a table of the removals: by reason, and by what showed them."""
    lines = []
    for reason, n in Counter(one.reason for one in found).most_common():
        shown = Counter(one.shown for one in found if one.reason == reason)
        told = ", ".join(f"{shown[by]} by {by}" for by in ("names", "counts", "tables") if shown[by])
        lines.append(f"{reason}: {n} removed, {told or 'none shown'}, {shown['']} silent")
    return "\n".join(lines)
