"""`medshelf compare`."""

from __future__ import annotations

import click

from medshelf.cli.output import json_option, print_json, print_table


@click.command("compare")
@click.argument("datasets", nargs=-1, required=True)
@click.option("--differences", is_flag=True, help="Only the rows in which they differ.")
@json_option
def command(datasets: tuple[str, ...], differences: bool, as_json: bool) -> None:
    """Show DATASETS side by side."""
    from medshelf.catalogue.compare import compare

    rows = compare(datasets)
    if differences:
        rows = {title: row for title, row in rows.items() if len(set(row.values())) > 1}
    if as_json:
        print_json(rows)
        return
    ids = list(dict.fromkeys(one for row in rows.values() for one in row))
    print_table(("", *ids), [(title, *(row[one] for one in ids)) for title, row in rows.items()])
