"""Join matched files into cases.

Slots of role image make cases; every other file belongs to the cases whose key its fields agree
with. What does not work out is kept, for `check` to report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from medshelf.layout.fields import apply, fill
from medshelf.layout.match import Matched, match_names, templates_of
from medshelf.layout.template import Template, parse
from medshelf.model.case import Case, FieldValue, FileRef
from medshelf.model.layout import Layout, Slot
from medshelf.model.natural import natural_key

Key = tuple[FieldValue, ...]

SERIES_READERS = ("dicom_series", "slices")
"""Readers that make one thing of many files."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A file that a case should have."""

    case: str
    slot: str
    expected: str
    """The name that it should have."""
    values: tuple[str, ...] = ()
    """For an incomplete set: the enumerated values that are absent."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The cases of a tree, and what is wrong with them."""

    cases: tuple[Case, ...]
    orphans: tuple[FileRef, ...] = ()
    """Files that agree with no case."""
    duplicates: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """(case, slot, names) where one file is expected and several are there."""
    missing: tuple[Gap, ...] = ()
    incomplete: tuple[Gap, ...] = ()


@dataclass
class _Building:
    """A case while its files are gathered."""

    key: Key
    fields: dict[str, FieldValue] = field(default_factory=dict)
    captured: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[FileRef]] = field(default_factory=dict)
    at: str = ""


