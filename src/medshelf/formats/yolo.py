"""YOLO label files: one text file a picture, and a list of class names beside them.

A line is ``class x_centre y_centre width height [score]``, or ``class x1 y1 x2 y2 x3 y3 ...`` for a polygon, all
in parts of the picture's width and height (Darknet; https://docs.ultralytics.com/datasets/segment).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats import markup
from medshelf.formats.boxes import LIMIT_BYTES, Box, Boxes
from medshelf.formats.text import bytes_of, decode, read_text, write_text
from medshelf.model.blob import Blob

_LEAST_POLYGON = 7
_SLACK = 1e-6
"""How far beyond 0 and 1 a value may lie: six decimals are what writers keep."""


def read_yolo(blob: Blob, names: Sequence[str] | Mapping[int, str], size: tuple[int, int]) -> Boxes:
    """Read a YOLO label file.

    Parameters
    ----------
    blob : Blob
        Text, one object a line; no bytes at all mean no objects.
    names : sequence or mapping
        Label of each class number.
    size : (int, int)
        (width, height) of the image in pixels, which the file does not hold.

    Returns
    -------
    Boxes
        In frame ``"edges"``. Of a polygon the box is its bounds, and ``extra["polygon"]`` its vertices, (N, 2)
        float64 in pixels.

    Raises
    ------
    FormatError
        A line that is neither a box nor a polygon, an unknown class, or a value outside 0 to 1.
    """
    text, _ = decode(bytes_of(blob, limit_bytes=LIMIT_BYTES, allow_empty=True), blob.name)
    known = dict(names) if isinstance(names, Mapping) else dict(enumerate(names))
    boxes = tuple(
        _object(line.split(), known, size, f"{blob.name}, line {n}")
        for n, line in enumerate(text.splitlines(), 1)
        if line.strip()
    )
    return Boxes(image_size=size, boxes=boxes, frame="edges")


def _object(words: list[str], names: Mapping[int, str], size: tuple[int, int], where: str) -> Box:
    polygon = len(words) >= _LEAST_POLYGON
    if len(words) < 5 or (polygon and len(words) % 2 == 0):
        why = f"{len(words)} numbers"
        raise FormatError("a line is neither a box (5 or 6 numbers) nor a polygon (odd, from 7)", where=where, why=why)
    number = markup.as_number(words[0], "the class", where)
    if number not in names:
        raise FormatError(f"class {words[0]} has no name", where=where, why=f"known are {sorted(names)[:20]}")
    parts = [markup.as_number(word, "a coordinate", where) for word in (words[1:] if polygon else words[1:5])]
    if not all(-_SLACK <= value <= 1 + _SLACK for value in parts):
        raise FormatError(
            "a coordinate is not a part of the image", where=where, why=" ".join(words[1:9]) + ", not 0 to 1"
        )
    if polygon:
        points = np.array(parts).reshape(-1, 2) * size
        low, high = points.min(axis=0), points.max(axis=0)
        return Box(names[int(number)], *map(float, (*low, *high)), extra={"polygon": points})
    x, y, width, height = parts
    return Box(
        names[int(number)],
        (x - width / 2) * size[0],
        (y - height / 2) * size[1],
        (x + width / 2) * size[0],
        (y + height / 2) * size[1],
        {"score": markup.as_number(words[5], "the score", where)} if len(words) == 6 else {},
    )


def read_class_names(blob: Blob) -> dict[int, str]:
    """Read what class numbers stand for: ``obj.names`` and ``classes.txt`` (a name a line), or ``data.yaml``.

    Of YAML only the member ``names`` is read, as a list or a mapping, in one line or one entry a line: what
    Ultralytics writes.

    Raises
    ------
    FormatError
        No names.
    """
    text = read_text(blob, limit_bytes=LIMIT_BYTES)
    if blob.name.lower().endswith((".yaml", ".yml")):
        found = _from_yaml(text)
    else:
        found = {n: line.strip() for n, line in enumerate(text.splitlines()) if line.strip()}
    if not found:
        raise FormatError("the file names no classes", where=blob.name)
    return found


def _from_yaml(text: str) -> dict[int, str]:
    match = re.search(r"^names[ \t]*:[ \t]*(\[[^\]]*\]|\{[^}]*\})?", text, re.MULTILINE)
    if match is None:
        return {}
    if match[1]:
        entries = [entry for entry in match[1][1:-1].split(",") if entry.strip()]
    else:
        entries = []
        for line in text[match.end() :].splitlines()[1:]:
            if line.strip() and not line.lstrip().startswith("#"):
                if not re.match(r"\s*-\s|\s+\d+\s*:", line):
                    break
                entries.append(line.strip().removeprefix("- "))
    pairs = [re.match(r"\s*(?:(\d{1,9})\s*:)?\s*(.*?)\s*$", entry, re.DOTALL) for entry in entries]
    return {int(p[1]) if p[1] else n: p[2].strip("'\"") for n, p in enumerate(pairs) if p is not None}


def write_yolo(path: Path | str, boxes: Boxes, names: Mapping[int, str]) -> None:
    """Write boxes and polygons; `read_yolo` reads them back.

    Raises
    ------
    ValueError
        The boxes have no ``image_size``, or a label is not among `names`.
    """
    if boxes.image_size is None:
        raise ValueError("YOLO needs the size of the image")
    numbers = {label: number for number, label in names.items()}
    width, height = boxes.image_size
    lines: list[str] = []
    for box in boxes.to_edges().boxes:
        if box.label not in numbers:
            raise ValueError(f"{box.label!r} is not among the names")
        if "polygon" in box.extra:
            parts = (np.asarray(box.extra["polygon"]) / boxes.image_size).ravel().tolist()
        else:
            middle = (box.x_min + box.x_max) / 2 / width, (box.y_min + box.y_max) / 2 / height
            parts = [*middle, (box.x_max - box.x_min) / width, (box.y_max - box.y_min) / height]
            parts += [box.extra["score"]] if "score" in box.extra else []
        lines.append(" ".join([str(numbers[box.label]), *(f"{part:.10g}" for part in parts)]) + "\n")
    write_text(path, "".join(lines))
