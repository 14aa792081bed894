"""One contract for every reader of what is no image: see `medshelf.formats`.

What is written is read again; a blob needs no path, and may be pickled, as may what was read; whatever the bytes
are, reading gives a value or an error of ours that names the file, soon.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medshelf.errors import AccessError, FormatError, MedshelfError, NotFound
from medshelf.formats import (
    coco,
    contours,
    dicom_ann,
    dicom_sr,
    geojson,
    keyval,
    lidc,
    named_boxes,
    rtstruct,
    slicer_markups,
    supervisely,
    xy_lines,
    yolo,
)
from medshelf.formats.boxes import Box, Boxes, read_voc, write_voc
from medshelf.formats.contours import Contour, Contours
from medshelf.formats.dicom.codes import Code
from medshelf.formats.lidc import Nodule, Outline, Reader, Readings
from medshelf.formats.lidc_writing import write_lidc
from medshelf.formats.mesh import Mesh, read_mesh, write_mesh
from medshelf.formats.points import Points, read_points
from medshelf.formats.table import read_rows, write_rows
from medshelf.formats.text import read_text
from medshelf.model.blob import Blob, LocalFile
from medshelf.samples.native import LOADERS
from tests.conformance.test_formats import MemoryBlob, in_memory

SECONDS = 3.0
"""Far more than any of these small files may take, however broken."""
NAMES = {0: "polyp", 1: "artefact"}
SIZE = (64, 48)


@dataclass(frozen=True)
class Kind:
    """A kind of file, how it is read, and how one is made."""

    reader: str
    """Name of its loader in `medshelf.samples.native`, or ``table``."""
    filename: str
    read: Callable[[Blob], Any]
    make: Callable[[Path], Any]
    """Write a file and return what reading it gives."""
    whole: bool = True
    """Whether a part of such a file is never one."""
    may_be_empty: bool = False

    def __str__(self) -> str:
        return f"{self.reader}-{self.filename}"


# --- one of each ---------------------------------------------------------------------------


def _voc(path: Path) -> Boxes:
    box = Box("WBC", 1, 2, 10, 20.5, {"difficult": "1"})
    boxes = Boxes(SIZE, (box, Box("RBC", 3, 4, 5, 6)), "inclusive-1", "a.jpg")
    write_voc(path, boxes)
    return boxes


def _coco(path: Path) -> dict[str, Boxes]:
    polygon = [[10.0, 20.0, 15.0, 20.0, 15.0, 26.5]]
    box = Box("polyp", 10, 20, 15, 26.5, {"id": 1, "category_id": 1, "segmentation": polygon})
    found = {"x/a.png": Boxes(SIZE, (box,), "edges", "x/a.png"), "x/b.png": Boxes(None, (), "edges", "x/b.png")}
    coco.write_coco(path, found)
    plain = Box("polyp", 10, 20, 15, 26.5, {"id": 1, "segmentation": polygon})
    return {**found, "x/a.png": Boxes(SIZE, (plain,), "edges", "x/a.png")}


def _yolo(path: Path) -> Boxes:
    polygon = np.array([[6.4, 4.8], [32, 4.8], [32, 24.0]])
    second = Box("artefact", 6.4, 4.8, 32, 24, {"polygon": polygon})
    boxes = Boxes(SIZE, (Box("polyp", 8, 6, 16, 18, {"score": 0.5}), second), "edges")
    yolo.write_yolo(path, boxes, NAMES)
    return boxes


def _named_boxes(path: Path) -> Boxes:
    boxes = Boxes(None, (Box("Lung", 1, 2, 11, 22), Box("Heart", 3.5, 4, 5, 6)), "edges")
    named_boxes.write_named_boxes(path, boxes)
    return boxes


def _drawn(vendor: str, attributes: Mapping[str, str]) -> Contours:
    outer = np.array([[0.5, 0], [9, 0], [9, 9], [0.5, 9]])
    inner = np.array([[2.0, 2], [4, 2], [4, 4]])
    hole = Contour("tumour", inner, hole=True, attributes=attributes)
    return Contours((Contour("tumour", outer, attributes=attributes), hole), vendor=vendor)


def _aperio(path: Path) -> None:
    contours.write_contours(path, _drawn("aperio", {}))


def _asap(path: Path) -> None:
    path.write_text(
        '<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon" PartOfGroup="Tumor">'
        '<Coordinates><Coordinate Order="0" X="3" Y="4"/><Coordinate Order="1" X="5" Y="6"/></Coordinates>'
        "</Annotation></Annotations></ASAP_Annotations>"
    )


def _geojson(path: Path) -> Contours:
    geojson.write_geojson(path, _drawn("geojson", {}))
    return _drawn("geojson", {})


def _supervisely(path: Path) -> Contours:
    supervisely.write_supervisely(path, _drawn("supervisely", {}), SIZE)
    return _drawn("supervisely", {})


def _xy_lines(path: Path) -> Contour:
    contour = Contour(None, np.array([[1.5, 2], [9, 3], [5, 11.25]]))
    xy_lines.write_xy_lines(path, contour)
    return contour


def _lidc(path: Path) -> Readings:
    ring = np.array([[3, 3], [6, 3], [6, 6], [3, 6]])
    nodule = Nodule("7", (Outline(ring, -12.5, "1.2.3"), Outline(ring + 1, -10.0, "1.2.4", False)), {"malignancy": 4})
    small = Nodule("8", (Outline(ring[:1], -10.0, "1.2.4"),))
    readings = Readings((Reader("anonymous", (nodule, small), (small,)), Reader("anonymous")), "1.2", "1.1")
    write_lidc(path, readings)
    return readings


def _markups(path: Path) -> Points:
    points = Points(("L1, top", "L2"), np.array([[1.5, -2, 3], [4, 5, -6.25]]), "lps_mm")
    slicer_markups.write_markups(path, points)
    return points


def _points(path: Path) -> Points:
    points = Points(("C1", "C2"), np.array([[1.5, 2, 3], [4, 5, 6]]), "voxel")
    named = zip(points.labels, points.coordinates.tolist(), strict=True)
    rows = [{"label": name, "X": x, "Y": y, "Z": z} for name, (x, y, z) in named]
    write_rows(path, rows)
    return points


def _keyval(path: Path) -> dict[str, str]:
    keyval.write_keyval(path, {"Group": "DCM", "NbFrame": "30"})
    return {"Group": "DCM", "NbFrame": "30"}


def _record(path: Path) -> list[dict[str, Any]]:
    path.write_text('{"Group": "DCM", "NbFrame": 30}')
    return [{"Group": "DCM", "NbFrame": 30}]


ROWS = [{"name": "Müller, 心", "note": 'a "b"\nc', "n": "7"}, {"name": "x", "note": "", "n": "8"}]


def _table(**how: Any) -> Callable[[Path], list[dict[str, Any]]]:
    def make(path: Path) -> list[dict[str, Any]]:
        write_rows(path, ROWS, **how)
        return ROWS

    return make


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    return ROWS


def _mesh(path: Path) -> Mesh | None:
    corners = np.array([[0, 0, 0], [10, 0, 0], [0, 12, 0], [0, 0, 15]], float)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    mesh = Mesh(corners, faces)
    write_mesh(path, mesh)
    return None if path.suffix == ".stl" else mesh  # STL repeats its vertices


def _text(path: Path) -> str:
    path.write_text("Findings: none.\n")
    return "Findings: none.\n"


def _rtstruct(path: Path) -> None:
    square = np.array([[1.5, 2, 3], [9, 2, 3], [9, 8, 3]])
    roi = rtstruct.Roi(1, "Lung_L", (rtstruct.Contour(square), rtstruct.Contour(square[:1], "POINT")))
    rtstruct.write_rtstruct(path, [roi], patient_id="p")


def _dicom_ann(path: Path) -> None:
    outlines = tuple(np.array([[1.5, 2], [9, 3], [5, 11.25]]) + n for n in range(2))
    group = dicom_ann.AnnotationGroup(1, "nuclei", "POLYGON", outlines)
    dicom_ann.write_annotations(path, [group], patient_id="p")


def _dicom_sr(path: Path) -> None:
    length = dicom_sr.Measurement(Code("410668003", "SCT", "Length"), 12.5, Code("mm", "UCUM", "mm"))
    dicom_sr.write_report(path, [dicom_sr.MeasurementGroup("a", "1.2", measurements=(length,))], patient_id="p")


def read_yolo(blob: Blob) -> Boxes:
    return yolo.read_yolo(blob, NAMES, SIZE)


def read_voxels(blob: Blob) -> Points:
    return read_points(blob, label="label", point=("X", "Y", "Z"), frame="voxel")


KINDS = [
    Kind("voc", "a.xml", read_voc, _voc),
    Kind("coco", "a.json", coco.read_coco, _coco),
    Kind("yolo", "a.txt", read_yolo, _yolo, whole=False, may_be_empty=True),
    Kind("named_boxes", "a.json", named_boxes.read_named_boxes, _named_boxes),
    Kind("aperio_xml", "a.xml", contours.read_contours, _aperio),
    Kind("contours", "a.xml", contours.read_contours, _asap),
    Kind("geojson", "a.json", geojson.read_geojson, _geojson),
    Kind("supervisely", "a.jpg.json", supervisely.read_supervisely, _supervisely),
    Kind("xy_lines", "a.txt", xy_lines.read_xy_lines, _xy_lines, whole=False),
    Kind("lidc_xml", "a.xml", lidc.read_lidc, _lidc),
    Kind("rtstruct", "a.dcm", rtstruct.read_rtstruct, _rtstruct, whole=False),
    Kind("dicom_ann", "a.dcm", dicom_ann.read_annotations, _dicom_ann),
    Kind("dicom_sr", "a.dcm", dicom_sr.read_report, _dicom_sr),
    Kind("slicer_markups", "a.mrk.json", slicer_markups.read_markups, _markups),
    Kind("slicer_markups", "a.fcsv", slicer_markups.read_markups, _markups, whole=False),
    Kind("points", "a.csv", read_voxels, _points, whole=False),
    Kind("points", "a.json", read_voxels, _points),
    Kind("record", "a.cfg", keyval.read_keyval, _keyval, whole=False),
    Kind("record", "a.json", lambda blob: read_rows(blob, records="$"), _record),
    Kind("text", "a.txt", read_text, _text, whole=False),
    Kind("table", "a.csv", read_rows, _table(), whole=False),
    Kind("table", "bar.txt", lambda b: read_rows(b, sep="|"), _table(sep="|"), whole=False),
    Kind("table", "chinese.tsv", lambda b: read_rows(b, encoding="gb18030"), _table(encoding="gb18030"), whole=False),
    Kind("table", "wide.csv", read_rows, _table(encoding="utf-16"), whole=False),
    Kind("table", "third.csv", lambda b: read_rows(b, header=2), _table(header=2), whole=False),
    Kind("table", "bare.csv", lambda b: read_rows(b, columns=tuple(ROWS[0])), _table(header=None), whole=False),
    Kind("table", "a.xlsx", read_rows, _table()),
    Kind("json", "a.json", read_rows, _table()),
    Kind("table", "a.jsonl", read_rows, _table(), whole=False),
    Kind("table", "a.xml", lambda b: read_rows(b, records="all/one"), _table(records="all/one")),
    Kind("table", "a.parquet", read_rows, _parquet),
    *(Kind("mesh", f"a{ending}", read_mesh, _mesh, whole=ending in (".vtp",)) for ending in
      (".obj", ".stl", ".ply", ".vtk", ".vtp")),
]  # fmt: skip
EACH = pytest.mark.parametrize("kind", KINDS, ids=str)


# --- comparing and breaking ----------------------------------------------------------------


def plain(value: Any) -> Any:
    """Return a value that can be compared, numbers rounded."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in ("attributes", "meta")}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return round(float(value), 6) if isinstance(value, (int, float)) else value


