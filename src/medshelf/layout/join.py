"""Join matched files into cases.

Slots of role image make cases; every other file belongs to the cases whose key its fields agree
with. What does not work out is kept, for `check` to report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from medshelf.layout.fields import Fields, apply
from medshelf.layout.match import Matched, match_names, templates_of
from medshelf.layout.template import Template, parse
from medshelf.layout.unit import Key, Unit, namer
from medshelf.model.case import Case, FieldValue, FileRef
from medshelf.model.layout import Layout, Slot
from medshelf.model.natural import natural_key

SERIES_READERS = ("dicom_series", "slices")
"""Readers that make one thing of many files."""
_KEPT = 1 << 14


@dataclass(frozen=True, slots=True)
class Gap:
    """A file that a case should have."""

    case: str
    slot: str
    expected: str
    """The name that it should have."""
    values: tuple[str, ...] = ()
    """For an incomplete set: the enumerated values that are absent."""


@dataclass(frozen=True)
class Joined:
    """The cases of a tree, and what is wrong with them."""

    units: tuple[Unit, ...]
    """What makes the cases, in the order of the names."""
    orphans: tuple[FileRef, ...] = ()
    """Files that agree with no case."""
    duplicates: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """(case, slot, names) where one file is expected and several are there."""
    missing: tuple[Gap, ...] = ()
    incomplete: tuple[Gap, ...] = ()
    layout: Layout | None = field(default=None, repr=False, compare=False)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The cases, in natural order of their ids."""
        layout = self.layout
        made = [unit.case(layout) for unit in self.units] if layout is not None else []
        return tuple(sorted(made, key=lambda case: natural_key(case.id)))

    @property
    def splits(self) -> Counter[str | None]:
        """Number of cases by split."""
        return Counter(unit.split for unit in self.units)


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
    units: dict[Key, Unit] = {}
    later: list[FileRef] = []
    key_fields = Fields(layout.key)
    for ref in chain.from_iterable(matched.files.get(slot, ()) for slot in anchors):
        key = key_fields.of(ref)
        if None in key:
            later.append(ref)
            continue
        unit = units.get(key)  # type: ignore[arg-type]
        if unit is None:
            unit = units[key] = Unit(key)  # type: ignore[index, arg-type]
        _add(unit, ref)
        unit.n_leads += 1
    for slot, refs in matched.files.items():
        if slot not in anchors:
            later.extend(refs)
    orphans = _attach(layout, units, later)
    return _finish(layout, tuple(units.values()), orphans)


def _add(unit: Unit, ref: FileRef) -> None:
    """Add a file; its fields are only worked out where it may have some that are not known yet."""
    unit.refs.append(ref)
    if not unit.fields:
        unit.fields = ref.fields
    elif not ref.reading.possible <= unit.fields.keys():
        for name, value in ref.fields.items():
            unit.fields.setdefault(name, value)


def _attach(layout: Layout, units: dict[Key, Unit], refs: list[FileRef]) -> list[FileRef]:
    """Give each file to the cases that agree with the key fields it has; return those that agree with none."""
    orphans: list[FileRef] = []
    indices: dict[tuple[int, ...], dict[Key, list[Unit]]] = {}
    applies_to = {slot: _applying(layout, slot) for slot in layout.files}
    key_fields = Fields(layout.key)
    untranslated = _untranslated(layout)
    for ref in refs:
        key = key_fields.of(ref)
        if None not in key:
            unit = units.get(key)  # type: ignore[arg-type]
            agreeing = [] if unit is None else [unit]
        else:
            here = tuple(n for n, value in enumerate(key) if value is not None)
            if here not in indices:
                indices[here] = _index(units.values(), here)
            agreeing = indices[here].get(tuple(key[n] for n in here), [])  # type: ignore[misc]
        applicable = [unit for unit in agreeing if applies_to[ref.reading.slot](unit.fields)]
        for unit in applicable:
            _add(unit, ref)
        if not applicable and layout.files[ref.reading.slot].dataset is None and not untranslated:
            orphans.append(ref)
    return orphans


def _untranslated(layout: Layout) -> bool:
    """True when a table that translates key fields could not be read, as in a mere list of names."""
    rules = (layout.fields[name] for name in layout.key if name in layout.fields)
    return any(rule.map_from is not None and not rule.map for rule in rules)


def _index(units: Iterable[Unit], here: tuple[int, ...]) -> dict[Key, list[Unit]]:
    """Return the units by some of the fields of their keys."""
    index: dict[Key, list[Unit]] = {}
    for unit in units:
        index.setdefault(tuple(unit.key[n] for n in here), []).append(unit)
    return index


