"""The catalogue as flat tables: what the database, CSV and Parquet have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from medshelf.catalogue.index import structures_named
from medshelf.catalogue.profile import rights_of
from medshelf.catalogue.vocabulary import terms
from medshelf.model.dataset import UNKNOWN, Fact, Record

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the names of its columns, and rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    key: str | None = None
    """The column that tells its rows apart; None where only all of them together do."""


def tables(records: Sequence[Record]) -> tuple[Table, ...]:
    """Return the catalogue as tables; ``dataset`` in each is an id of the table ``datasets``."""
    return (
        Table("datasets", _DATASET_COLUMNS, tuple(_dataset(one) for one in records), key="id"),
        _table("facts", ("dataset", "fact", "value", "unit", "sources", "reason"), _facts, records),
        _table("claims", ("dataset", "about", "value", "sources"), _claims, records),
        _table("sources", ("dataset", "name", "kind", "title", "url", "at", "read"), _sources, records),
        _table("licences", ("dataset", "part", "licence", "sources", "reason"), _licences, records),
        _table("relations", ("dataset", "kind", "other", "mapping", "sources"), _relations, records),
        _table("structures", ("dataset", "structure"), _structures, records),
        _table("labels", ("dataset", "label_set", "kind", "raw", "structure", "value"), _labels, records),
        _table("citations", ("dataset", "bibtex", "sources"), _citations, records),
        _table(
            "errata",
            ("dataset", "erratum", "what", "effect", "action", "status", "n_cases", "sources"),
            _errata,
            records,
        ),
        _table(
            "disagreements", ("dataset", "number", "about", "decision", "reason", "sources"), _disagreements, records
        ),
        _table("files", ("dataset", "name", "url", "size_bytes", "sha256", "md5"), _files, records),
        _table("entries", ("dataset", "entry"), _entries, records),
        Table("licence_terms", ("licence", "label", "url", *_RIGHTS), tuple(_terms_of_licences()), key="licence"),
    )


def _table(name: str, columns: tuple[str, ...], rows_of: Any, records: Sequence[Record]) -> Table:
    return Table(name, columns, tuple((one.id, *row) for one in records for row in rows_of(one)))


_WORDS = ("modality", "dimension", "region", "task", "formats", "annotation")
_NUMBERS = ("cases", "patients", "year", "size_bytes")
_RIGHTS = ("use", "commercial", "redistribute", "derive", "share_alike", "attribute", "weights")
_DATASET_COLUMNS = (
    "id", "name", "kind", "summary", "homepage", *_WORDS, *_NUMBERS, "cases_unit", "annotators", "access", "hosts",
    "landing", "licences", *(f"allows_{right}" for right in _RIGHTS), "family", "evidence", "aliases",
)  # fmt: skip


def _dataset(record: Record) -> tuple[Cell, ...]:
    rights = rights_of([licence.id for licence in record.licences])
    annotators = record.facts.annotators
    layout = record.layout
    return (
        record.id, record.name, record.kind, " ".join(record.summary.split()), _unless_none(record.homepage),
        *(_words(getattr(record.facts, name)) for name in _WORDS),
        *(_number(getattr(record.facts, name)) for name in _NUMBERS),
        record.facts.cases.unit, str(annotators.value) if annotators else None, record.access.kind,
        ", ".join(record.access.hosts), record.access.landing, ", ".join(dict.fromkeys(x.id for x in record.licences)),
        *(rights.get(right, UNKNOWN) for right in _RIGHTS), layout.family if layout else None,
        layout.evidence if layout else None, ", ".join(record.aliases),
    )  # fmt: skip


def _unless_none(homepage: str) -> str | None:
    return None if homepage == "none found" else homepage


def _words(fact: Fact | None) -> str | None:
    return ", ".join(fact.value) if fact is not None and isinstance(fact.value, tuple) else None


def _number(fact: Fact | None) -> Cell:
    return fact.value if fact is not None and isinstance(fact.value, int | float) else None


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _stated(record: Record) -> Iterator[tuple[str, Fact]]:
    for one in fields(record.facts):
        fact = getattr(record.facts, one.name)
        if fact is not None:
            yield one.name, fact


def _facts(record: Record) -> Iterator[tuple[Cell, ...]]:
    for name, fact in _stated(record):
        yield name, _said(fact.value), fact.unit, _said(fact.sources), fact.reason


def _claims(record: Record) -> Iterator[tuple[Cell, ...]]:
    for name, fact in _stated(record):
        yield from ((name, _said(claim.value), _said(claim.sources)) for claim in fact.claims)
    for licence in record.licences:
        yield from (
            (f"licence of {licence.part}", _said(claim.value), _said(claim.sources)) for claim in licence.claims
        )
    for one in record.disagreements:
        yield from ((one.about, _said(claim.value), _said(claim.sources)) for claim in one.values)


def _sources(record: Record) -> Iterator[tuple[Cell, ...]]:
    for name, source in record.sources.items():
        yield name, source.kind, source.title, source.url, source.at, source.read.isoformat()


def _licences(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.licences:
        yield one.part, one.id, _said(one.sources), one.reason


def _relations(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.relations:
        yield one.kind, one.to, one.mapping, _said(one.sources)


def _structures(record: Record) -> Iterator[tuple[Cell, ...]]:
    yield from ((name,) for name in structures_named(record))


def _labels(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.label_sets:
        for label in one.labels:
            value = None if label.value is None else str(label.value)
            yield one.name, one.kind, label.raw, label.structure, value
    for name, mapping in (record.layout.labels if record.layout else {}).items():
        yield from ((name, "structures", None, structure, key) for key, structure in mapping.items())


def _citations(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.citations:
        yield one.bibtex.strip(), _said(one.sources)


def _errata(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.errata:
        yield one.id, one.what, one.effect, one.action, one.status, len(one.cases) or one.n_cases, _said(one.sources)


def _disagreements(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.disagreements:
        yield one.id, one.about, one.decision, one.reason, _said(one.sources)


def _files(record: Record) -> Iterator[tuple[Cell, ...]]:
    for one in record.access.files:
        yield one.name, one.url, one.size_bytes, one.sha256, one.md5


def _entries(record: Record) -> Iterator[tuple[Cell, ...]]:
    yield from ((number,) for number in record.entries)


def _terms_of_licences() -> Iterator[tuple[Cell, ...]]:
    for name, term in terms("licence").items():
        allowed = term.facts.get("terms", {})
        yield name, term.label, term.facts.get("url"), *(allowed.get(right, UNKNOWN) for right in _RIGHTS)
