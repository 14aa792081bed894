"""The rules of matching and joining once more, as plainly as can be: what the fast way is compared with.

Every name is tried with every template, every file with every case; nothing is kept, shared or put off.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from medshelf.layout.fields import derive
from medshelf.layout.join import anchor_slots, applies, bound_fields, expected_name
from medshelf.layout.match import canonical, entries, is_junk, is_paperwork
from medshelf.layout.template import parse
from medshelf.layout.unit import case_id
from medshelf.model.layout import Layout, Slot


@dataclass
class File:
    slot: str
    name: str
    at: str
    alternative: int
    captured: dict[str, str | None]
    fields: dict[str, Any]


@dataclass
class Told:
    """One case."""

    key: tuple[Any, ...]
    leads: list[File]
    files: list[File]
    fields: dict[str, Any] = field(default_factory=dict)

    def captured(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for file in self.leads:
            found = {**{k: v for k, v in file.captured.items() if v is not None}, **found}
        return found


def findings(layout: Layout, names: list[str]) -> dict[str, Any]:
    """Return what a check should find: for each kind, (case, file, what else counts), and the counts."""
    files, extra, ambiguous = _files(layout, names)
    cases, orphans = _cases(layout, [f for f in files if f.slot in layout.files])
    found: Counter[tuple[Any, ...]] = Counter()
    ids: Counter[str] = Counter()
    for case in cases:
        name = case_id(layout, case.key, {**case.fields, **case.captured()})
        ids[name] += 1
        found.update(_of_case(layout, case, name))
    found.update(("layout.orphan", None, file.name, tuple(sorted(file.fields.items()))) for file in orphans)
    found.update(("layout.ambiguous", None, name, slots) for name, slots in ambiguous)
    found.update(("layout.repeated-id", name, None, n) for name, n in ids.items() if n > 1)
    found.update(("layout.extra", None, name, None) for name in extra)
    return {
        "findings": found,
        "n_cases": len(cases),
        "splits": Counter(str(case.fields.get("split", "none")) for case in cases),
        "slots": Counter(file.slot for file in files),
    }


def _files(layout: Layout, names: list[str]) -> tuple[list[File], list[str], list[tuple[str, tuple[str, ...]]]]:
    files: list[File] = []
    extra: list[str] = []
    ambiguous: list[tuple[str, tuple[str, ...]]] = []
    for name in names:
        if is_junk(name):
            continue
        fits = [(entry, entry.template.regex.fullmatch(canonical(name))) for entry in entries(layout)]
        hits = [(entry, match) for entry, match in fits if match is not None]
        if not hits and not is_paperwork(name) and not name.lower().endswith(".zip"):
            extra.append(name)
        if any(entry.kind == "ignore" for entry, _ in hits):
            continue
        seen: list[str] = []
        for entry, match in hits:
            if entry.slot not in seen:
                seen.append(entry.slot)
                captured = match.groupdict()
                at = captured.pop("_at") or ""
                told = derive(captured, entry.template.whole_numbers, layout.fields)
                files.append(File(entry.slot, name, at, entry.alternative, captured, told))
        slots = tuple(sorted(slot for slot in seen if slot in layout.files))
        if len(slots) > 1:
            ambiguous.append((name, slots))
    return files, extra, ambiguous


def _cases(layout: Layout, files: list[File]) -> tuple[list[Told], list[File]]:
    cases: list[Told] = []
    later: list[File] = []
    anchors = anchor_slots(layout)
    for slot in [*anchors, *dict.fromkeys(f.slot for f in files if f.slot not in anchors)]:
        for file in [f for f in files if f.slot == slot]:
            key = tuple(file.fields.get(name) for name in layout.key)
            if slot not in anchors or None in key:
                later.append(file)
                continue
            case = next((c for c in cases if c.key == key), None)
            if case is None:
                case = Told(key, [], [])
                cases.append(case)
            case.leads.append(file)
            case.files.append(file)
            case.fields = {**file.fields, **case.fields}
    orphans: list[File] = []
    for file in later:
        said = {n: file.fields[name] for n, name in enumerate(layout.key) if name in file.fields}
        agreeing = [case for case in cases if all(case.key[n] == value for n, value in said.items())]
        taken = [case for case in agreeing if applies(layout, file.slot, case.fields)]
        for case in taken:
            case.files.append(file)
            case.fields = {**file.fields, **case.fields}
        if not taken:
            orphans.append(file)
    return cases, orphans


def _of_case(layout: Layout, case: Told, name: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    at = next((f.at for f in case.leads if f.fields), case.leads[-1].at)
    for slot_name, slot in layout.files.items():
        files = [f for f in case.files if f.slot == slot_name]
        if slot.either and files:
            files = [f for f in files if f.alternative == min(g.alternative for g in files)]
        if not files and not slot.optional and applies(layout, slot_name, case.fields):
            expected = expected_name(layout, slot_name, case.fields, case.captured(), at)
            found.append(("layout.missing", name, expected, slot_name))
        for field_name in slot.complete if files else ():
            words = _words(slot, field_name)
            absent = [word for word in words if word not in {f.captured.get(field_name) for f in files}]
            if absent:
                texts = {**case.captured(), field_name: absent[0]}
                expected = expected_name(layout, slot_name, case.fields, texts, at)
                found.append(("layout.incomplete", name, expected, (slot_name, tuple(absent))))
        if not slot.merge and slot.reader != "dicom_series":
            bound = bound_fields(slot)
            alike = Counter(tuple(f.fields.get(b) for b in bound) for f in files)
            for values, n in alike.items():
                if n > 1:
                    doubled = sorted(f.name for f in files if tuple(f.fields.get(b) for b in bound) == values)
                    found.append(("layout.duplicate", name, doubled[0], (slot_name, tuple(doubled))))
    return found


def _words(slot: Slot, field_name: str) -> tuple[str, ...]:
    texts = slot.either or ((slot.path,) if isinstance(slot.path, str) else slot.path)
    return next((parse(t).enumerated[field_name] for t in texts if re.search(rf"{{{field_name}:", t)), ())