def made(kind: Kind, folder: Path) -> tuple[Path, Any]:
    path = folder / kind.filename
    return path, kind.make(path)


def outcome(kind: Kind, blob: Blob) -> Any:
    """Read: the value, or None for an error of ours that names the file; nothing else, and not for long."""
    begun = time.monotonic()
    try:
        value = kind.read(blob)
    except MedshelfError as error:
        assert isinstance(error, (FormatError, AccessError, NotFound))
        assert error.where and kind.filename in str(error.where)
        value = None
    assert time.monotonic() - begun < SECONDS
    return value


# --- the contract --------------------------------------------------------------------------


def test_every_loader_has_a_kind_here() -> None:
    assert {kind.reader for kind in KINDS} - {"table"} == set(LOADERS)


@EACH
def test_what_is_written_is_read_again(kind: Kind, tmp_path: Path) -> None:
    path, wanted = made(kind, tmp_path)
    found = kind.read(LocalFile(path))
    assert found is not None
    if wanted is not None:
        assert plain(found) == plain(wanted)


@EACH
def test_a_blob_without_a_path_reads_the_same(kind: Kind, tmp_path: Path) -> None:
    path, _ = made(kind, tmp_path)
    assert plain(kind.read(in_memory(path))) == plain(kind.read(LocalFile(path)))


