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
    yield _row("homepage", record.homepage)
    for name in ("modality", "dimension", "region", "task", "cases", "patients", "year", "formats", "annotators"):
        fact: Fact | None = getattr(record.facts, name)
        if fact is not None:
            yield from _fact(name, fact, sources)
    yield from _rights(record, sources)
    yield from _structures(record)
    yield from _layout(record, files)
    yield from _rest(record)
    if sources:
        yield ""
        yield click.style("sources", bold=True)
        for name, source in record.sources.items():
            place = " ".join(x for x in (source.url, source.at) if x)
            yield f"  {name}: {source.title} ({source.kind}, read {source.read}) {place}".rstrip()


def _row(name: str, text: object) -> str:
    return f"{click.style(name.ljust(12), dim=True)} {text}"


def _fact(name: str, fact: Fact, sources: bool) -> Iterator[str]:
    unit = f" {fact.unit}" if fact.unit else ""
    said = f"  [{', '.join(fact.sources)}]" if sources and fact.sources else ""
    yield _row(name, f"{_words(fact.value)}{unit}{said}")
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
        said = f"  [{', '.join(licence.sources)}]" if sources else ""
        yield _row("licence", f"{licence.id} ({licence.part}; {told}){said}")
        for claim in licence.claims:
            yield _row("", f"  but {_words(claim.value)} according to {', '.join(claim.sources)}")
    landing = f", from {record.access.landing}" if record.access.landing else ""
    yield _row("access", f"{record.access.kind}{landing}")
    for number, step in enumerate(record.access.steps, start=1):
        yield _row("", f"  {number}. {step}")


def _structures(record: Record) -> Iterator[str]:
    from medshelf.catalogue.index import layout_structures

    if record.layout is not None:
        names = layout_structures(record.layout)
        if names:
            shown = ", ".join(names[:24]) + (f" … and {len(names) - 24} more" if len(names) > 24 else "")
            yield _row("structures", shown)


def _layout(record: Record, files: bool) -> Iterator[str]:
    layout = record.layout
    if layout is None:
        yield _row("layout", "not described yet")
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


def _rest(record: Record) -> Iterator[str]:
    for relation in record.relations:
        mapping = f" ({relation.mapping})" if relation.mapping else ""
        yield _row("relation", f"{relation.kind} {relation.to}{mapping}")
    for erratum in record.errata:
        n_cases = len(erratum.cases) or erratum.n_cases
        which = f" ({n_cases} cases)" if n_cases else ""
        yield _row("erratum", f"{erratum.id}: {erratum.what}{which} → {erratum.action}")
    for note in record.notes:
        yield _row("note", note)
    for citation in record.citations[:1]:
        yield _row("cite", citation.bibtex.strip().splitlines()[0].rstrip(",{ ") + " …")
