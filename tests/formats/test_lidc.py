"""Readings of LIDC-IDRI: what the XML says, and the masks that it stands for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.errors import FormatError, Unsupported
from medshelf.formats.lidc import Nodule, Outline, Reader, Readings, read_lidc
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Header
from medshelf.samples import phantom

# In the form that public descriptions and programs give for the collection; no file of it was at hand
XML = """<?xml version="1.0" encoding="UTF-8"?>
<LidcReadMessage uid="1.3.6.1.4.1.14519.5.2.1.6279.6001.1307390687803.0" xmlns="http://www.nih.gov"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.nih.gov x.xsd">
<ResponseHeader><Version>1.8.1</Version><SeriesInstanceUid>1.2.3</SeriesInstanceUid>
<StudyInstanceUID>1.2</StudyInstanceUID></ResponseHeader>
<readingSession><annotationVersion>3.12</annotationVersion><servicingRadiologistID>anonymous</servicingRadiologistID>
<unblindedReadNodule><noduleID>Nodule 001</noduleID><characteristics><subtlety>5</subtlety>
<internalStructure>1</internalStructure><malignancy>5</malignancy></characteristics>
<roi><imageZposition>-125.000000 </imageZposition><imageSOP_UID>1.2.3.4</imageSOP_UID><inclusion>TRUE</inclusion>
<edgeMap><xCoord>312</xCoord><yCoord>355</yCoord></edgeMap><edgeMap><xCoord>311</xCoord><yCoord>356</yCoord></edgeMap>
</roi></unblindedReadNodule>
<unblindedReadNodule><noduleID>002</noduleID><characteristics/><roi><imageZposition>-50</imageZposition>
<inclusion>TRUE</inclusion><edgeMap><xCoord>9</xCoord><yCoord>8</yCoord></edgeMap></roi></unblindedReadNodule>
<nonNodule><nonNoduleID>2319</nonNoduleID><imageZposition>-47.5</imageZposition><imageSOP_UID>1.2.3.5</imageSOP_UID>
<locus><xCoord>85</xCoord><yCoord>312</yCoord></locus></nonNodule></readingSession>
<readingSession><servicingRadiologistID>anonymous</servicingRadiologistID></readingSession></LidcReadMessage>"""


def read(folder: Path, text: str) -> Readings:
    path = folder / "069.xml"
    path.write_text(text)
    return read_lidc(LocalFile(path))


def grid(n_slices: int = 4, step: float = 2.5) -> Header:
    affine = np.diag([-0.7, -0.7, step, 1.0])
    affine[:3, 3] = 100, 90, -300
    return Header((20, 30, n_slices), "int16", "ijk", affine)


def readings(*nodules: Nodule) -> Readings:
    return Readings((Reader("anonymous", nodules),))


RING = np.array([[3, 3], [4, 3], [5, 3], [6, 4], [6, 5], [5, 6], [4, 6], [3, 5], [2, 4]])
"""Eight-connected, no symmetry."""


def test_readers_nodules_and_non_nodules_are_kept_apart(tmp_path: Path) -> None:
    found = read(tmp_path, XML)
    assert (found.series_uid, found.study_uid, len(found.readers)) == ("1.2.3", "1.2", 2)
    first, second = found.readers
    assert (first.name, second.nodules, second.non_nodules) == ("anonymous", (), ())
    large, small = first.nodules
    assert large.characteristics == {"subtlety": 5, "internalStructure": 1, "malignancy": 5}
    (outline,) = large.outlines
    assert (large.id, large.is_small, outline.z_mm, outline.sop_uid) == ("Nodule 001", False, -125.0, "1.2.3.4")
    np.testing.assert_array_equal(outline.points_xy, [[312, 355], [311, 356]])
    assert small.is_small and small.characteristics == {} and small.outlines[0].sop_uid is None
    (other,) = first.non_nodules
    assert (other.id, other.outlines[0].points_xy.tolist(), other.outlines[0].z_mm) == ("2319", [[85, 312]], -47.5)


def test_the_outline_itself_is_no_nodule() -> None:
    """Walking in from the corner of the slice is another way to the same pixels: what is not reached is inside."""
    found = readings(Nodule("1", (Outline(RING, -297.5),))).mask(grid())
    outline = {(int(x), int(y)) for x, y in RING}
    reached, ahead = {(0, 0)}, [(0, 0)]
    while ahead:
        x, y = ahead.pop()
        for place in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if 0 <= place[0] < 20 and 0 <= place[1] < 30 and place not in reached | outline:
                reached.add(place)
                ahead.append(place)
    wanted = np.zeros((20, 30, 4), bool)
    for x in range(20):
        for y in range(30):
            wanted[x, y, 1] = (x, y) not in reached | outline
    assert wanted.sum() == 5
    np.testing.assert_array_equal(found, wanted)


def test_a_hole_takes_its_own_outline_away_and_only_from_its_nodule() -> None:
    big = np.array([[0, 0], [12, 0], [12, 12], [0, 12]])
    hole = np.array([[4, 4], [7, 4], [7, 8], [4, 8]])
    one = Nodule("1", (Outline(big, -300.0), Outline(hole, -300.0, inclusion=False)))
    found = readings(one).mask(grid())[:, :, 0]
    assert found.sum() == 11 * 11 - 4 * 5
    assert not found[4:8, 4:9].any() and found[3, 3] and found[8, 9] and not found[0, 5]
    both = readings(one, Nodule("2", (Outline(hole, -300.0),))).mask(grid())[:, :, 0]
    assert both.sum() == 11 * 11 - 4 * 5 + 2 * 3


def test_union_and_agreement_of_readers() -> None:
    square = np.array([[0, 0], [6, 0], [6, 6], [0, 6]])
    two = Readings((Reader("a", (Nodule("1", (Outline(square, -300.0),)),)),
                    Reader("b", (Nodule("9", (Outline(square + [2, 0], -300.0),)),))))  # fmt: skip
    assert two.mask(grid()).sum() == 5 * 7
    assert two.mask(grid(), agreement=2).sum() == 5 * 3
    assert two.mask(grid(), reader=1).sum() == 5 * 5
    assert two.mask(grid(), agreement=3).sum() == 0


def test_small_nodules_have_no_area_and_outlines_may_leave_the_picture() -> None:
    assert not readings(Nodule("1", (Outline(RING[:1], -300.0),))).mask(grid()).any()
    beyond = np.array([[-5, -5], [3, -5], [3, 3], [-5, 3]])
    assert readings(Nodule("1", (Outline(beyond, -300.0),))).mask(grid()).sum() == 9


def test_marks_that_do_not_fit_the_scan_are_errors() -> None:
    for z in (-301.25, -310.0, -290.0, -299.0):
        with pytest.raises(FormatError, match="none of the slices"):
            readings(Nodule("1", (Outline(RING, z),))).mask(grid())
    one = readings(Nodule("1", (Outline(RING, -300.0),)))
    oblique = grid()
    assert oblique.affine is not None
    oblique.affine[2, 0] = 0.2
    with pytest.raises(Unsupported, match="axial"):
        one.mask(oblique)
    with pytest.raises(Unsupported, match="place in space"):
        one.mask(Header((20, 30), "uint8", "yx"))
    with pytest.raises(Unsupported, match="radiograph"):
        readings(Nodule("1", (Outline(RING, None),))).mask(grid())


def test_a_stack_that_runs_downwards_is_found_by_z() -> None:
    found = readings(Nodule("1", (Outline(RING, -302.5),))).mask(grid(step=-2.5))
    assert np.flatnonzero(found.any(axis=(0, 1))).tolist() == [1]


def test_radiographs_are_read_without_a_place(tmp_path: Path) -> None:
    text = (
        '<IdriReadMessage xmlns="http://www.nih.gov/idri"><ResponseHeader><CXRSeriesInstanceUid>1.9'
        "</CXRSeriesInstanceUid></ResponseHeader><CXRreadingSession><unblindedRead><noduleID>1</noduleID>"
        "<characteristics><confidence>3</confidence><reason>beyond the heart</reason></characteristics>"
        "<roi><imageSOP_UID>1.8</imageSOP_UID>"
        "<edgeMap><xCoord>5</xCoord><yCoord>6</yCoord></edgeMap></roi></unblindedRead></CXRreadingSession>"
        "</IdriReadMessage>"
    )
    found = read(tmp_path, text)
    assert found.series_uid == "1.9"
    (nodule,) = found.readers[0].nodules
    assert nodule.outlines[0].z_mm is None
    assert nodule.characteristics == {"confidence": 3, "reason": "beyond the heart"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("LidcReadMessage", "LidcReadMassage", "no readings"),
        ("<xCoord>312</xCoord>", "<xCoord>a</xCoord>", "xCoord is not a number"),
        ("<xCoord>312</xCoord>", "<xCoord>312.5</xCoord>", "whole numbers"),
        ("<xCoord>312</xCoord>", "<xCoord>9e9</xCoord>", "whole numbers of a picture"),
        ("<xCoord>312</xCoord>", "", "xCoord is not a number"),
        ("-125.000000 ", "nan", "imageZposition"),
        ("<subtlety>5", "<subtlety>five", "subtlety"),
        ("<locus><xCoord>85</xCoord><yCoord>312</yCoord></locus>", "", "no pixel"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in XML
    with pytest.raises(FormatError, match=said) as caught:
        read(tmp_path, XML.replace(old, new))
    assert "069.xml" in str(caught.value.where)


def test_the_twin_of_lidc_idri_is_drawn_where_its_scan_has_a_cube(tmp_path: Path) -> None:
    medshelf.twin("lidc-idri", tmp_path / "data", cases=1)
    (sample,) = medshelf.open("lidc-idri", tmp_path / "data")
    marks = sample.annotations["marks"].read()
    assert [len(reader.nodules) for reader in marks.readers] == [1, 2]
    header = sample.image.header()
    np.testing.assert_array_equal(marks.mask(header, agreement=2), phantom.one_cell(header.shape, 0) != 0)
    assert sample.annotations["marks"].structures == ("lung/nodule",)
