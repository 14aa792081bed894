"""`medshelf twin`."""

from __future__ import annotations

import click

from medshelf.cli.output import json_option, print_json, progress, say


@click.command("twin")
@click.argument("dataset")
@click.argument("out", type=click.Path())
@click.option(
    "--cases", default=3, show_default=True, type=click.IntRange(min=1),
    help="Cases for each split, modality and the like.",
)  # fmt: skip
@click.option("--variant", default="", help="Which repackaging; the release itself by default.")
@json_option
def command(dataset: str, out: str, cases: int, variant: str, as_json: bool) -> None:
    """Write to OUT a small synthetic copy of DATASET: its folders and names, phantoms in place of data.

    A twin proves that the record is consistent, never that it is true.
    """
    from medshelf.samples.twin import twin

    with progress("writing", None) as step:
        made = twin(dataset, out, cases=cases, variant=variant, progress=step)
    if as_json:
        print_json({"dataset": made.dataset, "variant": made.variant, "root": str(made.root),
                    "files": made.n_files, "cases": len(made.cases)})  # fmt: skip
    else:
        click.echo(made.root)
        say(f"{made.n_files} synthetic files of {len(made.cases)} cases, in the layout of {made.dataset}")