def cases_of(layout: Layout, names: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases that a list of names holds."""
    return join(layout, match_names(layout, names)).cases


def anchor_slots(layout: Layout) -> tuple[str, ...]:
    """Return the slots whose files make cases."""
    own = {n: s for n, s in layout.files.items() if not s.aux and s.dataset is None}
    images = [n for n, s in own.items() if s.role in ("image", "video", "mesh")]
    if images:
        return tuple(images)
    if any(table.anchor for table in layout.tables.values()):
        return ()
    return tuple(own)


def join(layout: Layout, matched: Matched) -> Joined:
    """Join matched files into cases and say what does not fit."""
    anchors = anchor_slots(layout)
    building: dict[Key, _Building] = {}
    later: list[FileRef] = []
    orphans: list[FileRef] = []
    for slot in anchors:
        for ref in matched.files.get(slot, ()):
            key = _key(layout, ref)
            if None in key:
                later.append(ref)
                continue
            _add(building.setdefault(key, _Building(key)), ref, lead=True)  # type: ignore[arg-type]
    for slot, refs in matched.files.items():
        if slot not in anchors:
            later.extend(refs)
    _attach(layout, building, later, orphans)
    return _finish(layout, building, orphans)


def _key(layout: Layout, ref: FileRef) -> tuple[FieldValue | None, ...]:
    return tuple(ref.fields.get(name) for name in layout.key)


def _add(case: _Building, ref: FileRef, *, lead: bool) -> None:
    case.files.setdefault(ref.slot, []).append(ref)
    if lead and not case.fields:
        case.at = ref.at
    for name, value in ref.fields.items():
        case.fields.setdefault(name, value)
    if lead:
        for name, text in zip(ref.names, ref.texts, strict=True):
            if text is not None:
                case.captured.setdefault(name, text)


def _attach(
    layout: Layout, building: dict[Key, _Building], refs: list[FileRef], orphans: list[FileRef]
) -> None:
    """Give each file to the cases that agree with the key fields it has."""
    indices: dict[tuple[int, ...], dict[Key, list[_Building]]] = {}
    for ref in refs:
        key = _key(layout, ref)
        here = tuple(n for n, value in enumerate(key) if value is not None)
        if here not in indices:
            index: dict[Key, list[_Building]] = {}
            for case in building.values():
                index.setdefault(tuple(case.key[n] for n in here), []).append(case)
            indices[here] = index
        cases = indices[here].get(tuple(key[n] for n in here), ())  # type: ignore[misc]
        applicable = [c for c in cases if applies(layout, ref.slot, c.fields)]
        for case in applicable:
            _add(case, ref, lead=False)
        if not applicable and layout.files[ref.slot].dataset is None and not _untranslated(layout):
            orphans.append(ref)


def _untranslated(layout: Layout) -> bool:
    """True when a table that translates key fields could not be read, as in a mere list of names."""
    rules = (layout.fields[name] for name in layout.key if name in layout.fields)
    return any(rule.map_from is not None and not rule.map for rule in rules)


def _finish(layout: Layout, building: dict[Key, _Building], orphans: list[FileRef]) -> Joined:
    cases: list[Case] = []
    duplicates: list[tuple[str, str, tuple[str, ...]]] = []
    missing: list[Gap] = []
    incomplete: list[Gap] = []
    for one in building.values():
        name = case_id(layout, one.key, {**one.fields, **one.captured})
        for slot in layout.files:
            _prefer(layout.files[slot], one.files, slot)
            duplicates += ((name, slot, names) for names in _doubled(layout.files[slot], one.files.get(slot, ())))
        gaps = list(_gaps(layout, one, name))
        missing += (gap for gap in gaps if not gap.values)
        incomplete += (gap for gap in gaps if gap.values)
        cases.append(_case(layout, one, name))
    cases.sort(key=lambda case: natural_key(case.id))
    return Joined(tuple(cases), tuple(orphans), tuple(duplicates), tuple(missing), tuple(incomplete))


def _case(layout: Layout, one: _Building, name: str) -> Case:
    values = {**one.fields, **one.captured}
    split = one.fields.get("split")
    return Case(
        id=name,
        key=one.key,
        fields=one.fields,
        files={slot: tuple(refs) for slot, refs in one.files.items()},
        patient=fill(layout.patient, values) if layout.patient else None,
        split=None if split is None else str(split),
    )


def case_id(layout: Layout, key: Key, values: Mapping[str, object]) -> str:
    """Return the name of the case with this key; `values` are its fields, as written where known."""
    named = fill(layout.case, values) if layout.case else None
    return named if named is not None else "/".join(str(values.get(n, v)) for n, v in zip(layout.key, key, strict=True))


def _prefer(slot: Slot, files: dict[str, list[FileRef]], name: str) -> None:
    """For ``either``: keep the files of the first alternative that this case has."""
    if slot.either and name in files:
        best = min(ref.alternative for ref in files[name])
        files[name] = [ref for ref in files[name] if ref.alternative == best]


def bound_fields(slot: Slot) -> tuple[str, ...]:
    """Return the fields that tell several files of one slot and case apart."""
    texts = " ".join(t for t in (slot.channel, slot.label, slot.annotator) if t)
    return tuple(dict.fromkeys(re.findall(r"\{(\w+)", texts)))


def _doubled(slot: Slot, refs: Sequence[FileRef]) -> Iterator[tuple[str, ...]]:
    if len(refs) < 2 or slot.merge or slot.reader in SERIES_READERS:
        return
    groups: dict[tuple[FieldValue | None, ...], list[str]] = {}
    for ref in refs:
        groups.setdefault(tuple(ref.fields.get(f) for f in bound_fields(slot)), []).append(ref.name)
    yield from (tuple(sorted(names)) for names in groups.values() if len(names) > 1)


def applies(layout: Layout, name: str, fields: Mapping[str, FieldValue]) -> bool:
    """True when a slot applies to a case with these fields."""
    slot = layout.files[name]
    for field_name, values in slot.only.items():
        if str(fields.get(field_name)) not in values:
            return False
    return any(_fits(layout, parse(text), fields) for text in templates_of(slot))


def _fits(layout: Layout, template: Template, fields: Mapping[str, FieldValue]) -> bool:
    """True when the enumerated fields of a template allow a case with these key fields."""
    for key in layout.key:
        if key not in fields:
            continue
        rule = layout.fields.get(key)
        source = rule.of if rule and rule.of else key
        if source in template.enumerated and str(fields[key]) not in _meanings(layout, template, key, source):
            return False
    return True


def _meanings(layout: Layout, template: Template, key: str, source: str) -> frozenset[str]:
    rule = layout.fields.get(key)
    words = template.enumerated[source]
    return frozenset(str(apply(rule, w)) if rule else w for w in words)


def _gaps(layout: Layout, one: _Building, case: str) -> Iterator[Gap]:
    for name, slot in layout.files.items():
        refs = one.files.get(name, [])
        if not refs:
            if not slot.optional and slot.dataset is None and applies(layout, name, one.fields):
                yield Gap(case, name, expected_name(layout, name, one.fields, one.captured, one.at))
            continue
        for field_name in slot.complete:
            wanted = _enumerated(slot, field_name)
            there = {ref.captured.get(field_name) for ref in refs}
            absent = tuple(value for value in wanted if value not in there)
            if absent:
                texts = {**one.captured, field_name: absent[0]}
                yield Gap(case, name, expected_name(layout, name, one.fields, texts, one.at), absent)


def _enumerated(slot: Slot, field_name: str) -> tuple[str, ...]:
    for text in templates_of(slot):
        if field_name in parse(text).enumerated:
            return parse(text).enumerated[field_name]
    return ()


def expected_name(
    layout: Layout, slot: str, fields: Mapping[str, FieldValue], texts: Mapping[str, str], at: str
) -> str:
    """Return the name that a file of this slot should have, as far as the case tells."""
    for text in templates_of(layout.files[slot]):
        template = parse(text)
        if _fits(layout, template, fields):
            values: dict[str, object] = {**fields, **texts}
            for name, words in template.enumerated.items():
                if str(values.get(name)) not in words:
                    values[name] = _word_for(layout, name, words, fields)
            return at + template.render(values)
    return ""


def _word_for(layout: Layout, name: str, words: tuple[str, ...], fields: Mapping[str, FieldValue]) -> str:
    """Return the word of an enumeration that means what the case's field says."""
    rule = layout.fields.get(name)
    for word in words:
        if rule is not None and str(apply(rule, word)) == str(fields.get(name)):
            return word
    return words[0]
