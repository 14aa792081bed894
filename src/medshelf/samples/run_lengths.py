"""Masks written as run lengths in the cells of a table, put together into volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats import coco_mask
from medshelf.formats.rle import decode_rle
from medshelf.layout.codec import Codec, parse_codec
from medshelf.layout.fields import fill
from medshelf.model.case import Case, FileRef
from medshelf.model.labels import named, structures_of
from medshelf.model.volume import Volume
from medshelf.samples.image import Image
from medshelf.samples.tables import Table

_BLANK = ("", "nan", "-1")
"""What a cell holds where nothing is drawn: nothing, what pandas writes for it, or ``-1`` (SIIM-ACR pneumothorax)."""


def masks_of_rows(
    table: Table, case: Case, members: Sequence[FileRef], image: Image, labels: Mapping[str, str]
) -> dict[str, Volume]:
    """Return structure to mask volume, on the grid of `image`.

    Several rows of one picture and structure are one mask, their union. A case with any row was looked at: every
    structure of the label map is in the result, empty where nothing is drawn. A case without a row was not, and
    nothing is.

    Parameters
    ----------
    table : Table
        Of kind mask, with ``columns = { rle = …, label = … }`` and a codec; without ``label`` all rows are the one
        structure of the label map.
    members : sequence of FileRef
        The pictures of the case, in the order of the volume's slices.

    Raises
    ------
    FormatError
        Run lengths that do not fit the picture, or a size that nothing tells.
    """
    codec = parse_codec(table.slot.codec or "rle")
    header = image.header()
    flat = header.axes.startswith("y")
    shape = header.shape[:2] if flat else header.shape[:3]
    found: dict[str, np.ndarray] = {}
    for number, member in enumerate(members):
        picture = replace(case, fields={**case.fields, **member.fields})  # of one slice, where a case is a series
        for row in table.rows_of(picture, member.captured):
            if not found:
                found = {structure: np.zeros(shape, np.uint8) for structure in structures_of(labels)}
            text = str(row.get(table.slot.columns["rle"]) or "").strip()
            if text.lower() in _BLANK:
                continue
            where = f"{table.refs[0].name}, {case.id}"
            mask = _decoded(text, codec, _size(codec, row, member, header.shape, flat, where), where)
            volume = found.setdefault(_structure(table, row, labels), np.zeros(shape, np.uint8))
            place = volume if flat else volume[:, :, number].T
            if place.shape != mask.shape:
                why = f"{mask.shape} and {place.shape}"
                raise FormatError("a mask of run lengths is not as large as its picture", where=where, why=why)
            np.maximum(place, mask, out=place)
    axes = "yx" if flat else "ijk"
    return {name: Volume(array, axes, header.affine, header.spacing_mm) for name, array in found.items()}


def _structure(table: Table, row: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    column = table.slot.columns.get("label")
    if column is None:
        return next(iter(structures_of(labels)))
    written = str(row.get(column, ""))
    return named(labels, written) or written


def _decoded(text: str, codec: Codec, size: tuple[int, int], where: str) -> np.ndarray:
    if codec.kind == "coco":
        return coco_mask.draw({"size": list(size), "counts": text}, (size[1], size[0]), where)
    return decode_rle(text, size, start=codec.start, order=codec.order, relative=codec.relative, where=where)


def _size(
    codec: Codec, row: Mapping[str, Any], member: FileRef, shape: Sequence[int], flat: bool, where: str
) -> tuple[int, int]:
    """Rows and columns of the picture: as the codec says, which may ask fields or columns; else the image's."""
    if codec.shape is None:
        return (shape[0], shape[1]) if flat else (shape[1], shape[0])
    values = {**row, **member.captured, **member.fields}
    filled = [str(fill(part, values)) for part in codec.shape]
    if not all(text.isascii() and text.isdigit() and len(text) < 7 for text in filled):
        raise FormatError("the size of a mask of run lengths is unknown", where=where, why=" x ".join(filled))
    return int(filled[0]), int(filled[1])
