"""GeoJSON, Supervisely, points of Slicer, and the names of YOLO's classes: what is read, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.geojson import read_geojson
from medshelf.formats.named_boxes import read_named_boxes
from medshelf.formats.slicer_markups import read_markups
from medshelf.formats.supervisely import read_supervisely
from medshelf.formats.xy_lines import read_xy_lines
from medshelf.formats.yolo import read_class_names
from medshelf.model.blob import LocalFile


def blob(folder: Path, data: Any, name: str = "a.json") -> LocalFile:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return LocalFile(path)


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": "7", "geometry": geometry, "properties": properties}


RING = [[0, 0], [9, 0], [9, 9], [0, 0]]
HOLE = [[2, 1], [4, 1], [4, 3], [2, 1]]


@pytest.mark.parametrize("wrap", ["alone", "list", "collection"])
def test_features_alone_in_a_list_or_in_a_collection(tmp_path: Path, wrap: str) -> None:
    named = {"name": "glomerulus", "colorRGB": 1}
    one = feature({"type": "Polygon", "coordinates": [RING, HOLE]}, classification=named)
    wrapped = {"alone": one, "list": [one], "collection": {"type": "FeatureCollection", "features": [one]}}[wrap]
    outer, inner = read_geojson(blob(tmp_path, wrapped))
    assert (outer.label, outer.hole, inner.hole, outer.attributes["id"]) == ("glomerulus", False, True, "7")
    np.testing.assert_array_equal(outer.points_xy, RING[:3])


def test_every_kind_of_geometry(tmp_path: Path) -> None:
    parts = [
        {"type": "MultiPolygon", "coordinates": [[RING], [HOLE]]},
        {"type": "Point", "coordinates": [1, 2, 3]},
        {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]},
        {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
        {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]]]},
    ]
    features = [feature({"type": "GeometryCollection", "geometries": parts}, name="x"), feature(None)]
    found = read_geojson(blob(tmp_path, features))
    assert [c.kind for c in found] == ["polygon", "polygon", "points", "points", "line", "line"]
    assert {c.label for c in found} == {"x"}


@pytest.mark.parametrize(
    ("document", "kind", "said"),
    [
        ({}, FormatError, "no GeoJSON features"),
        ([3], FormatError, "feature 1.*no GeoJSON feature"),
        ([feature({"type": "Circle"})], Unsupported, "Circle"),
        ([feature({"type": "Polygon"})], FormatError, "list of positions is missing"),
        ([feature({"type": "Polygon", "coordinates": [[[0, "a"], [1, 1]]]})], FormatError, "pairs of numbers"),
        ([feature({"type": "Polygon", "coordinates": [[[0], [1]]]})], FormatError, "pairs of numbers"),
        ([feature({"type": "Polygon", "coordinates": [[[0, 1], [1]]]})], FormatError, "pairs of numbers"),
        ([feature({"type": "LineString", "coordinates": [[0, float("inf")], [1, 1]]})], FormatError, "pairs of"),
        ('[{"type": "Feature"', Truncated, "not valid JSON"),
    ],
)
def test_wrong_geojson_is_named(tmp_path: Path, document: Any, kind: type, said: str) -> None:
    with pytest.raises(kind, match=said):
        read_geojson(blob(tmp_path, document))


def test_outlines_of_supervisely_have_holes(tmp_path: Path) -> None:
    points = {"exterior": RING[:3], "interior": [HOLE[:3]]}
    one = {"id": 5, "classTitle": "17", "geometryType": "polygon", "points": points}
    found = list(read_supervisely(blob(tmp_path, {"size": {"height": 9, "width": 9}, "objects": [one]})))
    assert [(c.label, c.hole, c.kind) for c in found] == [("17", False, "polygon"), ("17", True, "polygon")]
    assert found[0].attributes == {"id": "5"}
    for changed, kind, said in (
        ({"geometryType": "bitmap"}, Unsupported, "bitmap"),
        ({"points": None}, FormatError, "no points"),
        ({"points": {"exterior": []}}, FormatError, "pairs of numbers"),
    ):
        with pytest.raises(kind, match=said):
            read_supervisely(blob(tmp_path, {"objects": [{**one, **changed}]}))
    with pytest.raises(FormatError, match="no list of 'objects'"):
        read_supervisely(blob(tmp_path, {"shapes": []}))


FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = LPS
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
1,-1.5,2,3,0,0,0,1,1,1,0,"chin, tip",,
2,4,5,6,0,0,0,1,1,1,0,mand_r,,
"""