@EACH
def test_blob_and_value_can_be_pickled(kind: Kind, tmp_path: Path) -> None:
    path, _ = made(kind, tmp_path)
    for blob in (LocalFile(path), in_memory(path)):
        value = kind.read(pickle.loads(pickle.dumps(blob)))
        assert plain(pickle.loads(pickle.dumps(value))) == plain(value)


@EACH
def test_empty_files_and_web_pages_are_errors(kind: Kind, tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
    for data, said in ((b"", "empty"), (page, "web page")):
        if data or not kind.may_be_empty:
            with pytest.raises(FormatError, match=said):
                kind.read(MemoryBlob(((kind.filename, data),), kind.filename))


@EACH
def test_a_missing_file_is_named(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        kind.read(LocalFile(tmp_path / kind.filename))


@EACH
def test_a_file_cut_short_is_an_error_of_ours(kind: Kind, tmp_path: Path) -> None:
    path, _ = made(kind, tmp_path)
    data = path.read_bytes()
    cuts = {1, 2, 3, 5, 9, 40, len(data) - 12, *(len(data) * n // 24 for n in range(1, 24))}
    read = [outcome(kind, in_memory(path, data[:cut])) for cut in sorted(n for n in cuts if 0 < n < len(data) - 3)]
    if kind.whole:
        assert not any(value is not None for value in read)


@EACH
def test_noise_is_an_error_of_ours(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / kind.filename
    path.touch()
    rng = np.random.default_rng(5)
    noise = [rng.bytes(size) for size in (1, 5, 100, 540, 5000)]
    noise += [rng.integers(32, 127, size, np.uint8).tobytes() for size in (1, 50, 3000)]
    read = [outcome(kind, in_memory(path, data)) for data in noise]
    if kind.whole:
        assert not any(value is not None for value in read)


@EACH
@pytest.mark.parametrize("seed", range(2))
def test_changed_bytes_give_a_value_or_an_error_of_ours(kind: Kind, seed: int, tmp_path: Path) -> None:
    path, _ = made(kind, tmp_path)
    data = path.read_bytes()
    rng = np.random.default_rng(seed)
    likely = [0, 0xFF, *b'-9e.,"<>[]{}&\n']
    for turn in range(100):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 9)):
            broken[place] = rng.choice([rng.integers(0, 256), *likely])
        if turn % 10:
            outcome(kind, in_memory(path, bytes(broken)))
        else:
            path.write_bytes(broken)
            outcome(kind, LocalFile(path))


@EACH
@pytest.mark.parametrize("attack", ["deep list", "deep object", "long number", "entities", "deep XML", "zeros"])
def test_what_is_made_to_hurt_is_an_error_of_ours(kind: Kind, attack: str, tmp_path: Path) -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    data = {
        "deep list": "[" * 200_000,
        "deep object": '{"a":' * 200_000,
        "long number": "[" + "9" * 200_000 + "]",
        "entities": f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">{lol}]><a>&l9;</a>',
        "deep XML": "<a>" * 200_000,
        "zeros": "\0" * 200_000,
    }[attack]
    path = tmp_path / kind.filename
    path.write_text(data)
    value = outcome(kind, LocalFile(path))
    if kind.whole:
        assert value is None


@pytest.mark.parametrize("kind", [k for k in KINDS if k.filename.endswith("json")], ids=str)
def test_json_of_every_shape_is_a_value_or_an_error_of_ours(kind: Kind, tmp_path: Path) -> None:
    """Replace each part of a good document by other kinds of value, one at a time."""
    path, _ = made(kind, tmp_path)
    document = json.loads(path.read_text())
    others: list[Any] = [None, True, 0, -1e300, float("nan"), "x", [], {}, [[]], [None], {"type": []}]
    for place in _places(document, ()):
        for other in others:
            path.write_text(json.dumps(_replaced(document, place, other)))
            outcome(kind, LocalFile(path))


def _places(value: Any, at: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in _places(one, (*at, key)))]


def _replaced(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = _replaced(value[place[0]], place[1:], other)  # type: ignore[index]
    return copy
