"""Check a place against a record: its names and, where they can be read, the rows of its tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from medshelf.access.tree import Tree, open_tree
from medshelf.catalogue.shelf import load
from medshelf.errors import MedshelfError
from medshelf.layout.bulk import collector_paused
from medshelf.layout.check import Examined, Report, count_findings, examine
from medshelf.layout.fields import fill
from medshelf.layout.variants import layouts_of
from medshelf.model.case import Case, FileRef
from medshelf.model.dataset import Record
from medshelf.model.finding import Finding
from medshelf.samples.open import open as open_dataset
from medshelf.samples.tables import Table, agree, comparable
from medshelf.samples.translate import translated

Key = tuple[str, ...]
Part = tuple[tuple[str, object], ...]


def check(
    dataset: str | Record, where: str | os.PathLike[str], *, variant: str | None = None, tables: bool = True
) -> Report:
    """Check a folder, an archive or a text file of names against the layout of a dataset.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record.
    where : path or Tree
        What to check.
    variant : str, optional
        Which repackaging to check against; by default the one that fits best.
    tables : bool
        Also read the tables and compare their rows with the files, where `where` has bytes.

    Returns
    -------
    Report
        Findings, counts and a verdict.
    """
    record = dataset if isinstance(dataset, Record) else load(dataset)
    with collector_paused():
        return _check(record, where, variant, tables)


def _check(record: Record, where: str | os.PathLike[str], variant: str | None, tables: bool) -> Report:
    """Check a place; all but the report is gone again when it returns."""
    tree = open_tree(where)
    unread: list[Finding] = []
    try:
        record = translated(record, tree)
    except MedshelfError as error:
        unread = [Finding("table.unreadable", "error", error.what, record.id, evidence={"why": error.why})]
    checked = examine(record, tree.names, variant=variant)
    report = checked.report
    more = unread + [_problem(record.id, p.path, p.message) for p in tree.problems]
    if tables and tree.has_bytes and report.slots:
        more += _rows(record, checked, tree)
        report = _row_cases(record, report, where)
    return replace(report, findings=(*report.findings, *more)) if more else report


def _row_cases(record: Record, report: Report, where: str | os.PathLike[str]) -> Report:
    """Count the cases of a release whose rows of a table or array are the cases: names can't tell how many."""
    layout = layouts_of(record)[report.variant]
    if layout.rows is None and not any(table.anchor for table in layout.tables.values()):
        return report
    try:
        dataset = open_dataset(record, where, variant=report.variant)
    except MedshelfError as error:
        found = Finding("table.unreadable", "error", str(error), record.id)
        return replace(report, findings=(*report.findings, found))
    expect = layout.expect
    pairs = [("cases", expect.cases, len(dataset))] if expect is not None and expect.cases is not None else []
    pairs += [(f"{s} cases", n, dataset.splits.get(s, 0)) for s, n in (expect.splits.items() if expect else ())]
    findings = tuple(replace(f, dataset=record.id) for f in count_findings(pairs))
    return replace(report, n_cases=len(dataset), splits=dataset.splits, findings=(*report.findings, *findings))


def _problem(dataset: str, path: object, message: str) -> Finding:
    return Finding("access.unreadable", "error", message, dataset, file=str(path))


def _rows(record: Record, checked: Examined, tree: Tree) -> Iterator[Finding]:
    """Compare the rows of every table that is joined by a key with the cases that are here."""
    for name, slot in checked.layout.tables.items():
        refs = tuple(checked.matched.tables.get(name, ()))
        if not refs or not slot.key or slot.anchor:
            continue
        table = Table(name, slot, refs, tree)
        try:
            yield from _compare(record.id, table, checked.joined.cases)
        except MedshelfError as error:
            yield Finding("table.unreadable", "error", error.what, record.id, file=refs[0].name,
                          evidence={"why": error.why}, proposal=error.hint)  # fmt: skip


def _compare(dataset: str, table: Table, cases: tuple[Case, ...]) -> Iterator[Finding]:
    first = table.rows[0][1] if table.rows else {}
    absent = [column for column in table.slot.key if table.rows and column not in first]
    if absent:
        yield Finding(
            "table.column", "error", f"the table {table.name} has no column {', '.join(absent)}", dataset,
            file=table.refs[0].name, evidence={"columns": list(first)[:30]},
        )  # fmt: skip
        return
    told = {name for case in cases for name in case.fields}
    there = {(_part(ref, told), tuple(comparable(row.get(c)) for c in table.slot.key)) for ref, row in table.rows}
    wanted: set[tuple[Part, Key]] = set()
    bare: set[Key] = set()
    for case in cases:
        parts = {_part(ref, told) for ref in table.refs if agree(ref, case)}
        key = _key(table, case)
        if parts and key is not None:
            wanted |= {(part, key) for part in parts}
            bare |= {key} if not any((part, key) in there for part in parts) else set()
    if not wanted:
        return
    for kind, keys, said in (
        ("table.row-without-file", {key for _, key in there - wanted},
         "rows of the table {} belong to no file that is here"),
        ("table.file-without-row", bare, "cases have no row in the table {}"),
    ):  # fmt: skip
        if keys:
            yield Finding(
                kind, "info" if table.slot.optional else "warning", f"{len(keys)} {said.format(table.name)}", dataset,
                file=table.refs[0].name,
                evidence={"n": len(keys), "keys": sorted(" ".join(key) for key in keys)[:50]},
            )  # fmt: skip


def _part(ref: FileRef, told: set[str]) -> Part:
    """What a table's name says of the cases that it serves, such as their split."""
    return tuple((name, value) for name, value in sorted(ref.fields.items()) if name in told)


def _key(table: Table, case: Case) -> Key | None:
    values: dict[str, object] = {}
    for refs in case.files.values():
        for ref in refs:
            values.update({k: v for k, v in ref.captured.items() if v is not None})
    texts = [fill(text, {**values, **case.fields}) for text in table.slot.key.values()]
    return None if None in texts else tuple(comparable(t) for t in texts)
