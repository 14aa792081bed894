"""Plan the tables of a twin: their names, and rows that join its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from medshelf.layout.fields import fill
from medshelf.layout.invent import invent
from medshelf.layout.template import Template, parse
from medshelf.layout.twin_values import Captured, complete, fitting_words
from medshelf.model.case import Case, FieldValue
from medshelf.model.layout import Layout

ROWS = 4
"""Number of rows of an invented array file, and of questions of a question table."""


@dataclass(frozen=True, slots=True)
class TwinTable:
    """One table that the writer has to make."""

    name: str
    table: str
    rows: tuple[Mapping[str, str], ...]


def top_folder(layout: Layout) -> str:
    """Return the top folder that a twin is written below, with its slash, or ``""``."""
    root = layout.roots[0] if layout.roots else ""
    return f"{root}/" if root and not root.lower().endswith((".zip", ".tar", ".gz", ".tgz", ".7z")) else ""


def tables_of(layout: Layout, cases: tuple[Case, ...], n_cases: int) -> Iterator[TwinTable]:
    """Yield every table of a twin: one for each name that its template and the cases give."""
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
        values |= fitting_words(layout, template, values, case.fields)
        if any(values.get(n) not in w for n, w in template.enumerated.items()):
            continue
        full = complete(layout, "", template, values, number if not values else 0)
        found[tuple(full[n] for n in template.fields)] = full
    if found:
        return list(found.values())
    names = list(template.enumerated)
    combinations = product(*(template.enumerated[n] for n in names))
    return [complete(layout, "", template, dict(zip(names, words, strict=True)), 0) for words in combinations]


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
                told = {k: v for k, v in key.items() if v is not None}
                for more in _instances(layout, name):
                    yield _filled(layout, name, {**told, **more}, number)


def _instances(layout: Layout, name: str) -> list[dict[str, str]]:
    """Return what sets the rows of one case apart: one for each instance whose class the table tells."""
    for slot in layout.files.values():
        if slot.classes is not None and slot.classes.table == name:
            classes = [key for key in layout.labels.get(slot.labels or "", {}) if not key.startswith("~")]
            return [{slot.classes.value: str(n), slot.classes.of: word} for n, word in enumerate(classes, 1)]
    return [{}]


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
            cell = words[number % len(words)] if target.sep is None else _several(words[:2], target.sep)
            row.setdefault(column, cell)
    for rule in layout.fields.values():
        if rule.map_from is not None and rule.map_from.table == name and rule.map_from.gives in row:
            row.setdefault(rule.map_from.column, row[rule.map_from.gives])
    for split in (layout.split, *layout.splits.values()):
        if split is not None and split.of.partition(".")[0] == name:
            words = tuple(split.map) or ("train", "test")
            row.setdefault(split.of.partition(".")[2], words[number % len(words)])
    row.update((column, number) for column, number in told_frames(layout, name).items() if column not in row)
    return row


def _several(words: tuple[str, ...], sep: str) -> str:
    """Return a cell that holds several values."""
    return str(list(words)) if sep == "[]" else sep.join(words)


def told_frames(layout: Layout, name: str) -> dict[str, str]:
    """Return the numbers of frames that a table or a record of a twin tells: by column or key."""
    found = {}
    for slot in layout.files.values():
        for n, of in enumerate(slot.frames.values()):
            head, _, column = str(of).partition(".")
            if head == name and column:
                found[column] = str(slot.first_frame + n + 1)
    return found
