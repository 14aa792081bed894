"""Bytes for people: sizes as text, rates as options, a bar for what comes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from medshelf.cli.output import console

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def size_text(n_bytes: int | None) -> str:
    """Return a size with three digits and a decimal unit: ``1.31 GB``; ``?`` when it is not known."""
    if n_bytes is None:
        return "?"
    value, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 0 if unit == "B" or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}"


class Amount(click.ParamType):
    """A number of bytes, with K, M, G or T for thousands, millions and so on."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", str(value).strip(), re.IGNORECASE)
        if found is None or float(found[1]) <= 0:
            self.fail(f"{value!r} is no amount of bytes, such as 500K or 10M", param, ctx)
        return float(found[1]) * _UNITS[found[2].upper()]


@contextmanager
def byte_bar(what: str, total: int | None) -> Iterator[Callable[[int, int | None, str], None] | None]:
    """Yield what tells a bar on stderr of the bytes of each file; None where stderr is no terminal.

    Parameters
    ----------
    what : str
    total : int or None
        Bytes of all files; None where some sizes are not known.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    there: dict[str, int] = {}
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def tell(n_bytes: int, of: int | None, name: str) -> None:
            bar.advance(task, n_bytes - there.get(name, 0))
            there[name] = n_bytes

        yield tell
