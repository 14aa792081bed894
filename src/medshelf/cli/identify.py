"""`medshelf identify`."""

from __future__ import annotations

import click

from medshelf.cli.output import json_option, print_json, print_table, say


@click.command("identify")
@click.argument("where")
@click.option("-q", "--quiet", is_flag=True, help="Print the id alone.")
@json_option
def command(where: str, quiet: bool, as_json: bool) -> None:
    """Say which dataset, and which repackaging of it, lies at WHERE.

    WHERE is a folder, an archive, or a text file of names. Only names are looked at. Exit code 5: none.
    """
    from medshelf.samples.identify import identify

    answer = identify(where)
    if as_json:
        print_json(answer.as_dict())
    elif quiet:
        click.echo(f"{answer.dataset}\n" if answer.dataset else "", nl=False)
    else:
        told = f", repackaged as {answer.variant!r}" if answer.variant else ""
        click.secho(f"{answer.dataset}{told}" if answer.dataset else "unknown: no dataset of the shelf", bold=True)
        rows = [
            (g.dataset, g.variant or "as released", f"{g.score:.2f}", f"{g.explained:.0%}", f"{g.seen:.0%}")
            for g in answer.guesses
            if g.score > 0
        ]
        if rows:
            print_table(("dataset", "repackaging", "score", "names explained", "kinds of file seen"), rows)
        say(f"{answer.n_names} names")
    if answer.dataset is None:
        raise SystemExit(5)
