"""Datasets side by side: the facts on which people choose, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from medshelf.catalogue import shelf
from medshelf.catalogue.index import structures_named
from medshelf.catalogue.profile import rights_of
from medshelf.model.dataset import UNKNOWN, Fact, Record


def compare(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return, row by row, what each dataset says, by id.

    Parameters
    ----------
    names : list of str
        Ids or other names.

    Returns
    -------
    dict of dict
        Row to id to text. A structure that several have stands in the row "structures in common".

    Raises
    ------
    UnknownDataset
        With the nearest ids.
    """
    records = [shelf.load(name) for name in names]
    rows = {title: {record.id: said(record) for record in records} for title, said in _ROWS.items()}
    structures = {record.id: set(structures_named(record)) for record in records}
    shared = set.intersection(*structures.values()) if structures else set[str]()
    rows["structures in common"] = {one: _some(sorted(shared)) for one in structures}
    rows["other structures"] = {one: _some(sorted(found - shared)) for one, found in structures.items()}
    return rows


def _some(names: Sequence[str], most: int = 12) -> str:
    return (", ".join(names[:most]) + (f" … and {len(names) - most} more" if len(names) > most else "")) or "–"


def _fact(name: str) -> Callable[[Record], str]:
    def said(record: Record) -> str:
        fact: Fact | None = getattr(record.facts, name)
        if fact is None:
            return UNKNOWN
        value = ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)
        return f"{value} {fact.unit}" if fact.unit and value != UNKNOWN else value

    return said


def _licences(record: Record) -> str:
    return "; ".join(f"{x.id} ({x.part})" if x.part != "all" else x.id for x in record.licences)


def _right(name: str) -> Callable[[Record], str]:
    return lambda record: rights_of([licence.id for licence in record.licences]).get(name, UNKNOWN)


def _layout(record: Record) -> str:
    return f"yes, evidence: {record.layout.evidence}" if record.layout else "not described yet"


def _defects(record: Record) -> str:
    return ", ".join(erratum.id for erratum in record.errata) or "none known"


def _relations(record: Record) -> str:
    return ", ".join(f"{relation.kind} {relation.to}" for relation in record.relations) or "none known"


_ROWS: dict[str, Callable[[Record], str]] = {
    "name": lambda record: record.name,
    "modality": _fact("modality"),
    "dimension": _fact("dimension"),
    "region": _fact("region"),
    "task": _fact("task"),
    "cases": _fact("cases"),
    "patients": _fact("patients"),
    "year": _fact("year"),
    "formats": _fact("formats"),
    "annotators": _fact("annotators"),
    "licence": _licences,
    "commercial use": _right("commercial"),
    "redistribution": _right("redistribute"),
    "access": lambda record: record.access.kind,
    "layout": _layout,
    "known defects": _defects,
    "related": _relations,
}
