"""What of a record can be searched: facets with values, and words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from medshelf.catalogue.vocabulary import american, terms
from medshelf.model.dataset import Fact, Record
from medshelf.model.labels import structures_of
from medshelf.model.layout import Layout
from medshelf.model.structure import parse

WORD_FACETS = ("modality", "dimension", "region", "task", "formats", "annotation")


@dataclass(frozen=True, slots=True)
class Index:
    """What of one record can be searched."""

    facets: tuple[tuple[str, str, float | None], ...]
    """(facet, value, number)."""
    name: str
    """Its names."""
    labels: str
    """Words of the vocabulary by which its terms are known."""
    raw: str
    """Its labels and classes as sources write them."""
    body: str
    """What is said of it."""


def index_of(record: Record) -> Index:
    """Return the facets and words of one record.

    Raises
    ------
    ValueError
        The name of a structure is none.
    """
    facets = tuple(facets_of(record))
    structures = " ".join(v for f, v, _ in facets if f == "structure")
    labels = " ".join(_spoken(f, v) for f, v, _ in facets if f in ("modality", "region", "task", "structure"))
    raw = [label.raw for one in record.label_sets for label in one.labels]
    targets = record.layout.targets.values() if record.layout else ()
    raw += [name for target in targets for name in (*target.classes, *target.map.values())]
    names = " ".join([record.name, *record.aliases, record.id.replace("-", " ")])
    texts = (names, labels, " ".join([structures, *raw]), record.summary)
    return Index(facets, *(american(text.lower()) for text in texts))


def index_record(connection: sqlite3.Connection, name: str, index: Index) -> None:
    """Write the facets and words of the record with this id."""
    connection.executemany("insert into facet values (?, ?, ?, ?)", [(name, *facet) for facet in index.facets])
    words = (name, index.name, index.labels, index.raw, index.body)
    connection.execute("insert into words values (?, ?, ?, ?, ?)", words)


def index_conditions(connection: sqlite3.Connection) -> None:
    """Note, for every condition of the vocabulary, the records that name it: the facet ``condition``."""
    for name, term in terms("condition").items():
        words = (american(word.lower()).replace('"', "") for word in (term.label, *term.synonyms))
        wanted = " OR ".join(f'"{word}"' for word in words)
        query = "insert into facet select id, 'condition', ?, null from words where words match ?"
        connection.execute(query, (name, f"{{name raw body}} : ({wanted})"))


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
    named = structures_named(record)
    yield "structures", str(len(named)), float(len({name.split("/")[0].split(":")[0] for name in named}))
    for licence in record.licences:
        yield "licence", licence.id, None
    yield "access", record.access.kind, None
    yield from (("host", host, None) for host in record.access.hosts)
    if record.layout is not None:
        yield "layout", record.layout.evidence, None
    yield from (("structure", s, None) for s in structures_named(record))


def structures_named(record: Record) -> tuple[str, ...]:
    """Return every structure that a record's layout and label sets name."""
    layout = layout_structures(record.layout) if record.layout is not None else ()
    labels = (label.structure for one in record.label_sets for label in one.labels)
    return tuple(dict.fromkeys([*layout, *(s for s in labels if s is not None)]))


def layout_structures(layout: Layout) -> tuple[str, ...]:
    """Return every structure that the masks, boxes and regions of a layout name."""
    found = [s for labels in layout.labels.values() for s in structures_of(labels)]
    found += [slot.label for slot in layout.files.values() if slot.label and "{" not in slot.label]
    found += list(layout.regions)
    return tuple(dict.fromkeys(found))


def _spoken(subject: str, value: str) -> str:
    """Return the words by which a value is known: its label and synonyms and, for a structure, those of its parts."""
    if subject == "structure":
        return _spoken_structure(value)
    term = terms(subject).get(value)
    return value if term is None else " ".join([value, term.label, *term.synonyms])


def _spoken_structure(value: str) -> str:
    words = [re.sub(r"[_./:#|]", " ", value)]
    for structure in parse(value):
        for subject, name in (("structure", structure.base), ("finding", structure.finding or "")):
            term = terms(subject).get(name)
            words += [term.label, *term.synonyms] if term else []
    return " ".join(words)
