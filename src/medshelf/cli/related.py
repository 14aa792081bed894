"""`medshelf related`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from medshelf.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from medshelf.catalogue.relations import Edge


@click.command("related")
@click.argument("dataset")
@click.option("--depth", type=click.IntRange(1, 6), default=2, show_default=True, help="How many steps away.")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart, which GitHub draws.")
@json_option
def command(dataset: str, depth: int, mermaid: bool, as_json: bool) -> None:
    """Show what shares images, labels or history with DATASET.

    Train and test sets that are tied here may hold the same scans.
    """
    from medshelf.catalogue.relations import as_mermaid, related
    from medshelf.catalogue.shelf import load

    edges = related(dataset, depth)
    if as_json:
        print_json([edge.as_dict() for edge in edges])
    elif mermaid:
        click.echo(as_mermaid(edges))
    else:
        record = load(dataset)
        click.echo(click.style(f"{record.name}  ({record.id})", bold=True))
        _draw(record.id, edges, 1, "", set())
        ties = f"{len(edges)} tie{'s' if len(edges) != 1 else ''}"
        say(f"{ties} within {depth} step{'s' if depth != 1 else ''}" if edges else "nothing is known to be related")


def _draw(here: str, edges: list[Edge], distance: int, indent: str, drawn: set[str]) -> None:
    """Draw the ties of a dataset as a tree, the neighbours of each once."""
    drawn.add(here)
    mine = [edge for edge in edges if edge.id == here and edge.distance == distance]
    for number, edge in enumerate(mine):
        last = number == len(mine) - 1
        mapping = f": {edge.mapping}" if edge.mapping else ""
        click.echo(
            f"{indent}{'└─' if last else '├─'} {edge.kind} {click.style(edge.to, bold=True)} ({edge.name}){mapping}"
        )
        if edge.to not in drawn:
            _draw(edge.to, edges, distance + 1, indent + ("   " if last else "│  "), drawn)
