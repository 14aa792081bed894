"""`medshelf cases`."""

from __future__ import annotations

from typing import Any

import click

from medshelf.cli.others import other_option
from medshelf.cli.output import print_lines, say


@click.command("cases")
@click.argument("dataset")
@click.argument("where")
@click.option("--split", help="Only this split.")
@click.option("--variant", help="Open as this repackaging rather than the one that fits best.")
@other_option
@click.option("-q", "--quiet", is_flag=True, help="Print ids, one a line.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, which is what is printed anyway.")
def command(
    dataset: str, where: str, split: str | None, variant: str | None,
    others: tuple[tuple[str, str], ...], quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the cases of DATASET at WHERE: one JSON object a line.

    \b
    medshelf cases msd-hippocampus Task04_Hippocampus | head -1
    """
    import medshelf

    opened = medshelf.open(dataset, where, variant=variant, others=dict(others))
    if split is not None:
        opened = opened.filter(split=split)
    if quiet:
        click.echo("".join(f"{case.id}\n" for case in opened.cases), nl=False)
    else:
        print_lines(_plain(case) for case in opened.cases)
    say(f"{len(opened)} cases")
    if not len(opened):
        raise SystemExit(5)


def _plain(case: Any) -> dict[str, Any]:
    files = {slot: [ref.name for ref in refs] for slot, refs in case.files.items()}
    return {"case": case.id, "patient": case.patient, "split": case.split, "fields": dict(case.fields), "files": files}
