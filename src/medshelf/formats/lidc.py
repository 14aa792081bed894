"""Readings of LIDC-IDRI: what up to four readers marked in one CT scan, or one chest radiograph.

The XML is that of the LIDC project (root ``LidcReadMessage``; ``IdriReadMessage`` for radiographs). Its
rules, as the documentation of the collection gives them (The Cancer Imaging Archive, LIDC-IDRI, "Radiologist
Annotations", and S. G. Armato et al., Med. Phys. 38, 915, 2011):

* every ``readingSession`` is one reader, who saw the marks of the others and then decided alone; the marks of
  different readers are not joined, and number n of one file is not the same person as number n of another;
* a nodule of 3 mm and more has an outline on each slice that it meets, and scores; the pixels of the outline lie
  *just outside* the nodule;
* an outline with ``inclusion`` FALSE is a hole: what it encloses is no part of the nodule;
* a nodule below 3 mm is one point, and has no scores; a non-nodule of 3 mm and more is one point as well;
* scores of lobulation and spiculation are of no trust in about 100 of the first 399 scans, where readers used the
  scale both ways (the same page, "Annotation and Markup Issues").

x and y are column and row of the slice from 0, as pylidc (https://github.com/notmatthancock/pylidc, Annotation.py)
takes them. Its masks follow the same rules; they differ where the outlines of one nodule cross, from which pylidc
takes all pixels of all outlines away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats import markup
from medshelf.formats.polygon import enclosed
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

LIMIT_BYTES = 2**26
"""Largest file that is read (64 MiB); those of the collection are below one."""
MOST_READERS = 255

_ROOTS = ("LidcReadMessage", "IdriReadMessage")
_SESSIONS = ("readingSession", "CXRreadingSession")
_NODULES = ("unblindedReadNodule", "unblindedRead")
_SCORES = (
    "subtlety", "internalStructure", "calcification", "sphericity", "margin", "lobulation", "spiculation", "texture",
    "malignancy",
)  # fmt: skip
_FARTHEST_PIXEL = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One outline, or one point, on one slice (``roi``)."""

    points_xy: np.ndarray
    """(N, 2) int64: column and row of each pixel, from 0, in the order of drawing, as stored."""
    z_mm: float | None
    """``imageZposition``: z of the slice in the patient system of DICOM; None in radiographs."""
    sop_uid: str | None = None
    """SOP instance UID of the slice."""
    inclusion: bool = True
    """False: what it encloses is cut out."""


