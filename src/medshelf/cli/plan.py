"""`medshelf plan`."""

from __future__ import annotations

from typing import Any

import click

from medshelf.cli.choice import choice_options, chosen, print_plan
from medshelf.cli.output import json_option, print_json, say


@click.command("plan")
@click.argument("datasets", nargs=-1, required=True)
@choice_options
@click.option("--format", "form", type=click.Choice(["aria2", "s5cmd", "urls"]),
              help="Write a list for another program: aria2c -i, s5cmd run, or one address a line.")  # fmt: skip
@json_option
def command(datasets: tuple[str, ...], form: str | None, as_json: bool, **options: Any) -> None:
    """Say what it takes to have DATASETS here: files, bytes, licence, permission, and what a person has to do.

    Nothing is fetched but the lists of the hosts. Without a network the plan says what the record knows.

    \b
    medshelf plan msd-spleen
    medshelf plan msd-spleen --offline --format aria2 > list.txt
    """
    choice = chosen(options)
    web = choice.web()
    plans = list(choice.plans(datasets, web))
    if form is not None:
        from medshelf.fetch.manifest import manifest

        for plan in plans:
            made = manifest(plan, form, web)
            click.echo(made.text, nl=False)
            for note in made.notes:
                say(note)
    elif as_json:
        print_json([plan.as_dict() for plan in plans])
    else:
        for n, plan in enumerate(plans):
            if n:
                click.echo()
            print_plan(plan)
