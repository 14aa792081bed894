"""`medshelf doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from medshelf.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from medshelf.fetch.doctor import Sign


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Ask no host.")
@json_option
def command(offline: bool, as_json: bool) -> None:
    """Look at what medshelf finds around itself: versions, extras, cache, network, credentials, hosts.

    Credentials are never shown, only where they are. Exit code 1: something is wrong.
    """
    from medshelf.access.web import Patience, Web
    from medshelf.fetch.doctor import look

    web = Web(offline=True, patience=Patience(tries=1)) if offline else None
    signs = look(web=web)
    if as_json:
        print_json([asdict(sign) for sign in signs])
    else:
        _print(signs)
    n_wrong = sum(sign.state == "wrong" for sign in signs)
    if n_wrong:
        say(f"{n_wrong} wrong")
        raise SystemExit(1)


def _print(signs: Sequence[Sign]) -> None:
    marks = {"ok": ("ok", "green"), "wrong": ("wrong", "red"), "none": ("-", None)}
    subject = ""
    for sign in signs:
        if sign.subject != subject:
            subject = sign.subject
            click.secho(subject, bold=True)
        mark, colour = marks[sign.state]
        click.echo(f"  {click.style(f'{mark:<5}', fg=colour)} {sign.name:<16} {sign.said}")
