"""What of a record can be searched: facets with values, and words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from medshelf.catalogue.vocabulary import terms
from medshelf.model.dataset import Fact, Record
from medshelf.model.labels import structures_of
from medshelf.model.layout import Layout
from medshelf.model.structure import parse

WORD_FACETS = ("modality", "dimension", "region", "task", "formats")


def index_record(connection: sqlite3.Connection, record: Record) -> None:
    """Write the facets and words of one record."""
    facets = list(facets_of(record))
    connection.executemany("insert into facet values (?, ?, ?, ?)", [(record.id, *facet) for facet in facets])
    structures = " ".join(v for f, v, _ in facets if f == "structure")
    labels = " ".join(_spoken(v) for f, v, _ in facets if f in ("modality", "region", "task", "structure"))
    words = " ".join([record.summary, *record.aliases, record.id.replace("-", " "), structures, *record.notes])
    connection.execute("insert into words values (?, ?, ?, ?)", (record.id, record.name, labels, words))


def facets_of(record: Record) -> Iterator[tuple[str, str, float | None]]:
    """Yield (facet, value, number) for everything that a record can be filtered by."""
    for name in WORD_FACETS:
        fact: Fact | None = getattr(record.facts, name)
        if fact is not None and isinstance(fact.value, tuple):
            yield from ((name, value, None) for value in fact.value)
    for name in ("cases", "year", "patients", "size_bytes"):
        fact = getattr(record.facts, name)
        if fact is not None and isinstance(fact.value, int | float):
            yield name, str(fact.value), float(fact.value)
    for licence in record.licences:
        yield "licence", licence.id, None
    yield "access", record.access.kind, None
    yield from (("host", host, None) for host in record.access.hosts)
    if record.layout is not None:
        yield "layout", record.layout.evidence, None
        yield from (("structure", s, None) for s in layout_structures(record.layout))


def layout_structures(layout: Layout) -> tuple[str, ...]:
    """Return every structure that the masks, boxes and regions of a layout name."""
    found = [s for labels in layout.labels.values() for s in structures_of(labels)]
    found += [slot.label for slot in layout.files.values() if slot.label and "{" not in slot.label]
    found += list(layout.regions)
    return tuple(dict.fromkeys(found))


def _spoken(value: str) -> str:
    """Return the words by which a term is known: its label, synonyms and, for a structure, its parts."""
    for subject in ("modality", "region", "task"):
        term = terms(subject).get(value)
        if term is not None:
            return " ".join([value, term.label, *term.synonyms])
    words = [value.replace("_", " ").replace(".", " ").replace("/", " ").replace(":", " ")]
    try:
        for structure in parse(value):
            for subject, name in (("structure", structure.base), ("finding", structure.finding or "")):
                term = terms(subject).get(name)
                words += [term.label, *term.synonyms] if term else []
    except ValueError:
        pass
    return " ".join(words)
