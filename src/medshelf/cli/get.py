"""`medshelf get`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from medshelf.cli.amounts import Amount, byte_bar, size_text
from medshelf.cli.choice import choice_options, chosen, much, print_plan
from medshelf.cli.output import complain, json_option, print_json, say

if TYPE_CHECKING:
    from medshelf.access.web import Web
    from medshelf.fetch.get import Got
    from medshelf.fetch.planned import Plan

ASK_FROM_BYTES = 10**9
"""From so many bytes on a person is asked first."""


@click.command("get")
@click.argument("datasets", nargs=-1, required=True)
@choice_options
@click.option("--dry-run", is_flag=True, help="Print the plan, and stop.")
@click.option("--yes", is_flag=True, help="Do not ask before much is fetched.")
@click.option("--accept-licence", "accepted", multiple=True, metavar="ID",
              help="A licence that you have read and accept; needed for each that is not open, 'unknown' too.")
@click.option("--existing", type=click.Choice(["verify", "trust", "replace"]), default="verify", show_default=True,
              help="Files that are here: hash them, believe the lock file, or fetch them anew.")
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=8, show_default=True, help="Streams for each host.")
@click.option("--limit-rate", type=Amount(), metavar="RATE", help="Bytes a second for all together, such as 10M.")
@click.option("--unpack", is_flag=True, help="Unpack archives beside themselves; they stay.")
@json_option
def command(
    datasets: tuple[str, ...], dry_run: bool, yes: bool, accepted: tuple[str, ...],
    existing: Literal["verify", "trust", "replace"], jobs: int, limit_rate: float | None, unpack: bool, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Fetch DATASETS: resumed, verified, whole or absent. What is here already is not fetched again.

    Interrupt it at any time, and run the same line again to go on. Every file is proved by the best checksum that its
    host or record states; medshelf.lock.json beside the data says how.

    \b
    medshelf get msd-hippocampus --unpack
    """
    choice = chosen(options)
    plans = list(choice.plans(datasets, choice.web()))
    if not as_json:
        for plan in plans:
            print_plan(plan, most_files=10)
    elif dry_run:
        print_json([plan.as_dict() for plan in plans])
    if dry_run:
        return
    web = choice.web(patient=True)
    _refuse(plans, accepted)
    _ask(plans, yes, existing)
    done = [_get(plan, web, accepted, existing, jobs, limit_rate, unpack) for plan in plans]
    if as_json:
        print_json([got.as_dict() for got in done])
    code = 0
    for got in done:
        code = _worse(code, _tell(got))
    if code:
        raise SystemExit(code)


def _refuse(plans: list[Plan], accepted: tuple[str, ...]) -> None:
    """Test the rules of all datasets before the first byte of any."""
    from medshelf.fetch.get import refuse_unready

    for plan in plans:
        refuse_unready(plan, accepted)


def _ask(plans: list[Plan], yes: bool, existing: str) -> None:
    """Ask before much is fetched."""
    n_bytes = sum(plan.size_bytes if existing == "replace" else plan.bytes_to_fetch for plan in plans)
    n_unsized = sum(plan.n_unsized for plan in plans)
    if yes or (n_bytes < ASK_FROM_BYTES and not n_unsized):
        return
    told = much(n_bytes, n_unsized)
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise click.UsageError(f"{told} are to be fetched, and there is nobody to ask. Say that it is meant: --yes")
    if not click.confirm(f"Fetch {told}?", err=True):
        raise click.UsageError("nothing was fetched")


def _get(
    plan: Plan, web: Web, accepted: tuple[str, ...], existing: Literal["verify", "trust", "replace"], jobs: int,
    limit_rate: float | None, unpack: bool,
) -> Got:  # fmt: skip
    from medshelf.fetch.get import get

    total = None if plan.n_unsized else plan.size_bytes
    with byte_bar(plan.dataset, total) as progress:
        return get(
            plan, accept_licences=accepted, existing=existing, jobs=jobs, limit_bytes_per_s=limit_rate, unpack=unpack,
            web=web, progress=progress,
        )  # fmt: skip


def _worse(one: int, other: int) -> int:
    from medshelf.fetch.get import WORST_FIRST

    return next((code for code in WORST_FIRST if code in (one, other)), max(one, other))


def _tell(got: Got) -> int:
    """Tell a person how it ended, and return the exit code."""
    for failure in got.failures[:20]:
        complain(f"{failure.name}: {failure.error}", 0)
    if len(got.failures) > 20:
        say(f"… and {len(got.failures) - 20} more failed (--json has them all)")
    came = size_text(got.received_bytes) + " came" if got.received_bytes else "nothing had to come"
    unpacked = f", {got.n_unpacked} files unpacked" if got.n_unpacked else ""
    say(f"{got.dataset}: {len(got.fetched)} files are here, whole ({came}){unpacked}; {len(got.failures)} failed")
    if got.failures:
        say("Run the same line again: what is here stays, and the rest goes on")
    else:
        say(f"Next: medshelf check {got.dataset} {got.folder}")
    return got.exit_code
