"""The awesome list, regenerated: one page a region, one row a dataset, each with its licence and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medshelf.catalogue.vocabulary import terms
from medshelf.model.dataset import UNKNOWN, Fact, Record

_HEAD = ("Dataset", "What it is", "Modality", "Task", "Cases", "Year", "Licence", "Access")


def write(records: Sequence[Record], place: Path) -> None:
    """Write a page for each region that has datasets, and an index."""
    index = ["# Public medical datasets", "", "By region. A dataset stands under each region that it shows.", ""]
    for region, term in terms("region").items():
        rows = [record for record in records if _is_of(record, region)]
        if rows:
            (place / f"{region}.md").write_text(_page(term.label, rows), encoding="utf-8")
            index.append(f"* [{term.label}]({region}.md): {len(rows)}")
    (place / "README.md").write_text("\n".join(index) + "\n", encoding="utf-8")


def _is_of(record: Record, region: str) -> bool:
    regions = record.facts.region.value
    return record.kind == "dataset" and isinstance(regions, tuple) and region in regions


def _page(label: str, records: Sequence[Record]) -> str:
    lines = [f"# {label.capitalize()}", "", "| " + " | ".join(_HEAD) + " |", "|" + " --- |" * len(_HEAD)]
    lines += ["| " + " | ".join(_row(one)) + " |" for one in sorted(records, key=lambda one: one.name.lower())]
    return "\n".join(lines) + "\n"


def _row(record: Record) -> tuple[str, ...]:
    facts = record.facts
    name = _cell(record.name) if record.homepage == "none found" else f"[{_cell(record.name)}]({record.homepage})"
    cases = f"{facts.cases.value:,} {facts.cases.unit or ''}" if isinstance(facts.cases.value, int) else UNKNOWN
    access = f"[{record.access.kind}]({record.access.landing})" if record.access.landing else record.access.kind
    licences = ", ".join(dict.fromkeys(licence.id for licence in record.licences))
    return (
        name, _cell(record.summary), _words(facts.modality), _words(facts.task), _cell(cases), str(facts.year.value),
        licences, access,
    )  # fmt: skip


def _words(fact: Fact) -> str:
    return ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
