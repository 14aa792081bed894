"""Open a dataset: choose the repackaging that fits, join its names into cases, nothing more."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medshelf.access.tree import Tree, open_tree
from medshelf.catalogue.shelf import load
from medshelf.errors import LayoutError
from medshelf.layout.bulk import collector_paused
from medshelf.layout.join import Joined, join
from medshelf.layout.match import Matched, holds_nothing
from medshelf.layout.variants import choose, layouts_of
from medshelf.model.case import Case
from medshelf.model.dataset import Record
from medshelf.model.layout import Layout
from medshelf.samples.assemble import Assembler
from medshelf.samples.dataset import Dataset
from medshelf.samples.others import with_others
from medshelf.samples.splits import with_split
from medshelf.samples.tables import Table
from medshelf.samples.translate import translated


def open(
    dataset: str | Record,
    root: str | os.PathLike[str],
    *,
    variant: str | None = None,
    others: Mapping[str, str | os.PathLike[str]] | None = None,
) -> Dataset:
    """Open a dataset that lies at `root`.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record of your own.
    root : path or Tree
        Folder or archive (zip, tar) that holds the release; wrapping folders do no harm.
    variant : str, optional
        Which repackaging it is; by default the one that fits best.
    others : mapping of str to path, optional
        Where other datasets lie, by id, for a release that draws on images which they hold.

    Returns
    -------
    Dataset
        Lazy: names have been read, and the tables that tell the split.

    Raises
    ------
    UnknownDataset
        No record has this id.
    LayoutError
        The record has no layout, no file at `root` fits it, or it draws on none of `others`.
    NotFound, AccessError
        There is nothing at `root`, or it can't be opened.

    Examples
    --------
    >>> dataset = medshelf.open("msd-hippocampus", "Task04_Hippocampus")  # doctest: +SKIP
    >>> dataset[0].images["T1"].array.shape  # doctest: +SKIP
    (35, 51, 35)
    """
    record = dataset if isinstance(dataset, Record) else load(dataset)
    tree = open_tree(root)
    record = translated(record, tree)
    with collector_paused():
        chosen, matched = choose(layouts_of(record), tree.names, variant)
        layout = layouts_of(record)[chosen]
        if others:
            tree, matched = with_others(record.id, layout, tree, matched, others)
        joined = join(layout, matched)
    if holds_nothing(layout, matched):
        raise LayoutError(
            f"no file here is one of {record.id}",
            where=root,
            why=f"{matched.total} names, none fits",
            hint=f"Look with: medshelf identify {os.fspath(root)}",
        )
    opened = _opened(record, layout, chosen, tree, matched, joined)
    return replace(opened, others={name: os.fspath(place) for name, place in (others or {}).items()})


def _opened(
    record: Record, layout: Layout, variant: str, tree: Tree, matched: Matched, joined: Joined
) -> Dataset:
    tables = {
        name: Table(name, slot, tuple(matched.tables.get(name, ())), tree, layout.key)
        for name, slot in layout.tables.items()
    }
    fixed = tuple(erratum for erratum in record.errata if erratum.fix and erratum.status != "fixed")
    assembler = Assembler(record.id, layout, tree, tables, fixed)
    cases, rows = joined.cases, {}
    if any(slot.anchor for slot in layout.tables.values()):
        cases, rows = _row_cases(layout, tables)
    if layout.rows is not None:
        cases = _container_cases(layout, tree, cases)
    if layout.split is not None:
        cases = tuple(with_split(layout.split, assembler, case, rows.get(case.id)) for case in cases)
    return Dataset(record, layout, variant, assembler, cases, rows)


def _row_cases(layout: Layout, tables: Mapping[str, Table]) -> tuple[tuple[Case, ...], dict[str, Any]]:
    """Make a case of every row of the anchoring tables."""
    cases: list[Case] = []
    rows: dict[str, Any] = {}
    for name, table in tables.items():
        if not table.slot.anchor:
            continue
        for number, (ref, row) in enumerate(table.rows):
            told = [str(row[c]) for c in table.slot.key if row.get(c) is not None]
            fields = {**_key_fields(table.slot.key, row), **ref.fields}
            key = "/".join(told) or str(number)
            if key in rows or f"{ref.fields.get('split', '')}/{key}" in rows:
                key = f"{key}#{number}"
            identity = f"{fields['split']}/{key}" if "split" in fields else key
            split = fields.get("split")
            cases.append(
                Case(identity, (identity,), fields, {name: (ref,)}, split=None if split is None else str(split))
            )
            rows[identity] = row
    return tuple(cases), rows


def _key_fields(key: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a row's key columns give: for ``COLUMN = "{field}"``."""
    found = {}
    for column, text in key.items():
        name = re.fullmatch(r"\{(\w+)\}", text)
        if name is not None and row.get(column) is not None:
            found[name[1]] = row[column] if isinstance(row[column], int) else str(row[column])
    return found


def _container_cases(layout: Layout, tree: Tree, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Make a case of every row of array files."""
    from medshelf import formats

    assert layout.rows is not None
    found: list[Case] = []
    for case in cases:
        slot = next(s for s in layout.rows.slots if s in case.files)
        header = formats.read_header(tree.blob(case.files[slot][0].name), key=layout.files[slot].array)
        for n in range(header.shape[0]):
            fields = {**case.fields, layout.rows.field: n}
            found.append(replace(case, id=f"{case.id}/{n}", key=(*case.key, n), fields=fields))
    return tuple(found)

