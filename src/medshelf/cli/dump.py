"""`medshelf dump`."""

from __future__ import annotations

from pathlib import Path

import click

from medshelf.cli.output import json_option, print_json, say


@click.command("dump")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--as", "form", required=True, help="sqlite, json, csv, parquet, markdown, croissant or schema-org.")
@click.option("--dataset", "datasets", multiple=True, help="Only this one; may be given several times.")
@json_option
def command(out: Path, form: str, datasets: tuple[str, ...], as_json: bool) -> None:
    """Write the catalogue to OUT: a file (sqlite, json) or a new folder.

    \b
    medshelf dump shelf.sqlite --as sqlite && datasette shelf.sqlite
    medshelf dump croissant --as croissant --dataset kits23
    """
    from medshelf.catalogue import shelf
    from medshelf.catalogue.dump import dump

    records = [shelf.load(name) for name in datasets] or [one for one in shelf.records() if one.kind != "test-data"]
    place = dump(out, form, records)
    if as_json:
        print_json({"out": str(place), "format": form, "datasets": [record.id for record in records]})
        return
    click.echo(place)
    say(f"{len(records)} records")
