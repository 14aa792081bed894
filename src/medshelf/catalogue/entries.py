"""The entries of the five lists of datasets that the shelf replaces, and which records they speak of."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from medshelf.catalogue.place import catalogue_root
from medshelf.model.dataset import Record

LISTS = {
    "list-0": "Biomedical Imaging Datasets",
    "list-1": "Awesome-Medical-Image-Segmentation-Dataset",
    "list-2": "Awesome Public Medical Imaging Datasets",
    "list-3": "openmedlab Awesome-Medical-Dataset, README",
    "list-4": "Medical-Imaging-Datasets",
}
"""Titles of the lists."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    entry: int
    """Its number among the entries of all lists."""
    list: str
    """One of `LISTS`."""
    line: int
    section: str
    """The headings above it."""
    name: str
    """What the list calls the dataset."""


@cache
def entries() -> tuple[Entry, ...]:
    """Return all entries, in the order of their numbers."""
    with (catalogue_root() / "entries.csv").open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return tuple(
            Entry(int(row["entry"]), LISTS[row["list"]], int(row["line"]), row["section"], row["name"]) for row in rows
        )


def entries_of(record: Record) -> tuple[Entry, ...]:
    """Return the entries that speak of a dataset."""
    known = entries()
    return tuple(known[number] for number in record.entries)


def unreached(records: Iterable[Record]) -> tuple[Entry, ...]:
    """Return the entries of which no record says that they speak of it."""
    reached = {number for record in records for number in record.entries}
    return tuple(entry for entry in entries() if entry.entry not in reached)
