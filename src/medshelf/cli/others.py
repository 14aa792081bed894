"""Where other datasets lie, for those that draw on their images: ``--other ID=PLACE``."""

from __future__ import annotations

import click


class _Other(click.ParamType):
    """An id and a place with ``=`` between them."""

    name = "ID=PLACE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        dataset, sign, place = str(value).partition("=")
        if not (dataset and sign and place):
            self.fail(f"{value!r} is not the id of a dataset, =, and the place where it lies", param, ctx)
        return dataset, place


other_option = click.option(
    "--other", "others", multiple=True, type=_Other(), metavar="ID=PLACE",
    help="Where another dataset lies whose images this one draws on; may be repeated.",
)  # fmt: skip
