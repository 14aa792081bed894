"""`medshelf view`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medshelf.cli.others import other_option
from medshelf.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from medshelf.samples.dataset import Dataset
    from medshelf.samples.sample import Sample

Numbers = tuple[float, ...] | None


class _Numbers(click.ParamType):
    """Numbers with commas between them."""

    name = "numbers"

    def __init__(self, count: int, kind: type) -> None:
        self.count, self.kind = count, kind

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        try:
            found = tuple(self.kind(part) for part in str(value).split(","))
        except ValueError:
            found = ()
        if len(found) != self.count:
            self.fail(f"{value!r} is not {self.count} numbers with commas between them", param, ctx)
        return found


@click.command("view")
@click.argument("dataset")
@click.argument("where")
@click.argument("case", required=False)
@click.option("-o", "--out", type=click.Path(dir_okay=False), help="PNG to write; by default named after the case.")
@click.option("--channel", help="Which image, where there are several.")
@click.option("--annotation", help='Which annotation; "" for none.')
@click.option("--slice", "at", type=_Numbers(3, int), metavar="I,J,K", help="Voxel through which the planes go.")
@click.option("--window", type=_Numbers(2, float), metavar="LEVEL,WIDTH", help="Grey values, such as 40,400.")
@click.option("--variant", help="Open as this repackaging rather than the one that fits best.")
@other_option
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def command(
    dataset: str, where: str, case: str | None, out: str | None, channel: str | None, annotation: str | None,
    at: Numbers, window: Numbers, variant: str | None, others: tuple[tuple[str, str], ...], force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Draw CASE of DATASET at WHERE: by default the first case that is annotated.

    Volumes are drawn as three planes in radiological convention (the patient's right on the left), through the
    slices in which most is marked.

    \b
    medshelf view msd-hippocampus Task04_Hippocampus
    medshelf view lits LITS17 liver_12 --slice 200,180,60 --window 40,400 -o liver.png
    """
    import medshelf
    from medshelf.access.atomic import write_atomically
    from medshelf.samples.view import draw

    opened = medshelf.open(dataset, where, variant=variant, others=dict(others))
    sample = opened[case] if case is not None else _first(opened)
    place = Path(out) if out is not None else Path(f"{re.sub(r'[^A-Za-z0-9._-]+', '_', sample.case)}.png")
    if place.exists() and not force:
        raise click.UsageError(f"{place} is there already; choose another name with -o, or --force")
    picture = draw(sample, channel=channel, annotation=annotation, slice=at, window=window)  # type: ignore[arg-type]
    with write_atomically(place) as stream:
        picture.save(stream, "PNG")
    if as_json:
        print_json({"dataset": opened.id, "case": sample.case, "file": str(place), "size_pixels": list(picture.size)})
    else:
        click.echo(place)
        say(f"case {sample.case}, {picture.width} × {picture.height} pixels")


def _first(opened: Dataset) -> Sample:
    """Return the first case that is annotated, or the first of all."""
    from medshelf.errors import NotFound

    for number, case in enumerate(opened.cases):
        if any(opened.layout.files[slot].role in ("mask", "boxes", "contours") for slot in case.files
               if slot in opened.layout.files):  # fmt: skip
            return opened[number]
    if not len(opened):
        raise NotFound("there are no cases here", where=opened.tree.where)
    return opened[0]
