"""Plan a twin: the names of a small synthetic copy of a release, from its layout read backwards.

Names only; `medshelf.samples.twin` writes the bytes. A twin proves that a record is consistent,
never that it is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from medshelf.layout.fields import derive, fill
from medshelf.layout.invent import invent
from medshelf.layout.join import SERIES_READERS, anchor_slots, applies, bound_fields, cases_of
from medshelf.layout.match import templates_of
from medshelf.layout.template import Template, parse
from medshelf.model.case import Case, FieldValue
from medshelf.model.layout import Layout, Slot

SERIES_LENGTH = 6
"""Number of members of an invented series of slices."""
ROWS = 4
"""Number of rows of an invented array file, and of questions of a question table."""


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
class TwinTable:
    """One table that the writer has to make."""

    name: str
    table: str
    rows: tuple[Mapping[str, str], ...]


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
    named = {f.name: f for f in files}
    cases = cases_of(layout, named)
    tables = tuple(_tables(layout, cases, n_cases))
    return TwinPlan(tuple(named.values()), tables, cases)


def names_of(layout: Layout, planned: TwinPlan) -> list[str]:
    """Return every name that a twin will have: files, the data files beside headers, and tables."""
    names = [f.name for f in planned.files] + [t.name for t in planned.tables]
    for file in planned.files:
        for ending in layout.files[file.slot].sidecar[:1]:
            names.append(file.name.rpartition(".")[0] + ending)
    return names


def top_folder(layout: Layout) -> str:
    """Return the top folder that a twin is written below, with its slash, or ``""``."""
    root = layout.roots[0] if layout.roots else ""
    return f"{root}/" if root and not root.lower().endswith((".zip", ".tar", ".gz", ".tgz", ".7z")) else ""


Captured = dict[str, str]


def _anchored(layout: Layout, n_cases: int) -> Iterator[tuple[str, int, Captured]]:
    """Yield (slot, number, captured fields) for the file that makes each case."""
    count = 0
    for slot in _leading(layout):
        texts = templates_of(layout.files[slot])
        for text in texts[:1] if layout.files[slot].either else texts:
            template = parse(text)
            keyed = [f for f in template.enumerated if _is_key(layout, f)]
            for words in product(*(template.enumerated[f] for f in keyed)):
                for n in range(n_cases):
                    number = count + n
                    start = dict(zip(keyed, words, strict=True))
                    yield slot, number, _complete(layout, slot, template, start, number)
                count += n_cases


def _leading(layout: Layout) -> list[str]:
    """Return one anchoring slot for each kind of case: of several that make the same cases, the first."""
    leading: list[str] = []
    for slot in anchor_slots(layout):
        if not any(_same_key(layout, slot, other) for other in leading):
            leading.append(slot)
    return leading


def _is_key(layout: Layout, name: str) -> bool:
    sources = {(layout.fields[k].of or k) if k in layout.fields else k for k in layout.key}
    return name in sources or name in layout.key or name == "split" or _feeds_split(layout, name)


def _feeds_split(layout: Layout, name: str) -> bool:
    rule = layout.fields.get("split")
    return rule is not None and rule.of == name


def _complete(layout: Layout, slot: str, template: Template, start: Mapping[str, str], number: int) -> Captured:
    """Give every field of a template that has no value yet one that follows from the number."""
    values = dict(start)
    for name in template.fields:
        if name not in values:
            values[name] = _value(layout, slot, template, name, number)
    return values


def _value(layout: Layout, slot: str, template: Template, name: str, number: int) -> str:
    examples: tuple[str, ...] = ()
    if layout.example is not None:
        examples = layout.example.slots.get(slot, {}).get(name) or layout.example.fields.get(name, ())
    words = template.enumerated.get(name, ())
    if words and not examples:
        return words[number % len(words)]
    if examples and not _is_key(layout, name) and name not in _member_names(layout, slot, template):
        return examples[number % len(examples)]
    return invent(name, template.specs[name], number, examples)


def _member_names(layout: Layout, slot: str, template: Template) -> tuple[str, ...]:
    return _member_fields(layout, layout.files[slot], template) if slot in layout.files else ()


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
    return {f: w for f, w in template.enumerated.items() if _is_key(layout, f)}


def _members(
    layout: Layout, slot: str, number: int, captured: Captured, fields: Mapping[str, FieldValue]
) -> Iterator[TwinFile]:
    """Yield the files of one slot of one case: one, or one for each channel, structure, reader or slice."""
    one = layout.files[slot]
    template = _template_for(layout, one, captured, fields)
    if template is None:
        return
    members = _member_fields(layout, one, template)
    values = {n: text for n, text in captured.items() if n in template.fields and n not in members}
    values |= _fitting_words(layout, template, values, fields)
    bound = dict.fromkeys(f for f in (*bound_fields(one), *one.complete) if f in template.fields)
    many = [f for f in bound if not _told(layout, f, captured, template)]
    choices = [_choices(layout, slot, one, template, name, fields) for name in many]
    for words in product(*choices):
        chosen = {**values, **dict(zip(many, words, strict=True))}
        for member in range(_n_members(one, members)):
            rest = {f: _value(layout, slot, template, f, member) for f in members if f not in chosen}
            filled = _complete(layout, slot, template, {**chosen, **rest}, number)
            name = top_folder(layout) + template.render(filled)
            yield TwinFile(name, slot, "", number, filled, member)


def _template_for(
    layout: Layout, slot: Slot, captured: Captured, fields: Mapping[str, FieldValue]
) -> Template | None:
    """Return the first template of a slot whose enumerated fields allow this case."""
    for text in templates_of(slot):
        template = parse(text)
        values = {n: t for n, t in captured.items() if n in template.fields}
        words = _fitting_words(layout, template, values, fields)
        merged = {**values, **words}
        if all(merged.get(n) in w for n, w in template.enumerated.items() if n in merged):
            return template
    return None


def _fitting_words(
    layout: Layout, template: Template, values: Mapping[str, str], fields: Mapping[str, FieldValue]
) -> Captured:
    """For enumerated fields whose captured word is not one of the template's: the word of equal meaning."""
    found: Captured = {}
    for name, words in template.enumerated.items():
        if values.get(name) in words:
            continue
        for word in words:
            meaning = derive({name: word}, frozenset(), layout.fields)
            shared = [k for k in meaning if k in fields and k != name]
            same = meaning.get(name) == fields.get(name) if name in fields else False
            if same or (name not in layout.key and shared and all(str(meaning[k]) == str(fields[k]) for k in shared)):
                found[name] = word
                break
    return found