def _finish(layout: Layout, units: tuple[Unit, ...], orphans: list[FileRef]) -> Joined:
    """Name the units, and say what they lack and what they have twice."""
    duplicates: list[tuple[str, str, tuple[str, ...]]] = []
    missing: list[Gap] = []
    incomplete: list[Gap] = []
    name_of = namer(layout)
    slots = [(name, slot, _applying(layout, name), Fields(bound_fields(slot))) for name, slot in layout.files.items()]
    for unit in units:
        unit.id = name_of(unit)
        files = unit.files(layout)
        for name, slot, applies_to, bound in slots:
            refs = files.get(name)
            if refs is None:
                if not slot.optional and slot.dataset is None and applies_to(unit.fields):
                    expected = expected_name(layout, name, unit.fields, unit.captured(), unit.at())
                    missing.append(Gap(unit.id, name, expected))
                continue
            if len(refs) > 1:
                duplicates += ((unit.id, name, names) for names in _doubled(slot, refs, bound))
            if slot.complete:
                incomplete += _incomplete(layout, unit, name, refs)
    return Joined(units, tuple(orphans), tuple(duplicates), tuple(missing), tuple(incomplete), layout)


def bound_fields(slot: Slot) -> tuple[str, ...]:
    """Return the fields that tell several files of one slot and case apart."""
    texts = " ".join(t for t in (slot.channel, slot.label, slot.annotator) if t)
    return tuple(dict.fromkeys(re.findall(r"\{(\w+)", texts)))


def _doubled(slot: Slot, refs: Sequence[FileRef], bound: Fields) -> Iterator[tuple[str, ...]]:
    if slot.merge or slot.reader in SERIES_READERS:
        return
    groups: dict[tuple[FieldValue | None, ...], list[str]] = {}
    for ref in refs:
        groups.setdefault(bound.of(ref), []).append(ref.name)
    yield from (tuple(sorted(names)) for names in groups.values() if len(names) > 1)


def applies(layout: Layout, name: str, fields: Mapping[str, FieldValue]) -> bool:
    """True when a slot applies to a case with these fields."""
    slot = layout.files[name]
    for field_name, values in slot.only.items():
        if str(fields.get(field_name)) not in values:
            return False
    return any(_fits(layout, parse(text), fields) for text in templates_of(slot))


def _applying(layout: Layout, name: str) -> Callable[[Mapping[str, FieldValue]], bool]:
    """Return `applies` of one slot, which is worked out once for all cases that are alike in what counts."""
    enumerated = {word for text in templates_of(layout.files[name]) for word in parse(text).enumerated}
    keys = [key for key in layout.key if _source(layout, key) in enumerated]
    asked = tuple(dict.fromkeys((*layout.files[name].only, *keys)))
    known: dict[tuple[FieldValue | None, ...], bool] = {}

    def told(fields: Mapping[str, FieldValue]) -> bool:
        values = tuple([fields.get(field_name) for field_name in asked])
        if values not in known:
            if len(known) >= _KEPT:
                known.clear()
            known[values] = applies(layout, name, fields)
        return known[values]

    return told


def _source(layout: Layout, key: str) -> str:
    """Return the captured field that a field of the key is made from."""
    rule = layout.fields.get(key)
    return rule.of if rule and rule.of else key


def _fits(layout: Layout, template: Template, fields: Mapping[str, FieldValue]) -> bool:
    """True when the enumerated fields of a template allow a case with these key fields."""
    for key in layout.key:
        if key not in fields:
            continue
        source = _source(layout, key)
        if source in template.enumerated and str(fields[key]) not in _meanings(layout, template, key, source):
            return False
    return True


def _meanings(layout: Layout, template: Template, key: str, source: str) -> frozenset[str]:
    rule = layout.fields.get(key)
    words = template.enumerated[source]
    return frozenset(str(apply(rule, w)) if rule else w for w in words)


def _incomplete(layout: Layout, unit: Unit, name: str, refs: Sequence[FileRef]) -> Iterator[Gap]:
    for field_name in layout.files[name].complete:
        there = {ref.text(field_name) for ref in refs}
        absent = tuple(value for value in _enumerated(layout.files[name], field_name) if value not in there)
        if absent:
            texts = {**unit.captured(), field_name: absent[0]}
            yield Gap(unit.id, name, expected_name(layout, name, unit.fields, texts, unit.at()), absent)


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