@dataclass(frozen=True, slots=True, eq=False)
class Nodule:
    """What one reader holds to be one nodule."""

    id: str
    """As this reader's session numbers it; other readers call the same nodule otherwise."""
    outlines: tuple[Outline, ...]
    characteristics: Mapping[str, int | str] = field(default_factory=dict)
    """Scores by name (subtlety, malignancy ... 1 to 5 or 6); empty for nodules below 3 mm. What a reader of a
    radiograph wrote in words stays text."""

    @property
    def is_small(self) -> bool:
        """True for a nodule below 3 mm: its one outline is one point."""
        return len(self.outlines) == 1 and len(self.outlines[0].points_xy) == 1


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """The marks of one reader (``readingSession``)."""

    name: str
    """``servicingRadiologistID``: anonymous in the public files."""
    nodules: tuple[Nodule, ...] = ()
    non_nodules: tuple[Nodule, ...] = ()
    """Findings of 3 mm and more that this reader holds to be no nodules: one point each."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """All readers of one scan."""

    readers: tuple[Reader, ...]
    series_uid: str | None = None
    study_uid: str | None = None

    def mask(self, grid: Header | Volume, *, agreement: int = 1, reader: int | None = None) -> np.ndarray:
        """Draw the nodules of 3 mm and more on the grid of the scan.

        Of one reader a voxel is nodule when it lies within an outline of one of the nodules, the pixels of
        that outline left out, and not within a hole of the same nodule, whose pixels are left out too. Points
        (nodules below 3 mm, non-nodules) have no area and are not drawn.

        Parameters
        ----------
        grid : Header or Volume
            The CT: shape and affine, slices across the body's axis, as `medshelf.formats.dicom` reads it.
        agreement : int
            Number of readers who must agree on a voxel: 1 is the union of all, ``len(readers)`` what all share.
        reader : int, optional
            Draw one reader only, by place from 0.

        Returns
        -------
        (I, J, K) bool array

        Raises
        ------
        FormatError
            An outline lies on none of the slices.
        Unsupported
            The grid has no place in space or is not axial, or the marks belong to a radiograph.
        """
        _check_axial(grid)
        shape = (grid.shape[0], grid.shape[1], grid.shape[2])
        votes = np.zeros(shape, np.uint8)
        for one in self.readers if reader is None else (self.readers[reader],):
            drawn = np.zeros(shape, bool)
            for nodule in one.nodules:
                if not nodule.is_small:
                    _draw(nodule, grid, drawn)
            votes += drawn
        return votes >= agreement


def _draw(nodule: Nodule, grid: Header | Volume, drawn: np.ndarray) -> None:
    """Add one nodule to the mask of its reader."""
    slices: dict[int, list[Outline]] = {}
    for outline in nodule.outlines:
        slices.setdefault(_slice_of(outline, grid), []).append(outline)
    for k, outlines in slices.items():
        rows_columns = (drawn.shape[1], drawn.shape[0])
        inside = np.zeros(rows_columns, bool)
        for outline in (o for o in outlines if o.inclusion):
            inside |= enclosed(outline.points_xy, rows_columns, with_edge=False)
        for outline in (o for o in outlines if not o.inclusion):
            inside &= ~enclosed(outline.points_xy, rows_columns, with_edge=True)
        drawn[:, :, k] |= inside.T


def _check_axial(grid: Header | Volume) -> None:
    affine = grid.affine
    if affine is None or grid.axes[:3] != "ijk":
        raise Unsupported("marks can only be drawn on a volume with a place in space", why=f"axes {grid.axes}")
    if affine[2, 2] == 0 or abs(affine[2, :2]).max() > 1e-3 * abs(affine[2, 2]):
        raise Unsupported("marks can only be drawn on axial slices", why=f"z changes by {affine[2, :3].tolist()}")


def _slice_of(outline: Outline, grid: Header | Volume) -> int:
    """Number of the slice that an outline lies on, by its z (the same in LPS and RAS)."""
    if outline.z_mm is None:
        raise Unsupported("marks of a radiograph can't be drawn on a volume")
    assert grid.affine is not None
    place = (outline.z_mm - float(grid.affine[2, 3])) / float(grid.affine[2, 2])
    k = round(place)
    if not 0 <= k < grid.shape[2] or abs(place - k) > 0.25:
        raise FormatError(
            "an outline lies on none of the slices",
            why=f"z {outline.z_mm} mm is slice {place:.2f} of {grid.shape[2]}",
            hint="Check that scan and marks belong together",
        )
    return k


def read_lidc(blob: Blob) -> Readings:
    """Read the marks of one scan.

    Parameters
    ----------
    blob : Blob
        XML whose root is ``LidcReadMessage`` (CT) or ``IdriReadMessage`` (radiographs).

    Returns
    -------
    Readings
        One `Reader` for each session, in the order of the file, also those who marked nothing.

    Raises
    ------
    FormatError
        Not XML, another root, or a coordinate or score that is no number.
    """
    root = markup.parse(blob, limit_bytes=LIMIT_BYTES)
    if markup.local_name(root) not in _ROOTS:
        raise FormatError(
            "this XML holds no readings of LIDC-IDRI", where=blob.name, why=f"its root is <{markup.local_name(root)}>"
        )
    header = next(iter(markup.children(root, "ResponseHeader")), None)
    sessions = list(markup.children(root, *_SESSIONS))
    if len(sessions) > MOST_READERS:
        raise Unsupported("too many readers", where=blob.name, why=f"{len(sessions)}, limit {MOST_READERS}")
    return Readings(
        tuple(_reader(session, n, blob.name) for n, session in enumerate(sessions, 1)),
        markup.text_of(header, "SeriesInstanceUid", "CXRSeriesInstanceUid"),
        markup.text_of(header, "StudyInstanceUID"),
    )


def _reader(session: Element, number: int, where: str) -> Reader:
    place = f"{where}, reader {number}"
    nodules = [
        Nodule(
            markup.text_of(one, "noduleID") or str(n),
            tuple(_outlines(one, f"{place}, nodule {n}")),
            _scores(one, f"{place}, nodule {n}"),
        )
        for n, one in enumerate(markup.children(session, *_NODULES), 1)
    ]
    others = [
        Nodule(markup.text_of(one, "nonNoduleID") or str(n), (_point(one, f"{place}, non-nodule {n}"),))
        for n, one in enumerate(markup.children(session, "nonNodule"), 1)
    ]
    return Reader(markup.text_of(session, "servicingRadiologistID") or "", tuple(nodules), tuple(others))


def _outlines(nodule: Element, where: str) -> Iterator[Outline]:
    for roi in markup.children(nodule, "roi"):
        points = [_pixel(edge, where) for edge in markup.children(roi, "edgeMap")]
        yield _outline(roi, points, where)


def _point(element: Element, where: str) -> Outline:
    return _outline(element, [_pixel(locus, where) for locus in markup.children(element, "locus")], where)


def _outline(element: Element, points: list[tuple[int, int]], where: str) -> Outline:
    if not points:
        raise FormatError("a mark has no pixel", where=where)
    z = markup.text_of(element, "imageZposition")
    return Outline(
        np.array(points, np.int64),
        None if z is None else markup.as_number(z, "imageZposition", where),
        markup.text_of(element, "imageSOP_UID"),
        (markup.text_of(element, "inclusion") or "TRUE").upper() != "FALSE",
    )


def _pixel(element: Element, where: str) -> tuple[int, int]:
    x, y = (markup.as_number(markup.text_of(element, f"{a}Coord"), f"{a}Coord", where) for a in "xy")
    if max(abs(x), abs(y)) > _FARTHEST_PIXEL or x != int(x) or y != int(y):
        raise FormatError("a pixel is no pair of whole numbers of a picture", where=where, why=f"{x:g}, {y:g}")
    return int(x), int(y)


def _scores(nodule: Element, where: str) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for group in markup.children(nodule, "characteristics"):
        for score in group:
            name, text = markup.local_name(score), (score.text or "").strip()
            if text and name in _SCORES:
                found[name] = int(markup.as_number(text, name, where))
            elif text:
                found[name] = int(text) if text in tuple("0123456789") else text
    return found
