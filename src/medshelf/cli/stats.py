"""`medshelf stats`."""

from __future__ import annotations

import click

from medshelf.cli.output import json_option, print_json, print_table


@click.command("stats")
@click.option("--claims", is_flag=True, help="Set the numbers that a list claims against those of the records.")
@json_option
def command(claims: bool, as_json: bool) -> None:
    """Count what is on the shelf, by modality, region, task, access and licence."""
    from medshelf.catalogue.statistics import statistics

    found = statistics()
    if as_json:
        print_json(found)
        return
    if claims:
        rows = [(one["about"], _number(one["list"]), _number(one["records"])) for one in found["claims"]]
        print_table(("of what", "a list says", "the records say"), rows)
        return
    click.echo(", ".join(f"{n} {kind} records" for kind, n in found["records"].items()))
    for facet, values in found["counts"].items():
        most = [f"{value} {n}" for value, n in values.items()]
        more = f" … and {len(most) - 12} more" if len(most) > 12 else ""
        click.echo(f"{click.style(facet.ljust(10), bold=True)} {', '.join(most[:12])}{more}")
    click.echo(
        f"{click.style('in all'.ljust(10), bold=True)} "
        + ", ".join(f"{n:,} {name}" for name, n in found["sums"].items())
    )
    known = ", ".join(f"{name} {share:.0%}" for name, share in found["known"].items())
    click.echo(f"{click.style('known'.ljust(10), bold=True)} {known}")


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else "unknown" if value is None else str(value)
