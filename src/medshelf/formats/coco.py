"""COCO annotation files: all boxes of a dataset in one JSON document (https://cocodataset.org/#format-data).

Polygons and run lengths stay as they are in ``extra["segmentation"]`` of a box; `medshelf.formats.coco_mask.draw`
makes a mask of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats.boxes import Box, Boxes
from medshelf.formats.coco_mask import vertices
from medshelf.formats.markup import as_number
from medshelf.formats.table.json import load_json
from medshelf.formats.text import LIMIT_BYTES, read_text, write_text
from medshelf.model.blob import Blob


def read_coco(
    blob: Blob,
    *,
    category: str = "category_id",
    categories: str = "categories",
    limit_bytes: int = LIMIT_BYTES,
) -> dict[str, Boxes]:
    """Read the boxes of a COCO file.

    Parameters
    ----------
    blob : Blob
        JSON with ``images``, ``annotations`` and ``categories``.
    category, categories : str
        Names of the class of an annotation and of the list of classes, where a dataset has several
        (DENTEX: ``category_id_1`` and ``categories_1``).
    limit_bytes : int
        Largest file that is read.

    Returns
    -------
    dict of str to Boxes
        Every image of the file by its ``file_name``, also those without boxes. In frame ``"edges"``;
        ``extra`` of a box holds what else its annotation says (id, area, iscrowd, segmentation ...).
        An annotation with neither ``bbox`` nor polygons is left out; one without ``bbox`` gets the bounds of its
        polygons.

    Raises
    ------
    FormatError
        Not COCO, an id or file name given twice, an unknown image or class, or a box that is not four
        numbers.
    """
    text = read_text(blob, limit_bytes=limit_bytes)
    document = load_json(text, blob.name)
    images = _by_id(_listed(document, "images", blob.name), "images", blob.name)
    labels = _by_id(_listed(document, categories, blob.name), categories, blob.name)
    boxes: dict[Any, list[Box]] = {number: [] for number in images}
    for entry in _listed(document, "annotations", blob.name):
        where = f"{blob.name}, annotation {entry.get('id')}"
        corners = _corners(entry, where)
        if corners is None:
            continue
        image = _known(entry.get("image_id"), images, "image", where)
        label = _known(entry.get(category), labels, "category", where)
        extra = {key: value for key, value in entry.items() if key not in ("bbox", "image_id", category)}
        boxes[image].append(Box(str(labels[label].get("name", label)), *corners, extra))
    return _by_file(images, boxes, blob.name)


def _listed(document: Any, key: str, where: str) -> Iterable[dict[str, Any]]:
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FormatError(f"this JSON is no COCO file: no list of {key!r}", where=where)
    return entries


def _by_id(entries: Iterable[dict[str, Any]], key: str, where: str) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for entry in entries:
        number = entry.get("id")
        if not isinstance(number, (int, str)) or number in found:
            problem = "missing" if number is None else "given twice or no number"
            raise FormatError(f"an id of {key!r} is {problem}", where=where, why=f"{number!r}")
        found[number] = entry
    return found


def _known(number: Any, known: dict[Any, dict[str, Any]], what: str, where: str) -> Any:
    if not isinstance(number, (int, str)) or number not in known:
        raise FormatError(f"an annotation names an unknown {what}", where=where, why=repr(number))
    return number


def _corners(entry: dict[str, Any], where: str) -> tuple[float, float, float, float] | None:
    """Edges of a box: left, top, right, bottom; None where nothing tells them."""
    numbers = entry.get("bbox")
    if numbers is None:
        polygons = entry.get("segmentation")
        if not isinstance(polygons, list) or not polygons:
            return None
        points = np.concatenate([vertices(polygon, where) for polygon in polygons])
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return left, top, right, bottom
    if not isinstance(numbers, list) or len(numbers) != 4:
        raise FormatError("a bbox is not [x, y, width, height]", where=where, why=repr(numbers)[:80])
    x, y, width, height = (as_number(str(value), "a bbox value", where) for value in numbers)
    return x, y, x + width, y + height


def _by_file(images: dict[Any, dict[str, Any]], boxes: dict[Any, list[Box]], where: str) -> dict[str, Boxes]:
    found: dict[str, Boxes] = {}
    for number, image in images.items():
        name = image.get("file_name")
        if not isinstance(name, str) or name in found:
            raise FormatError("an image's file_name is missing or given twice", where=where, why=repr(name))
        size = (image.get("width"), image.get("height"))
        whole = isinstance(size[0], int) and isinstance(size[1], int)
        found[name] = Boxes(
            image_size=(size[0], size[1]) if whole else None,  # type: ignore[arg-type]
            boxes=tuple(boxes[number]),
            frame="edges",
            file_name=name,
        )
    return found


def of_image(found: Mapping[str, Boxes], name: str, where: object) -> Boxes:
    """Return the boxes of one image of a COCO file.

    Parameters
    ----------
    found : mapping of str to Boxes
        What `read_coco` returned.
    name : str
        Name of the image below the root of the dataset. The file's name for it may have fewer or other folders:
        the same path counts, then a path that the name ends with, then the sole one with the same last part.
    where : object
        What to name in an error.

    Raises
    ------
    FormatError
        The file does not know the image, or several fit.
    """
    last = name.rpartition("/")[2]
    same = [one for one in found if one.replace("\\", "/").rpartition("/")[2] == last]
    ending = [one for one in same if f"/{name}".endswith("/" + one.replace("\\", "/").removeprefix("./"))]
    fitting = ending or same
    if len(fitting) != 1:
        why = f"{len(fitting)} fit" if fitting else f"it names {len(found)} others"
        raise FormatError(f"the annotations do not tell the image {name}", where=where, why=why)
    return found[fitting[0]]


def write_coco(path: Path | str, images: Mapping[str, Boxes]) -> None:
    """Write boxes of several images; `read_coco` reads them back."""
    labels = list(dict.fromkeys(box.label for boxes in images.values() for box in boxes.boxes))
    document: dict[str, list[dict[str, Any]]] = {"images": [], "annotations": [], "categories": []}
    document["categories"] = [{"id": n, "name": label} for n, label in enumerate(labels, 1)]
    for number, (name, boxes) in enumerate(images.items(), 1):
        size = dict(zip(("width", "height"), boxes.image_size or (), strict=False))
        document["images"].append({"id": number, "file_name": name, **size})
        for box in boxes.to_edges().boxes:
            corners = [box.x_min, box.y_min, box.x_max - box.x_min, box.y_max - box.y_min]
            ids = {"id": len(document["annotations"]) + 1, "image_id": number}
            entry = {**box.extra, **ids, "category_id": labels.index(box.label) + 1, "bbox": corners}
            document["annotations"].append(entry)
    write_text(path, json.dumps(document) + "\n")
