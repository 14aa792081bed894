"""`medshelf cite`."""

from __future__ import annotations

import click

from medshelf.cli.output import json_option, print_json, say


@click.command("cite")
@click.argument("datasets", nargs=-1, required=True)
@click.option("--text", "as_lines", is_flag=True, help="Print lines of text instead of BibTeX.")
@json_option
def command(datasets: tuple[str, ...], as_lines: bool, as_json: bool) -> None:
    """Print what to cite for DATASETS: BibTeX, or with --json CSL-JSON for reference managers."""
    from medshelf.catalogue.cite import as_bibtex, as_csl, as_text, cite

    works, without = cite(datasets)
    if as_json:
        print_json(as_csl(works))
    elif as_lines:
        for line in as_text(works):
            click.echo(line)
    elif works:
        click.echo(as_bibtex(works), nl=False)
    for name in without:
        say(f"{name}: no work to cite is known; name its page (medshelf show {name})")
    if not works:
        raise SystemExit(5)
