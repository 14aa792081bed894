"""Loaders for what is no image: boxes, points, contours, meshes, text and records, by reader or role."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medshelf.errors import LayoutError
from medshelf.model.blob import Blob
from medshelf.model.layout import Slot
from medshelf.samples.image import Image


@dataclass(frozen=True)
class Documents:
    """Files that hold the annotations of many cases, each parsed once for a dataset; not pickled with it."""

    parsed: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def once(self, name: str, how: str, parse: Callable[[], Any]) -> Any:
        """Return what `parse` made of a file the first time that it was asked for in this way."""
        if (name, how) not in self.parsed:
            self.parsed[name, how] = parse()
        return self.parsed[name, how]

    def __reduce__(self) -> tuple[type[Documents], tuple[()]]:
        return Documents, ()


@dataclass(frozen=True)
class Request:
    """What a loader is asked for: the files of one annotation of one case, and what they need beside them."""

    blobs: Sequence[Blob]
    slot: Slot
    labels: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    image_name: str | None = None
    """Name of the picture below the root of the dataset, where the case has one."""
    names: Sequence[Blob] = ()
    """The file of the names of classes, where ``columns.names`` is its slot."""
    documents: Documents = field(default_factory=Documents)

    def column(self, name: str, default: Any = None) -> Any:
        """What the layout's `columns` say of one part."""
        return self.slot.columns.get(name, default)


Loader = Callable[[Request], Any]


def _voc(asked: Request) -> Any:
    from medshelf.formats import boxes

    return boxes.read_voc(asked.blobs[0], first_pixel=0 if asked.slot.frame == "inclusive-0" else 1)


def _coco(asked: Request) -> Any:
    from medshelf.formats import coco

    blob = asked.blobs[0]
    how = {name: asked.column(name) for name in ("category", "categories") if asked.column(name)}
    found = asked.documents.once(blob.name, f"coco {how}", lambda: coco.read_coco(blob, **how))
    return coco.of_image(found, asked.image_name or "", blob.name)


def _yolo(asked: Request) -> Any:
    from medshelf.formats import yolo

    header = _picture(asked).header()
    return yolo.read_yolo(asked.blobs[0], _class_names(asked), (header.shape[1], header.shape[0]))


def _picture(asked: Request) -> Image:
    if len(asked.images) != 1:
        names = ", ".join(asked.images) or "none"
        raise LayoutError("boxes in parts of a picture need the one picture of the case", why=f"pictures: {names}")
    return next(iter(asked.images.values()))


def _class_names(asked: Request) -> Mapping[int, str]:
    """Names of classes: listed in ``columns.names``, or in the file of the slot that it names; else of the labels."""
    names = asked.column("names")
    if isinstance(names, str):
        from medshelf.formats import yolo

        if not asked.names:
            raise LayoutError(f"the names of the classes are missing: no file of the slot {names!r} is here")
        blob = asked.names[0]
        return asked.documents.once(blob.name, "names", lambda: yolo.read_class_names(blob))  # type: ignore[no-any-return]
    return dict(enumerate(names)) if names else {int(key): key for key in asked.labels if key.isdigit()}


def _named_boxes(asked: Request) -> Any:
    from medshelf.formats import named_boxes

    return named_boxes.read_named_boxes(asked.blobs[0])


def _json(asked: Request) -> Any:
    from medshelf.formats import table

    return [row for blob in asked.blobs for row in table.read_rows(blob, records=asked.column("records"))]


def _mesh(asked: Request) -> Any:
    from medshelf.formats import mesh

    return mesh.read_mesh(asked.blobs[0])


def _contours(asked: Request) -> Any:
    from medshelf.formats import contours

    return contours.read_contours(asked.blobs[0])


def _rtstruct(asked: Request) -> Any:
    from medshelf.formats import rtstruct

    return rtstruct.read_rtstruct(asked.blobs[0])


def _dicom_ann(asked: Request) -> Any:
    from medshelf.formats import dicom_ann

    return dicom_ann.read_annotations(asked.blobs[0])


def _dicom_sr(asked: Request) -> Any:
    from medshelf.formats import dicom_sr

    return dicom_sr.read_report(asked.blobs[0])


def _geojson(asked: Request) -> Any:
    from medshelf.formats import geojson

    return geojson.read_geojson(asked.blobs[0])


def _supervisely(asked: Request) -> Any:
    from medshelf.formats import supervisely

    return supervisely.read_supervisely(asked.blobs[0])


def _xy_lines(asked: Request) -> Any:
    from medshelf.formats import contours, xy_lines

    return contours.Contours(tuple(map(xy_lines.read_xy_lines, asked.blobs)), vendor="xy_lines")


def _lidc(asked: Request) -> Any:
    from medshelf.formats import lidc

    return lidc.read_lidc(asked.blobs[0])


def _points(asked: Request) -> Any:
    from medshelf.formats import points

    return points.read_points(
        asked.blobs[0], label=asked.column("label", "label"), point=asked.column("point", ("x", "y", "z")),
        frame=asked.slot.frame, records=asked.column("records"), columns=asked.column("columns_are", ()),
    )  # fmt: skip


def _slicer(asked: Request) -> Any:
    from medshelf.formats import slicer_markups

    return slicer_markups.read_markups(asked.blobs[0])


def _text(asked: Request) -> Any:
    from medshelf.formats import text

    return "\n".join(text.read_text(blob) for blob in asked.blobs)


def _record(asked: Request) -> Any:
    from medshelf.formats import keyval, table

    if asked.blobs[0].name.lower().endswith(".json"):
        rows = table.read_rows(asked.blobs[0], records="$")
        return rows[0] if rows else {}
    return keyval.read_keyval(asked.blobs[0])


LOADERS: dict[str, Loader] = {
    "voc": _voc,
    "coco": _coco,
    "yolo": _yolo,
    "named_boxes": _named_boxes,
    "json": _json,
    "mesh": _mesh,
    "contours": _contours,
    "aperio_xml": _contours,
    "rtstruct": _rtstruct,
    "dicom_ann": _dicom_ann,
    "dicom_sr": _dicom_sr,
    "geojson": _geojson,
    "supervisely": _supervisely,
    "xy_lines": _xy_lines,
    "lidc_xml": _lidc,
    "points": _points,
    "slicer_markups": _slicer,
    "text": _text,
    "record": _record,
}
"""By the name of a reader or, where the layout names none, by the role of the slot."""
