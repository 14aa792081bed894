"""``--remote``: look at a dataset where it lies, in place of a folder that is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from medshelf.cli.amounts import size_text
from medshelf.cli.output import say

if TYPE_CHECKING:
    from medshelf.access.tree import Tree

F = TypeVar("F", bound=Callable[..., Any])


def remote_options(command: F) -> F:
    """Add ``--remote`` and ``--from``."""
    ref = click.option("--from", "source", metavar="REF", help="With --remote: this reference or address.")
    return click.option("--remote", is_flag=True, help="Look at it where it lies, without fetching it.")(ref(command))


def place(dataset: str, where: str | None, remote: bool, source: str | None) -> str | Tree:
    """Return the place to look at.

    Raises
    ------
    click.UsageError
        Both a place and ``--remote``, or neither.
    """
    if remote == (where is not None):
        raise click.UsageError("name a place, WHERE, or look from afar with --remote; not both")
    if source is not None and not remote:
        raise click.UsageError("--from goes with --remote")
    if where is not None:
        return where
    from medshelf.fetch.remote import remote_tree

    return remote_tree(dataset, source=source)


def tell_cost(where: object) -> None:
    """Say how much was read from afar."""
    from medshelf.access.remote import RemoteTree

    if isinstance(where, RemoteTree):
        say(f"{size_text(where.traffic.bytes)} read from afar, in {where.traffic.requests} requests")
