"""Boxes that can't be boxes of their picture."""

from __future__ import annotations

from collections.abc import Iterator

from medshelf.audit.reading import Part, Reading
from medshelf.formats.boxes import Boxes
from medshelf.model.finding import Finding
from medshelf.model.labels import named


def faulty_boxes(reading: Reading) -> Iterator[Finding]:
    """Report boxes without area, outside of their picture, of another picture size, or of an unknown class."""
    for part in reading.others:
        if isinstance(part.value, Boxes):
            yield from _flat(reading, part, part.value)
            yield from _beyond(reading, part, part.value.to_edges(), _picture_size(reading))
            yield from _size(reading, part, part.value, _picture_size(reading))


def _picture_size(reading: Reading) -> tuple[int, int] | None:
    """Return (width, height) of the one picture of a case."""
    headers = [p.header for p in reading.images if p.header is not None and p.header.axes.startswith("y")]
    return (headers[0].shape[1], headers[0].shape[0]) if len(headers) == 1 else None


def _flat(reading: Reading, part: Part, boxes: Boxes) -> Iterator[Finding]:
    """Compare the corners as written: most programs take their difference for the size, whatever the frame."""
    flat = [(n, b) for n, b in enumerate(boxes.boxes) if b.x_max <= b.x_min or b.y_max <= b.y_min]
    if flat:
        yield Finding(
            "boxes.no-area", "error", f"{len(flat)} of {len(boxes.boxes)} boxes have no area or are inside out",
            case=reading.case.id, file=part.files[0],
            evidence={"n": len(flat), "boxes": [_plain(n, b) for n, b in flat[:20]]},
            proposal="Leave these boxes out: losses become infinite or no number",
        )  # fmt: skip


def _beyond(reading: Reading, part: Part, boxes: Boxes, size: tuple[int, int] | None) -> Iterator[Finding]:
    size = size or boxes.image_size
    if size is None:
        return
    width, height = size
    beyond = [
        (n, b) for n, b in enumerate(boxes.boxes)
        if b.x_min < 0 or b.y_min < 0 or b.x_max > width or b.y_max > height
    ]  # fmt: skip
    if beyond:
        most = max(max(-b.x_min, -b.y_min, b.x_max - width, b.y_max - height) for _, b in beyond)
        yield Finding(
            "boxes.outside", "warning",
            f"{len(beyond)} of {len(boxes.boxes)} boxes reach beyond the picture, by up to {most:g} pixels",
            case=reading.case.id, file=part.files[0],
            evidence={"n": len(beyond), "most_px": most, "boxes": [_plain(n, b) for n, b in beyond[:20]]},
            proposal="Clip them to the picture; by 1 pixel everywhere, the first pixel is 0 and not 1",
        )  # fmt: skip


def _size(reading: Reading, part: Part, boxes: Boxes, size: tuple[int, int] | None) -> Iterator[Finding]:
    if size is not None and boxes.image_size is not None and boxes.image_size != size:
        yield Finding(
            "boxes.picture-size", "warning",
            f"the boxes were drawn on a picture of {boxes.image_size[0]} × {boxes.image_size[1]} pixels, "
            f"this one has {size[0]} × {size[1]}",
            case=reading.case.id, file=part.files[0], evidence={"stated": boxes.image_size, "picture": size},
            proposal="Scale them, or find the picture that they belong to",
        )  # fmt: skip


def unknown_classes(reading: Reading) -> Iterator[Finding]:
    """Report boxes of a class that the layout does not know."""
    for part in reading.others:
        if not isinstance(part.value, Boxes) or not part.labels:
            continue
        strange = sorted({box.label for box in part.value.boxes if named(part.labels, box.label) is None})
        if strange:
            yield Finding(
                "boxes.unknown-class", "error", f"boxes of a class that nobody declares: {', '.join(strange)}",
                case=reading.case.id, file=part.files[0], evidence={"classes": strange, "declared": list(part.labels)},
                proposal="Add the class to the record's labels, or correct the file",
            )  # fmt: skip


def _plain(number: int, box: object) -> dict[str, object]:
    names = ("label", "x_min", "y_min", "x_max", "y_max")
    return {"number": number + 1, **{name: getattr(box, name) for name in names}}
