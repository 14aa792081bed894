"""`medshelf show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from medshelf.cli.output import json_option, print_json

if TYPE_CHECKING:
    from medshelf.model.dataset import Fact, Record


@click.command("show")
@click.argument("dataset")
@click.option("--sources", is_flag=True, help="Say who says what.")
@click.option("--files", is_flag=True, help="Show the layout: templates of every kind of file.")
@json_option
def command(dataset: str, sources: bool, files: bool, as_json: bool) -> None:
    """Show all that is known of DATASET (an id or another name of it)."""
    from medshelf.catalogue.shelf import load
    from medshelf.catalogue.structure_json import to_plain

    record = load(dataset)
    if as_json:
        print_json(to_plain(record))
        return
    for line in _lines(record, sources=sources, files=files):
        click.echo(line)


def _lines(record: Record, *, sources: bool, files: bool) -> Iterator[str]:
    yield click.style(f"{record.name}  ({record.id})", bold=True)
    yield " ".join(record.summary.split())
    yield ""
    yield _row("homepage", record.homepage + _cited(record.homepage_sources, sources))
    for name in (
        "modality",
        "dimension",
        "region",
        "task",
        "cases",
        "patients",
        "year",
        "formats",
        "annotators",
        "annotation",
        "size_bytes",
    ):
        fact: Fact | None = getattr(record.facts, name)
        if fact is not None:
            yield from _fact(name, fact, sources)
    yield from _rights(record, sources)
    yield from _structures(record)
    yield from _labels(record, sources)
    yield from _layout(record, files)
    yield from _rest(record, sources)
    if sources:
        yield from _sources(record)


def _sources(record: Record) -> Iterator[str]:
    """Yield who says what: the disagreements, what the lists call it, and everything that was read."""
    from medshelf.catalogue.entries import entries_of

    for one in record.disagreements:
        yield _row("disputed", f"{one.about} ({one.id})")
        for claim in one.values:
            yield _row("", f"  {_words(claim.value)}{_cited(claim.sources, True)}")
        yield _row("", f"  decided: {one.decision}{_cited(one.sources, True)}")
        yield _row("", f"  because {one.reason}")
    yield ""
    yield click.style("in the lists", bold=True)
    for entry in entries_of(record):
        yield f"  {entry.list}, line {entry.line}: {entry.name} ({entry.section})"
    yield click.style("sources", bold=True)
    for name, source in record.sources.items():
        place = " ".join(x for x in (source.url, source.at) if x)
        yield f"  {name}: {source.title} ({source.kind}, read {source.read}) {place}".rstrip()


def _cited(names: tuple[str, ...], sources: bool) -> str:
    return f"  [{', '.join(names)}]" if sources and names else ""


def _row(name: str, text: object) -> str:
    return f"{click.style(name.ljust(12), dim=True)} {text}"


def _fact(name: str, fact: Fact, sources: bool) -> Iterator[str]:
    unit = f" {fact.unit}" if fact.unit else ""
    yield _row(name, f"{_words(fact.value)}{unit}{_cited(fact.sources, sources)}")
    for claim in fact.claims:
        yield _row("", f"  but {_words(claim.value)} according to {', '.join(claim.sources)}")
    if fact.reason and (sources or fact.claims):
        yield _row("", f"  because {fact.reason}")


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _rights(record: Record, sources: bool) -> Iterator[str]:
    from medshelf.catalogue.vocabulary import terms

    for licence in record.licences:
        known = terms("licence").get(licence.id)
        allowed = known.facts.get("terms", {}) if known else {}
        told = f"commercial use: {allowed.get('commercial', 'unknown')}"
        yield _row("licence", f"{licence.id} ({licence.part}; {told}){_cited(licence.sources, sources)}")
        for claim in licence.claims:
            yield _row("", f"  but {_words(claim.value)} according to {', '.join(claim.sources)}")
    landing = f", from {record.access.landing}" if record.access.landing else ""
    yield _row("access", f"{record.access.kind}{landing}{_cited(record.access.sources, sources)}")
    for number, step in enumerate(record.access.steps, start=1):
        yield _row("", f"  {number}. {step}")


def _structures(record: Record) -> Iterator[str]:
    from medshelf.catalogue.index import structures_named

    names = structures_named(record)
    if names:
        shown = ", ".join(names[:24]) + (f" … and {len(names) - 24} more" if len(names) > 24 else "")
        yield _row("structures", shown)


def _labels(record: Record, sources: bool) -> Iterator[str]:
    for one in record.label_sets:
        shown = [label.raw if label.value is None else f"{label.value} {label.raw}" for label in one.labels]
        more = f" … and {len(shown) - 24} more" if len(shown) > 24 else ""
        yield _row("labels", f"{one.name}: {', '.join(shown[:24])}{more}{_cited(one.sources, sources)}")


def _layout(record: Record, files: bool) -> Iterator[str]:
    layout = record.layout
    if layout is None:
        yield _row("layout", f"none: {record.no_layout}" if record.no_layout else "not described yet")
        return
    also = f"; also met as: {', '.join(v.title for v in layout.variants.values())}" if layout.variants else ""
    yield _row("layout", f"family {layout.family}, evidence: {layout.evidence}{also}")
    if files:
        for name, slot in layout.files.items():
            paths = slot.either or ((slot.path,) if isinstance(slot.path, str) else slot.path)
            yield _row("", f"  {name} ({slot.role}): {' | '.join(paths)}")
        for name, table in layout.tables.items():
            yield _row("", f"  {name} (table): {table.path if isinstance(table.path, str) else ' | '.join(table.path)}")
    if layout.disputed:
        yield _row("", f"  disputed: {layout.disputed}")


def _rest(record: Record, sources: bool) -> Iterator[str]:
    for relation in record.relations:
        mapping = f" ({relation.mapping})" if relation.mapping else ""
        yield _row("relation", f"{relation.kind} {relation.to}{mapping}{_cited(relation.sources, sources)}")
    for erratum in record.errata:
        n_cases = len(erratum.cases) or erratum.n_cases
        which = f" ({n_cases} cases)" if n_cases else ""
        yield _row("erratum", f"{erratum.id}: {erratum.what}{which} → {erratum.action}")
    for note in record.notes:
        yield _row("note", note)
    for citation in record.citations[:1]:
        yield _row("cite", citation.bibtex.strip().splitlines()[0].rstrip(",{ ") + " …")
