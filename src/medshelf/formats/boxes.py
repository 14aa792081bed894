"""Boxes around objects, and the files of Pascal VOC; COCO and YOLO have modules of their own.

Three conventions meet here, and a file never says which one it follows. A `Boxes` therefore names its
frame, and keeps the numbers of the file:

``"inclusive-1"``
    Pascal VOC (the challenge's development kit): whole pixels, both ends belong to the box, and the
    first pixel is 1. A box around the first pixel alone is (1, 1, 1, 1).
``"inclusive-0"``
    The same with the first pixel 0, as some writers of VOC files have it; a dataset's record says so.
``"edges"``
    COCO, and YOLO once it is multiplied out: distances in pixels from the top left corner of the
    image. A box around the first pixel is (0, 0, 1, 1).

`Boxes.to_edges` brings any of them to the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from medshelf.errors import FormatError, Unsupported
from medshelf.formats import markup
from medshelf.formats.text import write_text
from medshelf.model.blob import Blob

Frame = Literal["inclusive-1", "inclusive-0", "edges"]

LIMIT_BYTES = 2**26
"""Largest annotation file of one image (64 MiB); COCO, which holds a whole dataset, may have more."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box, in pixels of the frame that its `Boxes` names; x runs to the right, y down."""

    label: str
    x_min: float
    y_min: float
    x_max: float
    y_max: float
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else the file says of it: difficult, truncated, score, area, an id, the ``polygon`` that it bounds."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of one image."""

    image_size: tuple[int, int] | None
    """(width, height) of the image in pixels, as the file states it."""
    boxes: tuple[Box, ...]
    frame: Frame
    """What the numbers mean; see the module."""
    file_name: str | None = None
    """The image that the file names, unchecked."""

    def to_edges(self) -> Boxes:
        """Return the same boxes in the frame ``"edges"``."""
        if self.frame == "edges":
            return self
        first = 1 if self.frame == "inclusive-1" else 0
        moved = tuple(
            replace(
                box,
                x_min=box.x_min - first,
                y_min=box.y_min - first,
                x_max=box.x_max - first + 1,
                y_max=box.y_max - first + 1,
            )
            for box in self.boxes
        )
        return replace(self, boxes=moved, frame="edges")


def read_voc(blob: Blob, *, first_pixel: Literal[0, 1] = 1) -> Boxes:
    """Read a Pascal VOC annotation.

    Parameters
    ----------
    blob : Blob
        XML with one ``<annotation>``.
    first_pixel : {1, 0}
        Number that this dataset gives to the first pixel; 1 by the definition of VOC.

    Returns
    -------
    Boxes
        In frame ``"inclusive-1"`` or ``"inclusive-0"``, values as stored: a box beyond the image or
        inside out is a fault of the data to be found, not one to be hidden. Nested ``<part>`` boxes are
        left out.

    Raises
    ------
    FormatError
        Not XML, not an ``<annotation>``, or a corner that is no number.
    """
    root = markup.parse(blob, limit_bytes=LIMIT_BYTES)
    if root.tag != "annotation":
        raise FormatError(
            "this XML is no Pascal VOC annotation", where=blob.name, why=f"its root is <{root.tag}>"
        )
    boxes = tuple(
        _voc_box(element, f"{blob.name}, object {n}") for n, element in enumerate(root.findall("object"), 1)
    )
    return Boxes(
        image_size=_voc_size(root, blob.name),
        boxes=boxes,
        frame="inclusive-1" if first_pixel == 1 else "inclusive-0",
        file_name=markup.text_at(root, "filename"),
    )


def _voc_size(root: ElementTree.Element, where: str) -> tuple[int, int] | None:
    if root.find("size") is None:
        return None
    size = [int(markup.number_at(root, f"size/{side}", where)) for side in ("width", "height")]
    return (size[0], size[1]) if min(size) > 0 else None


def _voc_box(element: ElementTree.Element, where: str) -> Box:
    label = markup.text_at(element, "name")
    if label is None:
        raise FormatError("an object has no name", where=where)
    if element.find("bndbox") is None:
        raise Unsupported(
            "an object has no <bndbox>", where=where, why="found " + ", ".join(child.tag for child in element)
        )
    corners = [
        markup.number_at(element, f"bndbox/{corner}", where) for corner in ("xmin", "ymin", "xmax", "ymax")
    ]
    extra = {
        child.tag: (child.text or "").strip() for child in element if child.tag != "name" and not len(child)
    }
    return Box(label, *corners, extra=extra)


def write_voc(path: Path | str, boxes: Boxes) -> None:
    """Write a Pascal VOC annotation; the inverse of `read_voc`.

    Raises
    ------
    ValueError
        The boxes are in the frame ``"edges"``, which VOC does not have.
    """
    if boxes.frame == "edges":
        raise ValueError("Pascal VOC holds inclusive pixels; these boxes are edges")
    root = ElementTree.Element("annotation")
    _leaf(root, "filename", boxes.file_name or "")
    if boxes.image_size:
        size = ElementTree.SubElement(root, "size")
        for tag, value in zip(("width", "height", "depth"), (*boxes.image_size, 3), strict=True):
            _leaf(size, tag, value)
    for box in boxes.boxes:
        element = ElementTree.SubElement(root, "object")
        _leaf(element, "name", box.label)
        for key, value in box.extra.items():
            _leaf(element, key, value)
        corners = ElementTree.SubElement(element, "bndbox")
        for tag in ("x_min", "y_min", "x_max", "y_max"):
            _leaf(corners, tag.replace("_", ""), f"{getattr(box, tag):.10g}")
    ElementTree.indent(root, "\t")
    write_text(path, ElementTree.tostring(root, encoding="unicode") + "\n")


def _leaf(parent: ElementTree.Element, tag: str, value: object) -> None:
    ElementTree.SubElement(parent, tag).text = str(value)
