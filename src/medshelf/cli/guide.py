"""`medshelf guide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from medshelf.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from medshelf.catalogue.guide import Answer


@click.command("guide")
@click.argument("words", nargs=-1)
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="At most so many an answer.")
@click.option("--written", is_flag=True, help="Say what the written guide of a list answers, and whether it holds.")
@json_option
def command(words: tuple[str, ...], limit: int, written: bool, as_json: bool) -> None:
    """Say which datasets suit a need: by size, region, access, need or application.

    Without WORDS the questions are listed.

    \b
    medshelf guide abdomen
    medshelf guide application oncology
    """
    from medshelf.catalogue.guide import guide, lines

    if not words and not as_json:
        _list([(line.guide, line.label) for line in lines()])
        return
    answers = guide(" ".join(words), limit)
    if as_json:
        print_json([one.as_dict() for one in answers])
    for one in [] if as_json else answers:
        _print(one, written)
    if not answers:
        say(
            f"the guide has no question with {' '.join(words)!r}; medshelf guide lists them all, medshelf find searches"
        )
        raise SystemExit(5)


def _list(questions: list[tuple[str, str]]) -> None:
    for guide in dict.fromkeys(name for name, _ in questions):
        click.echo(click.style(f"by {guide}" if guide != "new" else guide, bold=True))
        for name, label in questions:
            if name == guide:
                click.echo(f"  {label}")
    say("to see the answers: medshelf guide WORDS, such as medshelf guide abdomen")


def _print(one: Answer, written: bool) -> None:
    line = one.line
    asked = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in line.ask.items() if value not in ("", True)
    )
    click.echo(click.style(f"{line.label}  (by {line.guide}; {asked}; {line.first} first)", bold=True))
    for choice in one.choices:
        click.echo(f"  {choice.id}: {'; '.join(choice.reasons)}")
    if one.n_found > len(one.choices):
        click.echo(f"  … and {one.n_found - len(one.choices)} more")
    if written:
        click.echo(f"  the written guide (line {line.line}): {one.outcome}")
        for verdict in one.verdicts:
            mark = "agrees" if verdict.agrees else "differs"
            click.echo(f"    {verdict.name}{f' ({verdict.id})' if verdict.id else ''}: {mark}: {verdict.why}")
        if line.total is not None:
            known = f"{one.total:,}" if one.total is not None else "not known, since some state no number"
            click.echo(f"    total: the list says {line.total:,} or more, the records {known}")
