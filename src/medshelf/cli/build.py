"""`medshelf build`."""

from __future__ import annotations

import sys

import click

from medshelf.cli.output import console, json_option, print_json, say


@click.command("build")
@click.argument("recipe", type=click.Path())
@click.option("--data", required=True, type=click.Path(), help="Folder below which the datasets lie.")
@click.option("--out", required=True, type=click.Path(), help="Folder to write into.")
@click.option("-j", "--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Number of processes.")
@json_option
def command(recipe: str, data: str, out: str, jobs: int, as_json: bool) -> None:
    """Carry out RECIPE: choose cases, check and map them, split by patient, write a folder for a trainer.

    Run it again after a stop: it continues. Run it again on the same data: it does nothing.
    """
    from medshelf.export.build import build

    if sys.stderr.isatty():
        from rich.progress import Progress

        with Progress(console=console(stderr=True), transient=True) as bar:
            task = bar.add_task("building", total=None)
            made = build(recipe, data=data, out=out, jobs=jobs,
                         progress=lambda n, of: bar.update(task, completed=n, total=of))  # fmt: skip
    else:
        made = build(recipe, data=data, out=out, jobs=jobs)
    if as_json:
        print_json(made.as_dict())
        return
    click.echo(made.root)
    for note in made.notes:
        say(f"note: {note}")
    for one in made.excluded[:20]:
        say(f"left out: {one.dataset} {one.case}: {one.reason}")
    if len(made.excluded) > 20:
        say(f"… and {len(made.excluded) - 20} more, in report.html")
    done = f"{made.n_written} written" if made.n_written else "nothing to do"
    say(f"{len(made.cases)} cases ({done}), {len(made.excluded)} left out, {made.n_folds} folds")