def _told(layout: Layout, name: str, captured: Captured, template: Template) -> bool:
    """True when the case itself tells a field's word, so that there is nothing to choose."""
    return _is_key(layout, name) and captured.get(name) in template.enumerated.get(name, (captured.get(name),))


def _choices(
    layout: Layout, slot: str, one: Slot, template: Template, name: str, fields: Mapping[str, FieldValue]
) -> tuple[str, ...]:
    if name in template.enumerated:
        words = template.enumerated[name]
        meant = [w for w in words if _agrees(derive({name: w}, frozenset(), layout.fields), fields, name)]
        return tuple(meant) if _is_key(layout, name) else words
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


def _member_fields(layout: Layout, slot: Slot, template: Template) -> tuple[str, ...]:
    """Fields that tell the members of a series, or the parts of a merged mask, apart."""
    if slot.along is not None and slot.along in template.fields:
        return (slot.along,)
    if slot.reader not in SERIES_READERS and not slot.merge:
        return ()
    sources = {(layout.fields[k].of or k) if k in layout.fields else k for k in layout.key}
    bound = {*bound_fields(slot), *slot.complete, *template.enumerated}
    free = [f for f in template.fields if f not in sources and f not in bound]
    return tuple(free[-1:])


def _n_members(slot: Slot, members: tuple[str, ...]) -> int:
    if not members:
        return 1
    return SERIES_LENGTH if slot.reader in SERIES_READERS else 2


def _tables(layout: Layout, cases: tuple[Case, ...], n_cases: int) -> Iterator[TwinTable]:
    for name, table in layout.tables.items():
        for text in (table.path,) if isinstance(table.path, str) else table.path:
            template = parse(text)
            for values in _table_names(layout, template, cases):
                rows = tuple(_rows(layout, name, values, cases, n_cases))
                yield TwinTable(top_folder(layout) + template.render(values), name, rows)


def _table_names(layout: Layout, template: Template, cases: tuple[Case, ...]) -> list[Captured]:
    if not template.fields:
        return [{}]
    found: dict[tuple[str, ...], Captured] = {}
    for number, case in enumerate(cases):
        known = {k: v for refs in case.files.values() for r in refs for k, v in r.captured.items() if v is not None}
        values = {n: known[n] for n in template.fields if n in known}
        values |= _fitting_words(layout, template, values, case.fields)
        if any(values.get(n) not in w for n, w in template.enumerated.items()):
            continue
        full = _complete(layout, "", template, values, number if not values else 0)
        found[tuple(full[n] for n in template.fields)] = full
    if found:
        return list(found.values())
    names = list(template.enumerated)
    combinations = product(*(template.enumerated[n] for n in names))
    return [_complete(layout, "", template, dict(zip(names, words, strict=True)), 0) for words in combinations]


def _rows(
    layout: Layout, name: str, path_values: Captured, cases: tuple[Case, ...], n_cases: int
) -> Iterator[dict[str, str]]:
    table = layout.tables[name]
    if table.anchor:
        for n in range(max(n_cases, ROWS)):
            key = {column: invent(column, "", n) for column in table.key}
            yield _filled(layout, name, key, n)
        return
    for number, case in enumerate(cases):
        captured = {k: v for refs in case.files.values() for r in refs for k, v in r.captured.items() if v is not None}
        if any(k in captured and captured[k] != v for k, v in path_values.items()):
            continue
        for values in _row_values(layout, table.key, case, captured):
            key = {column: fill(text, values) for column, text in table.key.items()}
            if None not in key.values():
                yield _filled(layout, name, {k: v for k, v in key.items() if v is not None}, number)


def _row_values(
    layout: Layout, key: Mapping[str, str], case: Case, captured: Captured
) -> list[dict[str, FieldValue]]:
    """Values to fill a row's key with: one for a case, or one for each member of a series."""
    needed = " ".join(key.values())
    whole: dict[str, FieldValue] = {**captured, **case.fields}
    for slot, one in layout.files.items():
        if one.along and f"{{{one.along}" in needed and one.role == "image":
            return [{**whole, **ref.captured, **ref.fields} for ref in case.files.get(slot, ())]  # type: ignore[dict-item]
    return [whole]


def _filled(layout: Layout, name: str, key: dict[str, str], number: int) -> dict[str, str]:
    """Add the columns that targets, the split and the reader need."""
    row = dict(key)
    examples = layout.example.columns.get(name, {}) if layout.example else {}
    for column, values in examples.items():
        row.setdefault(column, values[number % len(values)])
    for target in layout.targets.values():
        table, _, column = target.of.partition(".")
        if table == name and column and column != "*":
            words = tuple(target.map) or target.classes or ("1",)
            row.setdefault(column, words[number % len(words)])
    if layout.split is not None and layout.split.of.partition(".")[0] == name:
        words = tuple(layout.split.map) or ("train", "test")
        row.setdefault(layout.split.of.partition(".")[2], words[number % len(words)])
    return row
