"""`medshelf new`."""

from __future__ import annotations

from pathlib import Path

import click

from medshelf.cli.output import json_option, print_json, say


@click.command("new")
@click.argument("dataset")
@click.option("--name", help="Name that people use; the id by default.")
@click.option("--url", help="Its page, or the page of the place that serves it.")
@click.option(
    "--catalogue", type=click.Path(path_type=Path, file_okay=False), help="The catalogue; the one in use by default."
)
@json_option
def command(dataset: str, name: str | None, url: str | None, catalogue: Path | None, as_json: bool) -> None:
    """Start the record of DATASET, an id: lower-case words joined by hyphens.

    Writes dataset.toml and access.toml with a place for everything that a record needs, and adds the id to the
    vocabulary. `python -m medshelf.cli.catalogue DATASET` then says what is still to be filled in.
    """
    from medshelf.catalogue.place import catalogue_root
    from medshelf.catalogue.scaffold import scaffold

    files = scaffold(dataset, catalogue or catalogue_root(), name=name, url=url)
    if as_json:
        print_json({"dataset": dataset, "files": [str(file) for file in files]})
        return
    for file in files:
        click.echo(file)
    say("fill in what stands in capitals, then: python -m medshelf.cli.catalogue " + dataset)
