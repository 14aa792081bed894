"""What all verbs share: data to stdout, messages to stderr, tables for people and JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def complain(message: str, code: int) -> int:
    """Print an error to stderr and return its exit code."""
    click.secho(f"medshelf: {message}", fg="red", err=True)
    return code


def say(message: str) -> None:
    """Print a message for a person, to stderr."""
    click.echo(message, err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=not _takes_unicode(), default=str))


def print_lines(values: Iterable[Any]) -> None:
    """Print values as JSON, one a line."""
    escaped = not _takes_unicode()
    for value in values:
        click.echo(json.dumps(value, ensure_ascii=escaped, default=str))


def _takes_unicode() -> bool:
    """False where stdout has an encoding (a Windows console, say) that lacks letters which JSON can escape."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table as wide as the terminal; plain when stdout is no terminal."""
    from rich.table import Table

    table = Table(*head, title=title, box=None, pad_edge=False, title_justify="left", header_style="bold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out = console()
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def print_rows(head: Sequence[str], rows: Iterable[Sequence[object]], *, least: int = 16) -> None:
    """Print a table of one line a row, the last column cut to the width; for answers that must come at once.

    `print_table` breaks long cells over lines, and takes longer.
    """
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head) - 1)]
    room = max(_width() - sum(widths) - 2 * len(widths), least)
    for number, row in enumerate(cells):
        last = row[-1] if len(row[-1]) <= room else row[-1][: room - 1].rstrip() + "…"
        line = "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), last])
        click.echo(line.rstrip() if number else click.style(line, bold=True))


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPED_WIDTH


_PIPED_WIDTH = 120
"""How wide tables are where stdout is no terminal."""


def console(*, stderr: bool = False) -> Any:
    """Return a rich console that honours NO_COLOR and pipes."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(stderr=stderr, soft_wrap=False, width=width, highlight=False, markup=False)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a progress bar on stderr while work is done; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def print_findings(findings: Sequence[Any], *, limit: int | None = 50) -> None:
    """Print findings for a person, grouped by check, worst first."""
    order = {"error": 0, "warning": 1, "info": 2}
    groups: dict[tuple[int, str], list[Any]] = {}
    for finding in findings:
        groups.setdefault((order[finding.severity], finding.check), []).append(finding)
    for (_, check), group in sorted(groups.items()):
        colour = {"error": "red", "warning": "yellow", "info": "blue"}[group[0].severity]
        click.secho(f"{group[0].severity} {check} ({len(group)})", fg=colour)
        for finding in group[:limit]:
            place = finding.file or (f"case {finding.case}" if finding.case else "")
            click.echo(f"  {place + ': ' if place else ''}{finding.message}")
        if limit is not None and len(group) > limit:
            click.echo(f"  … and {len(group) - limit} more (--json has them all)")
        if group[0].proposal:
            click.secho(f"  → {group[0].proposal}", dim=True)


def facts_line(values: Mapping[str, object]) -> str:
    """Return counts as one line: ``image 44, mask 45``."""
    return ", ".join(f"{name} {n}" for name, n in values.items()) or "none"
