"""Named moments of a series in time: single frames of a file whose number a table or a record tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from medshelf.errors import LayoutError, NotFound
from medshelf.model.layout import Slot
from medshelf.samples.image import Image
from medshelf.samples.lookup import told


def frames_of(
    image: Image,
    slot: Slot,
    fields: Mapping[str, Any],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    records: Mapping[str, Mapping[str, Any]],
) -> dict[str, Callable[[], Image]]:
    """Return a maker for every moment that the slot names; which frame it is, is looked up when it is read."""
    return {
        name: partial(
            Image, name, image.blobs, source=image,
            index=("t", partial(_number, image.path, name, of, slot.first_frame, fields, rows, records)),
        )
        for name, of in slot.frames.items()
    }  # fmt: skip


def _number(
    where: str, name: str, of: str | int, first: int, fields: Mapping[str, Any], rows: Mapping[str, Any],
    records: Mapping[str, Any],
) -> int:  # fmt: skip
    """Return the index of a frame, from 0.

    Raises
    ------
    NotFound
        Nothing tells it for this case.
    LayoutError
        What stands there is no number of a frame.
    """
    value = of if isinstance(of, int) else told(of, fields, rows, records)
    if value is None:
        raise NotFound(f"nothing tells which frame {name} is", where=where, why=f"{of} has no value for this case")
    try:
        index = int(str(value).strip()) - first
    except ValueError as error:
        raise LayoutError(f"{of} is no number of a frame", where=where, why=repr(value)) from error
    if index < 0:
        raise LayoutError(f"{of} is no number of a frame", where=where, why=f"{value}, and the first is {first}")
    return index
