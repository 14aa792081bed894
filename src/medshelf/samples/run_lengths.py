"""Masks written as run lengths in the cells of a table, put together into volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from medshelf.formats.rle import decode_rle
from medshelf.layout.fields import fill
from medshelf.model.case import Case, FileRef
from medshelf.model.labels import named
from medshelf.model.volume import Volume
from medshelf.samples.image import Image
from medshelf.samples.tables import Table


def masks_of_rows(
    table: Table, case: Case, members: Sequence[FileRef], image: Image, labels: Mapping[str, str]
) -> dict[str, Volume]:
    """Return structure to mask volume, on the grid of `image`.

    Parameters
    ----------
    table : Table
        Of kind mask, with ``columns = { label = …, rle = … }`` and a codec.
    members : sequence of FileRef
        The pictures of the case, in the order of the volume's slices.
    """
    options = dict(part.split("=", 1) for part in (table.slot.codec or "rle:").partition(":")[2].split(",") if part)
    header = image.header()
    flat = header.axes.startswith("y")
    found: dict[str, np.ndarray] = {}
    for number, member in enumerate(members):
        height, width = _size(options.get("shape"), member, header.shape, flat)
        picture = replace(case, fields={**case.fields, **member.fields})  # of one slice, where a case is a series
        for row in table.rows_of(picture, member.captured):
            text = str(row.get(table.slot.columns["rle"]) or "").strip()
            if not text or text.lower() == "nan":
                continue
            label = str(row.get(table.slot.columns["label"], ""))
            structure = named(labels, label) or label
            mask = decode_rle(
                text, (height, width), start=int(options.get("start", 1)),
                order=options.get("order", "row-major"),  # type: ignore[arg-type]
            )  # fmt: skip
            shape = header.shape[:2] if flat else header.shape[:3]
            volume = found.setdefault(structure, np.zeros(shape, np.uint8))
            if flat:
                np.maximum(volume, mask, out=volume)
            else:
                volume[:, :, number] = np.maximum(volume[:, :, number], mask.T)
    axes = "yx" if flat else "ijk"
    return {
        structure: replace(Volume(array, axes, header.affine, header.spacing_mm)) for structure, array in found.items()
    }


def _size(template: str | None, member: FileRef, shape: Sequence[int], flat: bool) -> tuple[int, int]:
    if template:
        filled = [fill(part, {**member.captured, **member.fields}) for part in template.split("x")]
        return int(filled[0] or 0), int(filled[1] or 0)
    return (shape[0], shape[1]) if flat else (shape[1], shape[0])
