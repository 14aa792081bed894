"""The page that lists every record of the shelf."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any, get_args

from generate.markdown import code, table
from medshelf.catalogue import shelf
from medshelf.catalogue.search import find
from medshelf.catalogue.statistics import coverage
from medshelf.model.dataset import Record
from medshelf.model.layout import FAMILIES, Evidence

_TESTS = Path(__file__).resolve().parents[2] / "tests"
SOURCE = "the records in catalogue/datasets"


def page() -> str:
    """Counts, and one line a record."""
    records = list(shelf.records())
    return "\n".join([
        "# Catalogue",
        "",
        f"{len(records)} records. `medshelf show ID` prints all that is known of one, with its sources;",
        "`medshelf find` searches.",
        "",
        "## By evidence",
        "",
        "How the layout of each record is known; see [evidence and truth](../concepts/evidence-and-truth.md).",
        "",
        evidence_counts(records),
        "## By family",
        "",
        "Families are explained with the [layout language](layout-language.md#families).",
        "",
        _family_counts(records),
        "## All records",
        "",
        "A number that nobody states is `unknown`. A licence that nobody states is `unknown` too: that is not a",
        "permission.",
        "",
        table(("Id", "Family", "Evidence", "Cases", "Licence", "Access"), [_row(r) for r in records]),
    ])  # fmt: skip


def _row(record: Record) -> tuple[object, ...]:
    cases = record.facts.cases
    told = f"{cases.value} {cases.unit or ''}" if cases.value != "unknown" else "unknown"
    licences = ", ".join(dict.fromkeys(licence.id for licence in record.licences))
    layout = record.layout
    family, evidence = (layout.family, layout.evidence) if layout else ("", "no layout yet")
    name = f"[{record.id}]({record.homepage})" if record.homepage.startswith("http") else record.id
    return name, family, evidence, told.strip(), licences, record.access.kind


_EVIDENCE = {
    "seen": "real bytes were opened",
    "listing": "file names of the real release",
    "official": "the documentation of the release itself",
    "code": "a public program that reads it",
    "page": "somebody's description",
}


def coverage_table() -> str:
    """How many of the datasets that the lists name state each fact."""
    listed = [r for r in shelf.records() if r.kind == "dataset" and r.entries]
    rows = [(fact, n, of, f"{n / of:.1%}") for fact, (n, of) in coverage(listed).items()]
    return table(("Fact", "Datasets that state it", "of", "Share"), rows)


def search_figures() -> str:
    """Recall and precision of the search on the judged questions, by group."""
    queries = tomllib.loads((_TESTS / "catalogue" / "queries.toml").read_text(encoding="utf-8"))["queries"]
    figures: dict[str, list[tuple[float, float, float]]] = {}
    for query in queries:
        figures.setdefault(query["group"], []).append(_judged(query))
        figures.setdefault("all", []).append(figures[query["group"]][-1])
    means = {name: [f"{fmean(column):.2f}" for column in zip(*found, strict=True)] for name, found in figures.items()}
    rows = [(name, len(found), *means[name]) for name, found in figures.items()]
    rows.sort(key=lambda row: row[0] == "all")
    return table(("Group", "Questions", "Recall", "Precision", "R-precision"), rows)


def _judged(query: dict[str, Any]) -> tuple[float, float, float]:
    relevant, also = set(query["relevant"]), set(query.get("also", ()))
    found = [hit.id for hit in find(query["ask"]) if hit.id not in also]
    right = sum(name in relevant for name in found)
    if not relevant:
        return 1.0, float(not found), float(not found)
    first = sum(name in relevant for name in found[: len(relevant)]) / len(relevant)
    return right / len(relevant), right / len(found) if found else 0.0, first


def evidence_counts(records: list[Record] | None = None) -> str:
    """How many records have which evidence."""
    found = Counter(r.layout.evidence if r.layout else "" for r in records or shelf.records())
    rows = [(code(grade), _EVIDENCE[grade], found[grade]) for grade in get_args(Evidence)]
    rows.append(("", "nobody has described the files yet", found[""]))
    return table(("Evidence", "The layout is known from", "Records"), rows)


def _family_counts(records: list[Record]) -> str:
    found = Counter(r.layout.family for r in records if r.layout)
    return table(("Family", "Records"), [(code(f), found[f]) for f in FAMILIES if found[f]])
