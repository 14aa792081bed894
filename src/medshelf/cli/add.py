"""`medshelf add`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from medshelf.cli.amounts import byte_bar, size_text
from medshelf.cli.output import json_option, print_findings, print_json, say

if TYPE_CHECKING:
    from medshelf.access.download import Progress


@click.command("add")
@click.argument("dataset")
@click.argument("path", type=click.Path())
@click.option("--force", is_flag=True, help="Take it for DATASET even when its names are those of another.")
@click.option("--from", "source", metavar="REF", help="Where it was fetched from, if not where the record says.")
@click.option("--offline", is_flag=True, help="Ask nothing of the network: compare with what the record says.")
@json_option
def command(dataset: str, path: str, force: bool, source: str | None, offline: bool, as_json: bool) -> None:
    """Adopt a download of DATASET that was made by hand and lies at PATH, a folder or a file.

    Every file is read and proved: by the size and checksum of the host where they are known, else by its own structure.
    Says which files are missing, or cut and where; writes medshelf.lock.json; moves and changes nothing. Exit code 4:
    a file is not what it should be; 1: some are missing.

    \b
    medshelf add lits ~/Downloads/lits
    """
    from medshelf.access.web import Patience, Web
    from medshelf.fetch.add import add

    web = Web(offline=True if offline else None, patience=Patience(tries=3, connect_s=10, longest_wait_s=2))
    with byte_bar(f"reading {dataset}", None) as progress:
        added = add(dataset, path, force=force, source=source, web=web, progress=_whole(progress))
    if as_json:
        print_json(added.as_dict())
    else:
        n_proved = sum(one.strength not in ("none", "structural", "size") for one in added.files)
        total = size_text(sum(one.size_bytes for one in added.files))
        told = f"{added.dataset}: {len(added.files)} sound files, {total}, {n_proved} proved by a checksum"
        click.secho(told, bold=True)
        for doubt in added.doubts:
            colour = "yellow" if doubt.kind == "missing" else "red"
            click.secho(f"{doubt.kind:<8} {doubt.name}: {doubt.message}", fg=colour)
        if added.report is not None:
            click.echo(f"names: {added.report.verdict}")
            print_findings([f for f in added.report.findings if f.severity == "error"], limit=10)
    for note in added.notes:
        say(note)
    if added.exit_code:
        say(f"Fetch these again or let medshelf do it: medshelf get {added.dataset} --to {added.folder}")
        raise SystemExit(added.exit_code)
    say(f"Next: medshelf audit {added.dataset} {added.folder}")


def _whole(progress: Progress | None) -> Progress | None:
    """Return a progress of all files together as one of a single file, which the bar adds up."""
    if progress is None:
        return None
    return lambda done, of, name: progress(done, of, "")