@pytest.mark.parametrize(
    ("system", "frame"), [("LPS", "lps_mm"), ("0", "ras_mm"), ("1", "lps_mm"), ("RAS", "ras_mm"), ("2", "voxel")]
)
def test_points_of_fcsv_say_their_system(tmp_path: Path, system: str, frame: str) -> None:
    found = read_markups(blob(tmp_path, FCSV.replace("= LPS", f"= {system}"), "a.fcsv"))
    assert (found.labels, found.frame) == (("chin, tip", "mand_r"), frame)
    np.testing.assert_array_equal(found.coordinates, [[-1.5, 2, 3], [4, 5, 6]])


def test_fcsv_that_says_nothing_of_its_system_is_ras_and_columns_may_be_others(tmp_path: Path) -> None:
    old = "# name = F\n# columns = label,x,y,z,sel,vis\nchin,1,2,3,1,1\n"
    found = read_markups(blob(tmp_path, old, "a.fcsv"))
    assert (found.labels, found.frame, found.coordinates.tolist()) == (("chin",), "ras_mm", [[1, 2, 3]])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("= LPS", "= XYZ", "system"),
        ("-1.5", "a", "line 4: x"),
        ("x,y,z,ow", "x,y,ow", "no column z"),
        ("#", "%", "line begins"),
    ],
)
def test_wrong_fcsv_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read_markups(blob(tmp_path, FCSV.replace(old, new), "a.fcsv"))


def test_points_of_json_without_a_position_are_left_out(tmp_path: Path) -> None:
    points = [
        {"label": "a", "position": [1, 2, 3], "positionStatus": "defined"},
        {"label": "b", "position": [0, 0, 0], "positionStatus": "undefined"},
        {"label": "c"},
    ]
    one = {"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}
    found = read_markups(blob(tmp_path, {"markups": [one]}, "a.mrk.json"))
    assert (found.labels, found.frame) == (("a",), "ras_mm")
    with pytest.raises(Unsupported, match="different systems"):
        read_markups(blob(tmp_path, {"markups": [one, {**one, "coordinateSystem": "LPS"}]}, "a.mrk.json"))
    with pytest.raises(FormatError, match="three numbers"):
        read_markups(blob(tmp_path, {"markups": [{**one, "controlPoints": [{"position": [1, 2]}]}]}, "a.mrk.json"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("obj.names", "cat\n dog \n"),
        ("classes.txt", "cat\r\ndog"),
        ("data.yaml", "names: [cat, 'dog']\n"),
        ("data.yaml", 'nc: 2\nnames: ["cat",\n  "dog"]\nval: x\n'),
        ("data.yml", "names:\n- cat\n- dog\nnc: 2\n"),
        ("data.yaml", "names:\n  # two\n  1: dog\n  0: cat\nnc: 2\n"),
        ("data.yaml", "names: {0: cat, 1: dog}\n"),
    ],
)
def test_names_of_classes(tmp_path: Path, name: str, text: str) -> None:
    assert read_class_names(blob(tmp_path, text, name)) == {0: "cat", 1: "dog"}


@pytest.mark.parametrize(
    ("name", "text"), [("data.yaml", "nc: 3\n"), ("data.yaml", "names:\nnc: 3\n"), ("a.names", "\n")]
)
def test_no_names_are_an_error(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(FormatError, match="names no classes"):
        read_class_names(blob(tmp_path, text, name))


def test_wrong_named_boxes_are_named(tmp_path: Path) -> None:
    for document, said in (({}, "no list"), ([1], "no list"), ([{"Lung": [1, 2, 3]}], "box 1"), ([{"a": "x"}], "box 1"),
                           ([{"a": [1, 2, 3, "x"]}], "not a number")):  # fmt: skip
        with pytest.raises(FormatError, match=said):
            read_named_boxes(blob(tmp_path, document))


def test_an_outline_is_two_numbers_a_line(tmp_path: Path) -> None:
    name = "IM-0001-0048-icontour-manual.txt"
    found = read_xy_lines(blob(tmp_path, "1.5 2\n\n3,4\n", name))
    assert (found.points_xy.tolist(), found.attributes["file"]) == ([[1.5, 2], [3, 4]], name)
    for text, said in (("1 2 3\n", "line 1: a point is not two"), ("1\n", "two numbers"), ("1 x\n", "not a number"),
                       ("\n", "no point")):  # fmt: skip
        with pytest.raises(FormatError, match=said):
            read_xy_lines(blob(tmp_path, text, "a.txt"))
