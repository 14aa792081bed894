"""Options that `plan` and `get` share: which files, from where, to where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from medshelf.cli.amounts import size_text
from medshelf.cli.output import print_rows

if TYPE_CHECKING:
    from medshelf.access.web import Web
    from medshelf.fetch.planned import Plan, PlannedFile

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--to", type=click.Path(path_type=Path, file_okay=False),
                 help="Folder for the files, or of the folders of several; by default $MEDSHELF_DATA/ID or ./ID."),
    click.option("--include", multiple=True, metavar="PATTERN",
                 help="Only files that fit; may be given again. With !/ it is about what archives hold."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="No file that fits; may be given again."),
    click.option("--split", help="Only cases of this split; of zips and tars only what holds them comes."),
    click.option("--cases", type=click.IntRange(min=1), metavar="N", help="Only the first N cases, likewise."),
    click.option("--channel", help="Of the images only those of this channel, likewise; masks and tables stay."),
    click.option("--from", "source", metavar="REF", help="Take this reference or address, such as zenodo:7262581."),
    click.option("--offline", is_flag=True, help="Ask nothing of the network."),
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What a person chose."""

    to: Path | None
    include: Sequence[str]
    exclude: Sequence[str]
    split: str | None
    cases: int | None
    channel: str | None
    source: str | None
    offline: bool

    def where(self, dataset: str, *, alone: bool) -> Path | None:
        """Return the folder of one dataset; None for the default."""
        return self.to if self.to is None or alone else self.to / dataset

    def web(self, *, patient: bool = False) -> Web:
        """Return the network as chosen; a patient one waits for hosts as long as a download should."""
        from medshelf.access.web import Patience, Web

        patience = None if patient else Patience(tries=3, connect_s=10, longest_wait_s=2)
        return Web(offline=True if self.offline else None, patience=patience)

    def plans(self, datasets: Sequence[str], web: Web) -> Iterator[Plan]:
        """Yield the plan of each dataset."""
        from medshelf.catalogue.shelf import resolve
        from medshelf.fetch.plan import plan

        for name in dict.fromkeys(resolve(one) for one in datasets):
            yield plan(
                name, self.where(name, alone=len(datasets) == 1), include=self.include, exclude=self.exclude,
                split=self.split, cases=self.cases, channel=self.channel, source=self.source, web=web,
            )  # fmt: skip


def choice_options(command: F) -> F:
    """Add the options of a `Choice`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen(options: Mapping[str, Any]) -> Choice:
    """Return the choice among the options of a command."""
    return Choice(**{name: options[name] for name in Choice.__dataclass_fields__})


def print_plan(plan: Plan, *, most_files: int = 20) -> None:
    """Print a plan for a person."""
    click.secho(f"{plan.name}  ({plan.dataset})", bold=True)
    for name, said in _facts(plan):
        click.echo(f"{name:<9} {said}")
    if plan.files:
        click.echo()
        head = ("file", "size", "proved by", "here", "from")
        rows = [
            (_called(f), size_text(f.size_bytes), f.strength, _HERE[f.here], f.ref) for f in plan.files[:most_files]
        ]
        print_rows(head, rows)
        if len(plan.files) > most_files:
            click.echo(f"… and {len(plan.files) - most_files} more (--json has them all)")
    if plan.needs or plan.steps:
        click.echo()
        for need in plan.needs:
            click.secho(need, fg="yellow")
        click.echo("What to do:")
        for n, step in enumerate(plan.steps, 1):
            click.echo(f"  {n}. {step}")


def _called(file: PlannedFile) -> str:
    return f"{file.name} ({len(file.members)} of {file.n_inside} inside)" if file.members else file.name


_HERE = {"yes": "yes", "maybe": "same size", "part": "a part", "other": "another size", "no": "no"}


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "access", plan.access_label
    for licence in plan.licences:
        gate = "" if licence.is_open else f"; get asks for --accept-licence {licence.id}"
        yield "licence", f"{licence.id} ({licence.part}){gate}"
    for asked in plan.sources[:5]:
        yield "from", _asked(asked)
    if len(plan.sources) > 5:
        yield "", f"… and {len(plan.sources) - 5} more"
    if plan.others:
        yield "also", f"{', '.join(plan.others[:3])}{' …' if len(plan.others) > 3 else ''} (--from takes one)"
    for note in plan.notes:
        yield "note", note
    for problem in list(dict.fromkeys(str(problem.error) for problem in plan.problems))[:5]:
        yield "problem", problem
    if plan.files:
        yield "to fetch", to_fetch(plan)
        yield "folder", str(plan.folder)
        yield "disk", f"{size_text(plan.free_bytes)} free"
    if plan.n_left_out:
        yield "left out", f"{plan.n_left_out} files, by your choice"


def _asked(asked: Any) -> str:
    said = [asked.role, asked.state if asked.state != "listed" else ""]
    said += [f"version {asked.version}"] if asked.version else []
    said += [f"licence {asked.licence}"] if asked.licence else []
    return f"{asked.ref} ({', '.join(one for one in said if one)})"


def to_fetch(plan: Plan) -> str:
    """Return how much of a plan is to come, in words."""
    if not plan.n_to_fetch:
        return "nothing, all is here"
    return f"{plan.n_to_fetch} of {len(plan.files)} files, {much(plan.bytes_to_fetch, plan.n_unsized)}"


def much(n_bytes: int, n_unsized: int) -> str:
    """Return an amount of bytes, of which some may not be known, in words."""
    if not n_unsized:
        return size_text(n_bytes)
    more = f"{n_unsized} of unknown size"
    return f"{size_text(n_bytes)} and {more}" if n_bytes else more
