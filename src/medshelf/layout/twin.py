"""Plan a twin: the names of a small synthetic copy of a release, from its layout read backwards.

Names only; `medshelf.samples.twin` writes the bytes. A twin proves that a record is consistent,
never that it is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from medshelf.layout.fields import derive
from medshelf.layout.invent import invent
from medshelf.layout.join import SERIES_READERS, anchor_slots, applies, bound_fields, cases_of
from medshelf.layout.match import templates_of
from medshelf.layout.template import Template, parse
from medshelf.layout.twin_rows import TwinTable, tables_of, top_folder
from medshelf.layout.twin_values import Captured, complete, fitting_words, is_key, member_fields, value_of
from medshelf.model.case import Case, FieldValue
from medshelf.model.layout import Layout, Slot

SERIES_LENGTH = 6
"""Number of members of an invented series of slices."""


@dataclass(frozen=True, slots=True)
class TwinFile:
    """One file that the writer has to make."""

    name: str
    slot: str
    case: str
    """Id of the case, or ``""`` for files that several share."""
    number: int
    """Number of the case, from 0: what its phantom is made from."""
    captured: Mapping[str, str]
    member: int = 0
    """Position in a series, from 0."""


@dataclass(frozen=True, slots=True)
class TwinPlan:
    """All that a twin holds."""

    files: tuple[TwinFile, ...]
    tables: tuple[TwinTable, ...]
    cases: tuple[Case, ...] = field(default=())


def plan(layout: Layout, n_cases: int = 3) -> TwinPlan:
    """Plan a twin with `n_cases` cases for each combination of enumerated key fields.

    Raises
    ------
    LayoutError
        A field needs an example that the layout does not give.
    """
    captured = list(_anchored(layout, n_cases))
    files = list(_files(layout, captured))
    named = {(f.name, layout.files[f.slot].array): f for f in files}
    cases = cases_of(layout, dict.fromkeys(f.name for f in files))
    tables = tuple(tables_of(layout, cases, n_cases))
    return TwinPlan(tuple(named.values()), tables, cases)


def names_of(layout: Layout, planned: TwinPlan) -> list[str]:
    """Return every name that a twin will have: files, the data files beside headers, and tables."""
    names = [*dict.fromkeys(f.name for f in planned.files), *(t.name for t in planned.tables)]
    for file in planned.files:
        for ending in layout.files[file.slot].sidecar[:1]:
            names.append(file.name.rpartition(".")[0] + ending)
    return names


def _anchored(layout: Layout, n_cases: int) -> Iterator[tuple[str, int, Captured]]:
    """Yield (slot, number, captured fields) for the file that makes each case."""
    count = 0
    for slot in _leading(layout):
        texts = templates_of(layout.files[slot])
        for text in texts[:1] if layout.files[slot].either else texts:
            template = parse(text)
            keyed = [f for f in template.enumerated if is_key(layout, f)]
            for words in product(*(template.enumerated[f] for f in keyed)):
                for n in range(n_cases):
                    number = count + n
                    start = dict(zip(keyed, words, strict=True))
                    yield slot, number, complete(layout, slot, template, start, number)
                count += n_cases


def _leading(layout: Layout) -> list[str]:
    """Return one anchoring slot for each kind of case: of several that make the same cases, the first."""
    leading: list[str] = []
    for slot in anchor_slots(layout):
        if not any(_same_key(layout, slot, other) for other in leading):
            leading.append(slot)
    return leading


def _files(layout: Layout, anchored: list[tuple[str, int, Captured]]) -> Iterator[TwinFile]:
    anchors = set(_leading(layout))
    for slot, number, captured in anchored:
        fields = _derived(layout, slot, captured)
        yield from _members(layout, slot, number, captured, fields)
        for other in layout.files:
            if other != slot and other not in anchors and applies(layout, other, fields):
                yield from _members(layout, other, number, captured, fields)


def _derived(layout: Layout, slot: str, captured: Captured) -> dict[str, FieldValue]:
    whole = frozenset[str]().union(*(parse(t).whole_numbers for t in templates_of(layout.files[slot])))
    return derive(captured, whole, layout.fields)


def _same_key(layout: Layout, slot: str, other: str) -> bool:
    """True when two image slots make the same cases, so that each of them has both files."""
    return _enumerations(layout, slot) == _enumerations(layout, other)


def _enumerations(layout: Layout, slot: str) -> dict[str, tuple[str, ...]]:
    template = parse(templates_of(layout.files[slot])[0])
    return {f: w for f, w in template.enumerated.items() if is_key(layout, f)}


def _members(
    layout: Layout, slot: str, number: int, captured: Captured, fields: Mapping[str, FieldValue]
) -> Iterator[TwinFile]:
    """Yield the files of one slot of one case: one, or one for each channel, structure, reader or slice."""
    one = layout.files[slot]
    template = _template_for(layout, one, captured, fields)
    if template is None:
        return
    members = member_fields(layout, one, template)
    values = {n: text for n, text in captured.items() if n in template.fields and n not in members}
    values |= fitting_words(layout, template, values, fields)
    bound = dict.fromkeys(f for f in (*bound_fields(one), *one.complete) if f in template.fields)
    many = [f for f in bound if not _told(layout, f, captured, template)]
    choices = [_choices(layout, slot, one, template, name, fields) for name in many]
    for words in product(*choices):
        chosen = {**values, **dict(zip(many, words, strict=True))}
        for member in range(_n_members(one, members)):
            rest = {f: value_of(layout, slot, template, f, member) for f in members if f not in chosen}
            filled = complete(layout, slot, template, {**chosen, **rest}, number)
            name = top_folder(layout) + template.render(filled)
            yield TwinFile(name, slot, "", number, filled, member)


def _template_for(
    layout: Layout, slot: Slot, captured: Captured, fields: Mapping[str, FieldValue]
) -> Template | None:
    """Return the first template of a slot whose enumerated fields allow this case."""
    for text in templates_of(slot):
        template = parse(text)
        values = {n: t for n, t in captured.items() if n in template.fields}
        words = fitting_words(layout, template, values, fields)
        merged = {**values, **words}
        if all(merged.get(n) in w for n, w in template.enumerated.items() if n in merged):
            return template
    return None


def _told(layout: Layout, name: str, captured: Captured, template: Template) -> bool:
    """True when the case itself tells a field's word, so that there is nothing to choose."""
    return is_key(layout, name) and captured.get(name) in template.enumerated.get(name, (captured.get(name),))


def _choices(
    layout: Layout, slot: str, one: Slot, template: Template, name: str, fields: Mapping[str, FieldValue]
) -> tuple[str, ...]:
    if name in template.enumerated:
        words = template.enumerated[name]
        meant = [w for w in words if _agrees(derive({name: w}, frozenset(), layout.fields), fields, name)]
        return tuple(meant) if is_key(layout, name) else words
    if layout.example is not None:
        examples = layout.example.slots.get(slot, {}).get(name) or layout.example.fields.get(name)
        if examples:
            return examples
    if one.labels and one.label == f"{{{name}}}":
        plain = [key for key in layout.labels[one.labels] if not key.startswith("~")]
        if plain:
            return tuple(plain)
    return tuple(invent(name, template.specs[name], n) for n in range(2))


def _agrees(meaning: Mapping[str, FieldValue], fields: Mapping[str, FieldValue], name: str) -> bool:
    """True when what a word means contradicts nothing that the case says otherwise than by this field."""
    return all(str(fields[k]) == str(v) for k, v in meaning.items() if k in fields and k != name)


def _n_members(slot: Slot, members: tuple[str, ...]) -> int:
    if not members:
        return 1
    return SERIES_LENGTH if slot.reader in SERIES_READERS else 2
