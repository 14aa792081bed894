"""`medshelf check`."""

from __future__ import annotations

import click

from medshelf.cli.afar import place, remote_options, tell_cost
from medshelf.cli.output import facts_line, json_option, print_findings, print_json, say


@click.command("check")
@click.argument("dataset")
@click.argument("where", required=False)
@click.option("--variant", help="Check against this repackaging rather than the one that fits best.")
@click.option("--names-only", is_flag=True, help="Do not read tables, even where they are here.")
@remote_options
@json_option
def command(
    dataset: str, where: str | None, variant: str | None, names_only: bool, remote: bool, source: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Check the names at WHERE against the layout of DATASET.

    WHERE is a folder, an archive, or a text file of names (one a line, - for stdin). Nothing but names and
    tables is read. With --remote it is what the host serves: archives there are listed by their directories.

    \b
    medshelf check msd-hippocampus Task04_Hippocampus
    unzip -Z1 archive.zip | medshelf check lits -
    medshelf check chaos --remote
    """
    from medshelf.model.finding import is_problem
    from medshelf.samples.check import check

    found = place(dataset, where, remote, source)
    report = check(dataset, found, variant=variant, tables=not names_only)
    if as_json:
        print_json(report.as_dict())
    else:
        click.secho(f"{report.dataset}: {report.verdict}", bold=True)
        told = f" as {report.variant!r}" if report.variant else ""
        click.echo(f"{report.n_cases} cases ({facts_line(report.splits)}) in {report.n_names} names{told}")
        click.echo(f"files: {facts_line(report.slots)}")
        print_findings(report.findings)
    tell_cost(found)
    problems = [f for f in report.findings if is_problem(f)]
    if problems:
        say(f"{len(problems)} problems")
        raise SystemExit(1)
