"""Boxes as a JSON list of names and sizes: ``[{"Lung": [x, y, width, height]}, ...]``, as SLAKE has them."""

from __future__ import annotations

import json
from pathlib import Path

from medshelf.errors import FormatError
from medshelf.formats.boxes import LIMIT_BYTES, Box, Boxes
from medshelf.formats.markup import as_number
from medshelf.formats.table.json import load_json
from medshelf.formats.text import read_text, write_text
from medshelf.model.blob import Blob


def read_named_boxes(blob: Blob) -> Boxes:
    """Read the boxes of one picture.

    Returns
    -------
    Boxes
        In frame ``"edges"``, in the order of the file; the size of the picture is not told.

    Raises
    ------
    FormatError
        Not a list of objects, or a box that is not four numbers.
    """
    document = load_json(read_text(blob, limit_bytes=LIMIT_BYTES), blob.name)
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        raise FormatError("this JSON is no list of named boxes", where=blob.name)
    boxes: list[Box] = []
    for number, (name, corners) in enumerate((item for one in document for item in one.items()), 1):
        where = f"{blob.name}, box {number}"
        if not isinstance(corners, list) or len(corners) != 4:
            raise FormatError("a box is not [x, y, width, height]", where=where, why=repr(corners)[:80])
        x, y, width, height = (as_number(str(value), "a number of a box", where) for value in corners)
        boxes.append(Box(name, x, y, x + width, y + height))
    return Boxes(None, tuple(boxes), "edges")


def write_named_boxes(path: Path | str, boxes: Boxes) -> None:
    """Write boxes; `read_named_boxes` reads them back."""
    edges = boxes.to_edges().boxes
    told = [{box.label: [box.x_min, box.y_min, box.x_max - box.x_min, box.y_max - box.y_min]} for box in edges]
    write_text(path, json.dumps(told) + "\n")
