"""Write the files of a twin that somebody drew: outlines, boxes and points, in the format of their reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from medshelf.formats.boxes import Box, Boxes
from medshelf.formats.contours import Contour, Contours
from medshelf.layout.twin import SERIES_LENGTH, TwinFile
from medshelf.model.case import Case
from medshelf.model.layout import Layout, Slot
from medshelf.samples import phantom
from medshelf.samples.twin_dicom import write_annotations, write_report

ROWS, COLUMNS = phantom.PICTURE_SHAPE
SHARED = ("coco",)
"""Readers of one file for many cases: written once all cases are known."""


def names_of(layout: Layout, slot: Slot, otherwise: str) -> list[str]:
    """Return what a slot's labels are called in its files."""
    written = [name for name in layout.labels.get(slot.labels or "", {}) if not name.startswith("~")]
    return written or [slot.label if slot.label and "{" not in slot.label else otherwise]


def _boxes(names: Iterable[str]) -> Boxes:
    drawn = [
        Box(name, 2.0 + 3 * n, 4.0 + 2 * n, 9.0 + 3 * n, 12.0 + 2 * n) for n, name in enumerate(list(names)[:8])
    ]
    return Boxes((COLUMNS, ROWS), tuple(drawn), "edges")


def _outlines(names: Iterable[str]) -> Contours:
    return Contours(tuple(Contour(n, np.array([[1.0, 2], [9, 3 + k], [5, 11]])) for k, n in enumerate(names)))


def _write_yolo(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.yolo import write_yolo

    listed = slot.columns.get("names")
    if isinstance(listed, str):  # the twin's file of names has one line
        names: Mapping[int, str] = {0: "object"}
    elif listed:
        names = dict(enumerate(listed))
    else:
        names = {int(key): key for key in layout.labels.get(slot.labels or "", {}) if key.isdigit()}
    for path in paths:
        write_yolo(path, _boxes(names.values()), names)


def _write_named_boxes(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.named_boxes import write_named_boxes

    for path in paths:
        write_named_boxes(path, _boxes(names_of(layout, slot, "object")))


def _write_geojson(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.geojson import write_geojson

    for path in paths:
        write_geojson(path, _outlines(names_of(layout, slot, "region")))


def _write_supervisely(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.supervisely import write_supervisely

    for path in paths:
        write_supervisely(path, _outlines(names_of(layout, slot, "region")), (COLUMNS, ROWS))


def _write_xy_lines(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.xy_lines import write_xy_lines

    for path in paths:
        write_xy_lines(path, next(iter(_outlines(["region"]))))


def _write_markups(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    from medshelf.formats.points import Points
    from medshelf.formats.slicer_markups import write_markups

    names = names_of(layout, slot, "point")
    points = np.array([[3.0 + n, 4.0, 5.0] for n in range(len(names))])
    for path in paths:
        write_markups(path, Points(tuple(names), points, "lps_mm"))


def _write_lidc(layout: Layout, slot: Slot, group: Sequence[TwinFile], paths: Sequence[Path]) -> None:
    """Two readers: both outline the first cube of the scan beside it; the second marks a small nodule as well."""
    from medshelf.formats.lidc import Nodule, Outline, Reader, Readings
    from medshelf.formats.lidc_writing import write_lidc

    shape = (COLUMNS, ROWS, SERIES_LENGTH)
    for file, path in zip(group, paths, strict=True):
        affine = phantom.affine_ras(file.number)
        (left, right), (top, bottom), levels = ((s.start, s.stop) for s in phantom.cells(shape)[0])
        around = np.array([[left - 1, top - 1], [right, top - 1], [right, bottom], [left - 1, bottom]])
        z_mm = [float(affine[2, 3] + affine[2, 2] * k) for k in range(*levels)]
        nodule = Nodule("1", tuple(Outline(around, z) for z in z_mm), {"subtlety": 4, "malignancy": 3})
        small = Nodule("2", (Outline(around[:1], z_mm[0]),))
        readers = Reader("anonymous", (nodule,)), Reader("anonymous", (nodule, small), (small,))
        write_lidc(path, Readings(readers))


Writer = Callable[[Layout, Slot, Sequence[TwinFile], Sequence[Path]], None]

WRITERS: dict[str | None, Writer] = {
    "yolo": _write_yolo,
    "named_boxes": _write_named_boxes,
    "geojson": _write_geojson,
    "supervisely": _write_supervisely,
    "slicer_markups": _write_markups,
    "xy_lines": _write_xy_lines,
    "lidc_xml": _write_lidc,
    "dicom_ann": write_annotations,
    "dicom_sr": write_report,
}
"""By the name of a reader."""


def write_shared(layout: Layout, cases: Iterable[Case], stage: Path) -> None:
    """Write the files that hold the annotations of many cases."""
    from medshelf.formats.coco import write_coco

    shared: dict[str, dict[str, Boxes]] = {}
    for case in cases:
        images = [ref for n, s in layout.files.items() if s.role == "image" for ref in case.files.get(n, ())]
        for name, slot in layout.files.items():
            for ref in case.files.get(name, ()) if slot.reader in SHARED else ():
                shared.setdefault(ref.name, {})[images[0].name] = _boxes(names_of(layout, slot, "object"))
    for name, pictures in shared.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        write_coco(stage / name, pictures)
