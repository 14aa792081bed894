"""Outlines of Aperio and ASAP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medshelf.errors import AccessError, FormatError, Truncated
from medshelf.formats.contours import Contour, Contours, read_contours, write_contours
from medshelf.model.blob import LocalFile

# Built as BACH's files are: the class stands in Text
APERIO = """<?xml version="1.0" encoding="utf-8"?>
<Annotations MicronsPerPixel="0.467"><Annotation Id="1" Name="" Type="4" LineColor="255"><Attributes>
<Attribute Name="Description" Id="0" Value=""/></Attributes><Regions><RegionAttributeHeaders/>
<Region Id="1" Type="0" Zoom="0.1" Text="Carcinoma in situ" NegativeROA="0"><Attributes/><Vertices>
<Vertex X="100.5" Y="200" Z="0"/><Vertex X="110" Y="200"/><Vertex X="110" Y="220.25"/></Vertices></Region>
<Region Id="2" Type="2" Text="" NegativeROA="1">
<Vertices><Vertex X="0" Y="0"/><Vertex X="5" Y="6"/></Vertices></Region>
</Regions></Annotation></Annotations>"""

ASAP = """<?xml version="1.0"?><ASAP_Annotations><Annotations>
<Annotation Name="Annotation 0" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58"><Coordinates>
<Coordinate Order="1" X="3" Y="4"/><Coordinate Order="0" X="1" Y="2"/><Coordinate Order="10" X="7" Y="8"/>
<Coordinate Order="2" X="5" Y="6"/></Coordinates></Annotation>
<Annotation Name="lonely" Type="Dot" PartOfGroup="None"><Coordinates><Coordinate Order="0" X="9" Y="9"/>
</Coordinates></Annotation></Annotations><AnnotationGroups/></ASAP_Annotations>"""


def blob(folder: Path, text: str) -> LocalFile:
    path = folder / "a.xml"
    path.write_text(text)
    return LocalFile(path)


def test_aperio_regions_have_label_kind_and_points(tmp_path: Path) -> None:
    found = read_contours(blob(tmp_path, APERIO))
    first, second = found
    assert (found.mpp, found.vendor, len(found)) == (0.467, "aperio", 2)
    assert (first.label, first.kind, first.hole) == ("Carcinoma in situ", "polygon", False)
    np.testing.assert_array_equal(first.points_xy, [[100.5, 200], [110, 200], [110, 220.25]])
    assert (second.label, second.kind, second.hole) == (None, "ellipse", True)
    assert first.attributes["Zoom"] == "0.1"


@pytest.mark.parametrize(
    ("change", "label"),
    [
        (('Name="Description"', 'Name="Epithelial"'), "Epithelial"),  # as in MoNuSAC
        (('Value=""', 'Value="gland"'), "gland"),
        (('Name="" Type="4"', 'Name="layer 1" Type="4"'), "layer 1"),
    ],
)
def test_a_region_without_text_takes_the_name_of_its_layer(
    tmp_path: Path, change: tuple[str, str], label: str
) -> None:
    found = read_contours(blob(tmp_path, APERIO.replace(*change)))
    assert [contour.label for contour in found] == ["Carcinoma in situ", label]


def test_asap_points_come_in_their_order_and_labels_from_their_group(tmp_path: Path) -> None:
    found = read_contours(blob(tmp_path, ASAP))
    first, second = found
    assert (found.vendor, first.label, second.label, second.kind) == ("asap", "Tumor", "lonely", "points")
    np.testing.assert_array_equal(first.points_xy, [[1, 2], [3, 4], [5, 6], [7, 8]])


def test_written_outlines_are_read_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    wanted = Contours(
        (
            Contour("benign", rng.random((5, 2)) * 1e5),
            Contour("invasive", rng.random((3, 2)), "rectangle", True),
            Contour("benign", np.zeros((0, 2))),
            Contour(None, rng.random((4, 2))),
        ),
        mpp=0.2498,
    )
    write_contours(tmp_path / "a.xml", wanted)
    found = read_contours(LocalFile(tmp_path / "a.xml"))
    assert found.mpp == wanted.mpp
    by_label = sorted(wanted, key=lambda one: ["benign", "invasive", None].index(one.label))
    assert [(c.label, c.kind, c.hole) for c in found] == [(c.label, c.kind, c.hole) for c in by_label]
    for one, other in zip(found, by_label, strict=True):
        np.testing.assert_allclose(one.points_xy, other.points_xy, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (('X="110"', 'X="wide"'), FormatError, "region 1.*vertex"),
        (('X="110"', ""), FormatError, "region 1.*X or Y"),
        (('X="110"', 'X="inf"'), FormatError, "not finite"),
        (('MicronsPerPixel="0.467"', 'MicronsPerPixel="?"'), FormatError, "MicronsPerPixel"),
        (("Annotations", "Notes"), FormatError, "root is <Notes>"),
        (("</Annotations>", ""), Truncated, "well-formed"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, change: tuple[str, str], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        read_contours(blob(tmp_path, APERIO.replace(*change)))


def test_no_file_no_outlines(tmp_path: Path) -> None:
    for text in ("", "<!doctype html><html></html>"):
        with pytest.raises(FormatError):
            read_contours(blob(tmp_path, text))
    with pytest.raises(AccessError):
        read_contours(LocalFile(tmp_path))


def test_damaged_files_give_errors_of_ours(survives_damage: Any) -> None:
    assert survives_damage(read_contours, APERIO.encode(), "a.xml")
    assert survives_damage(read_contours, ASAP.encode(), "a.xml")
