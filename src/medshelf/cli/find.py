"""`medshelf find`."""

from __future__ import annotations

import click

from medshelf.cli.output import json_option, print_json, print_table, say


@click.command("find")
@click.argument("words", nargs=-1)
@click.option("--modality", help="CT, MR, X-ray, fundus, …")
@click.option("--region", help="abdomen, brain, chest, …; narrower regions count too")
@click.option("--task", help="segmentation, classification, detection, …")
@click.option("--structure", help="an annotated structure: liver, kidney, hippocampus, …")
@click.option("--access", help="open, account, data-use-agreement, …")
@click.option("--licence", help="an SPDX id, such as CC-BY-4.0")
@click.option("--commercial", is_flag=True, help="Only where every licence allows commercial use.")
@click.option("--min-cases", type=int, help="At least so many cases.")
@click.option("--test-data", is_flag=True, help="Also small collections kept for testing readers.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@click.option("-q", "--quiet", is_flag=True, help="Print ids, one a line.")
@json_option
def command(words: tuple[str, ...], quiet: bool, as_json: bool, **filters: object) -> None:
    """Find datasets by WORDS and filters.

    \b
    medshelf find kidney tumour
    medshelf find --modality CT --structure pancreas --min-cases 100
    """
    from medshelf.catalogue.search import filters_in_words, find

    hits = find(" ".join(words), **filters)  # type: ignore[arg-type]
    if as_json:
        print_json([hit.as_dict() for hit in hits])
    elif quiet:
        click.echo("".join(f"{hit.id}\n" for hit in hits), nl=False)
    else:
        head = ("id", "modality", "region", "cases", "licence", "access", "because of")
        rows = [
            (h.id, _some(h.modality), _some(h.region), h.cases, _some(h.licence), h.access, "; ".join(h.why))
            for h in hits
        ]
        if hits:
            print_table(head, rows)
        asked = {"words": " ".join(words), **filters}
        say(f"{len(hits)} found for: {filters_in_words(asked)}")
    if not hits:
        raise SystemExit(5)


def _some(values: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(values[:most]) + (f" +{len(values) - most}" if len(values) > most else "")
