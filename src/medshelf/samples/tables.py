"""Tables of a dataset: read once, joined to cases by the columns that the layout names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from medshelf.access.tree import Tree
from medshelf.formats import table as table_format
from medshelf.formats.text import read_text
from medshelf.layout.fields import TemplateReading, fill
from medshelf.model.case import Case, FieldValue, FileRef
from medshelf.model.layout import TableSlot

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """One table slot of an opened dataset."""

    name: str
    slot: TableSlot
    refs: tuple[FileRef, ...]
    tree: Tree = field(repr=False)
    case_key: tuple[str, ...] = ()
    """Fields that tell cases apart."""

    @cached_property
    def rows(self) -> tuple[tuple[FileRef, Row], ...]:
        """All rows, each with the file that it stands in; rows that the layout holds stand in none."""
        if self.slot.rows:
            nowhere = FileRef(TemplateReading(self.name, 0, (), frozenset(), {}), "", "", ())
            return tuple((nowhere, row) for row in self.slot.rows)
        return tuple((ref, row) for ref in self.refs for row in self._read(ref))

    def _read(self, ref: FileRef) -> list[dict[str, Any]]:
        s = self.slot
        if s.kind == "list":
            lines = read_text(self.tree.blob(ref.name), encoding=s.encoding).splitlines()
            return [{"line": line.strip()} for line in lines if line.strip()]
        return table_format.read_rows(
            self.tree.blob(ref.name), sep=s.sep, encoding=s.encoding, sheet=s.sheet, header=s.header,
            columns=s.columns_are, quote='"' if s.quoted else None, records=s.records,
        )  # fmt: skip

    @cached_property
    def _index(self) -> dict[tuple[str, ...], list[tuple[FileRef, Row]]]:
        index: dict[tuple[str, ...], list[tuple[FileRef, Row]]] = {}
        for ref, row in self.rows:
            key = tuple(comparable(row.get(column)) for column in self.slot.key)
            index.setdefault(key, []).append((ref, row))
        return index

    @cached_property
    def _own(self) -> dict[tuple[FieldValue, ...], list[FileRef]]:
        """Files whose names tell a whole case, by its key."""
        own: dict[tuple[FieldValue, ...], list[FileRef]] = {}
        for ref in self.refs if self.case_key else ():
            if all(name in ref.fields for name in self.case_key):
                own.setdefault(tuple(ref.fields[name] for name in self.case_key), []).append(ref)
        return own

    def rows_of(self, case: Case, captured: Mapping[str, object] | None = None) -> list[Row]:
        """Return the rows of a case: those where every key column agrees with its fields.

        A table that exists once for each value of a field (one a split) only serves the cases that
        agree with that value; one whose name tells a whole case serves that case with all its rows.
        """
        if not self.slot.key:
            return [self.meant(ref, row) for ref in self._own.get(case.key, ()) for row in self._read(ref)]
        values = {**(captured or {}), **case.fields}
        wanted = [fill(text, values) for text in self.slot.key.values()]
        if None in wanted:
            return []
        rows = self._index.get(tuple(comparable(w) for w in wanted), [])
        return [self.meant(ref, row) for ref, row in rows if agree(ref, case)]

    def meant(self, ref: FileRef, row: Row) -> Row:
        """Return a row with its columns also under the names that their kind has (question, answer, …).

        A name that stands for several columns (the options of a question) gives the list of their values. What
        the name of the table's file says (its split) counts as columns as well.
        """
        extra: dict[str, Any] = {}
        for meaning, column in self.slot.columns.items():
            if isinstance(column, str):
                if column in row:
                    extra[meaning] = row[column]
            elif any(one in row for one in column):
                extra[meaning] = [row.get(one) for one in column]
        return {**ref.fields, **row, **extra}


def agree(ref: FileRef, case: Case) -> bool:
    """True when a table's file serves a case: no field of its name says otherwise."""
    return all(case.fields.get(k, v) == v for k, v in ref.fields.items())


def comparable(value: object) -> str:
    """Return a cell in the form in which keys are compared: trimmed text, whole numbers without zeros."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip()
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text
