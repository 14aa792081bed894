"""COCO annotation files: all boxes of a dataset in one JSON document (https://cocodataset.org/#format-data)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medshelf.errors import FormatError
from medshelf.formats.boxes import Box, Boxes
from medshelf.formats.markup import as_number
from medshelf.formats.table.json import load_json
from medshelf.formats.text import LIMIT_BYTES, read_text
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
        An annotation without ``bbox`` is left out.

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
        if entry.get("bbox") is None:
            continue
        image = _known(entry.get("image_id"), images, "image", where)
        label = _known(entry.get(category), labels, "category", where)
        boxes[image].append(_box(entry, str(labels[label].get("name", label)), category, where))
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


def _box(entry: dict[str, Any], label: str, category: str, where: str) -> Box:
    numbers = entry["bbox"]
    if not isinstance(numbers, list) or len(numbers) != 4:
        raise FormatError("a bbox is not [x, y, width, height]", where=where, why=repr(numbers)[:80])
    x, y, width, height = (as_number(str(value), "a bbox value", where) for value in numbers)
    extra = {key: value for key, value in entry.items() if key not in ("bbox", "image_id", category)}
    return Box(label, x, y, x + width, y + height, extra)


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
