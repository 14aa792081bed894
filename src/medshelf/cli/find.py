"""`medshelf find`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from medshelf.cli.output import json_option, print_json, print_rows, say

if TYPE_CHECKING:
    from medshelf.catalogue.query import Query
    from medshelf.catalogue.search import Hit


@click.command("find")
@click.argument("words", nargs=-1)
@click.option("--modality", multiple=True, help="CT, MR, X-ray, fundus, …")
@click.option("--dimension", multiple=True, help="2D, 3D, 4D, video, slide, mesh, text, table")
@click.option("--region", multiple=True, help="abdomen, brain, chest, …; narrower regions count too")
@click.option(
    "--structure", multiple=True, help="an annotated structure: liver, kidney/neoplasm, «left kidney cyst», …"
)
@click.option("--condition", multiple=True, help="glioma, COVID-19, diabetic retinopathy, children, …")
@click.option("--task", multiple=True, help="segmentation, classification, detection, …")
@click.option("--format", multiple=True, help="NIfTI, DICOM, PNG, …")
@click.option("--annotation", multiple=True, help="how it was annotated: several-experts, per-reader, automatic, …")
@click.option("--access", multiple=True, help="open, account, data-use-agreement, …")
@click.option("--licence", multiple=True, help="an SPDX id, such as CC-BY-4.0")
@click.option("--host", multiple=True, help="zenodo, tcia, kaggle, physionet, …")
@click.option("--without", multiple=True, help="What must not be there: a modality, a task, a structure, a word.")
@click.option("--commercial", is_flag=True, help="Only where every licence allows commercial use.")
@click.option("--redistribute", is_flag=True, help="Only where every licence allows redistribution.")
@click.option("--derive", is_flag=True, help="Only where every licence allows derived works.")
@click.option("--share-alike", is_flag=True, help="Only where derived works keep the licence.")
@click.option("--min-structures", type=int, help="At least so many structures are named.")
@click.option("--max-structures", type=int, help="At most so many structures are named.")
@click.option("--min-cases", type=int, help="At least so many cases.")
@click.option("--max-cases", type=int, help="At most so many cases.")
@click.option("--since", type=int, help="First released in this year or later.")
@click.option("--until", type=int, help="First released in this year or before.")
@click.option("--has-layout", is_flag=True, help="Only datasets that medshelf can open.")
@click.option("--test-data", is_flag=True, help="Also small collections kept for testing readers.")
@click.option("--facets", is_flag=True, help="Count the values of what was found.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; without it a table shows the best 25.")
@click.option("-q", "--quiet", is_flag=True, help="Print ids, one a line.")
@json_option
def command(
    words: tuple[str, ...],
    facets: bool,
    limit: int | None,
    quiet: bool,
    test_data: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Find datasets by WORDS and filters.

    WORDS may be a sentence; how it was understood is said, as options that you can correct.

    \b
    medshelf find kidney tumour
    medshelf find "open CT with pancreas masks, at least 100 cases, commercial use allowed"
    medshelf find --modality CT --structure pancreas --min-cases 100
    """
    from medshelf.catalogue import search

    query = _understood(" ".join(words), filters)
    hits = search.search(query, test_data=test_data)
    counts = search.facets(hits) if facets else {}
    shown = hits[: limit or (None if as_json or quiet else _ROWS)]
    if as_json:
        found = [hit.as_dict() for hit in shown]
        print_json({"query": query.in_words(), "hits": found, "facets": counts} if facets else found)
    elif quiet:
        click.echo("".join(f"{hit.id}\n" for hit in shown), nl=False)
    else:
        _print(shown, counts)
        more = f", the best {len(shown)} shown (--limit N shows more)" if len(shown) < len(hits) else ""
        say(f"{len(hits)} found{more}: {query.in_words()}")
        if query.filters or query.ranges or query.rights or query.corrections:
            say(f"the same as: medshelf find {query.as_options()}")
    if not hits:
        for part, n in list(search.loosened(query).items())[:4]:
            say(f"without «{part}» there would be {n}")
        raise SystemExit(5)


_ROWS = 25
"""Rows of a table that people read; programs get all."""


def _understood(words: str, filters: dict[str, Any]) -> Query:
    from medshelf.catalogue.ask import understood
    from medshelf.catalogue.query import RIGHTS, Range

    ranges = (
        Range("cases", filters.pop("min_cases"), filters.pop("max_cases")),
        Range("year", filters.pop("since"), filters.pop("until")),
        Range("structures", filters.pop("min_structures"), filters.pop("max_structures")),
    )
    rights = {right: filters.pop(right) for right in RIGHTS}
    without, has_layout = filters.pop("without"), filters.pop("has_layout")
    given = {"formats" if name == "format" else name: values for name, values in filters.items()}
    return understood(words, given, without=without, ranges=ranges, rights=rights, has_layout=has_layout)


def _print(hits: list[Hit], counts: dict[str, dict[str, int]]) -> None:
    head = ("id", "modality", "cases", "licence", "access", "because of")
    rows = [
        (h.id, _some(h.modality, 2), h.cases, _licence(h), h.access, "; ".join(h.why or h.holds)) for h in hits
    ]
    if hits:
        print_rows(head, rows)
    for facet, values in counts.items():
        if values:
            click.echo(f"{facet}: {_some([f'{value} {n}' for value, n in values.items()], 12)}")


def _licence(hit: Hit) -> str:
    return _some([name.removeprefix("LicenseRef-").removesuffix("-unversioned") for name in hit.licence], 1)


def _some(values: list[str] | tuple[str, ...], most: int = 3) -> str:
    return ", ".join(values[:most]) + (f" +{len(values) - most}" if len(values) > most else "")
