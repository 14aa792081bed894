"""Outlines drawn on slides: XML of Aperio ImageScope and of ASAP.

Coordinates are in pixels of level 0 of the slide, x to the right and y down, measured from the top left
corner, with fractions; the files hold no other frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from medshelf.errors import FormatError
from medshelf.formats import markup
from medshelf.formats.text import write_text
from medshelf.model.blob import Blob


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One outline."""

    label: str | None
    """What the file calls it; None where it says nothing."""
    points_xy: np.ndarray
    """(N, 2) float64: x, y of each vertex in pixels of level 0, in the order of drawing, not closed."""
    kind: str = "polygon"
    """``polygon``, ``rectangle``, ``ellipse`` (vertices bound it), ``points``, ``line`` ..."""
    hole: bool = False
    """Whether it takes area away (``NegativeROA`` of Aperio)."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attributes of its XML element, and its layer's name as ``layer``."""


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """All outlines of one slide."""

    contours: tuple[Contour, ...]
    mpp: float | None = None
    """Micrometres a pixel of level 0, where the file says."""
    vendor: str = "aperio"

    def __len__(self) -> int:
        return len(self.contours)

    def __iter__(self) -> Iterator[Contour]:
        return iter(self.contours)


_KINDS = {"0": "polygon", "1": "rectangle", "2": "ellipse", "3": "arrow", "4": "ruler"}
"""``Type`` of a Region in ImageScope files."""


def read_contours(blob: Blob) -> Contours:
    """Read the outlines of an Aperio or ASAP file.

    Parameters
    ----------
    blob : Blob
        XML whose root is ``<Annotations>`` (Aperio) or ``<ASAP_Annotations>``.

    Returns
    -------
    Contours
        The label of an Aperio region is its ``Text``; else the name of its layer. That of an ASAP
        annotation is its group; else its name.

    Raises
    ------
    FormatError
        Not XML, another root, or a vertex whose coordinates are no numbers.
    """
    root = markup.parse(blob)
    if root.tag == "Annotations":
        return _aperio(root, blob.name)
    if root.tag == "ASAP_Annotations":
        return _asap(root, blob.name)
    raise FormatError(
        "this XML holds no outlines of Aperio or ASAP", where=blob.name, why=f"its root is <{root.tag}>"
    )


def _aperio(root: ElementTree.Element, where: str) -> Contours:
    contours: list[Contour] = []
    for layer in root.iter("Annotation"):
        name = _layer_name(layer)
        for region in layer.iter("Region"):
            place = f"{where}, region {region.get('Id', '?')}"
            points = _points(region.iter("Vertex"), place)
            kind = region.get("Type", "0")
            attributes = {**region.attrib, **({"layer": name} if name else {})}
            contours.append(
                Contour(
                    label=_said(region.get("Text")) or name,
                    points_xy=points,
                    kind=_KINDS.get(kind, f"type {kind}"),
                    hole=region.get("NegativeROA") == "1",
                    attributes=attributes,
                )
            )
    mpp = root.get("MicronsPerPixel")
    return Contours(tuple(contours), markup.as_number(mpp, "MicronsPerPixel", where) if mpp else None)


def _layer_name(layer: ElementTree.Element) -> str | None:
    """Name of a layer: its ``Name``; else value or name of an attribute below it, as MoNuSAC has them.

    ``Description`` is what ImageScope calls the field of each layer, so it names nothing.
    """
    said = [_said(layer.get("Name"))]
    for attribute in layer.findall("Attributes/Attribute"):
        name = _said(attribute.get("Name"))
        said += [_said(attribute.get("Value")), None if name == "Description" else name]
    return next((name for name in said if name), None)


def _said(text: str | None) -> str | None:
    """The text, or None where it says nothing."""
    stripped = (text or "").strip()
    return stripped if stripped and stripped.lower() != "none" else None


def _points(vertices: Iterator[ElementTree.Element], where: str) -> np.ndarray:
    pairs = [(vertex.get("X"), vertex.get("Y")) for vertex in vertices]
    try:
        points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise FormatError("a vertex is no pair of numbers", where=where, why=str(error)) from error
    if not np.isfinite(points).all():
        raise FormatError("a vertex is not finite or lacks X or Y", where=where)
    return points


def _asap(root: ElementTree.Element, where: str) -> Contours:
    contours = []
    for element in root.iter("Annotation"):
        place = f"{where}, annotation {element.get('Name', '?')}"
        vertices = sorted(element.iter("Coordinate"), key=lambda one: _order(one, place))
        kind = element.get("Type", "Polygon").lower()
        contours.append(
            Contour(
                label=_said(element.get("PartOfGroup")) or _said(element.get("Name")),
                points_xy=_points(iter(vertices), place),
                kind={"spline": "polygon", "dot": "points", "pointset": "points"}.get(kind, kind),
                attributes=dict(element.attrib),
            )
        )
    return Contours(tuple(contours), vendor="asap")


def _order(coordinate: ElementTree.Element, where: str) -> float:
    return markup.as_number(coordinate.get("Order", "0"), "the order of a vertex", where)


def write_contours(path: Path | str, contours: Contours) -> None:
    """Write outlines as Aperio ImageScope does, one layer a label; `read_contours` reads them back.

    Parameters
    ----------
    path : Path or str
        The file.
    contours : Contours
        Labels become the ``Text`` of regions.
    """
    said = {"MicronsPerPixel": f"{contours.mpp:.10g}"} if contours.mpp else {}
    root = ElementTree.Element("Annotations", said)
    layers: dict[str | None, ElementTree.Element] = {}
    types = {kind: number for number, kind in _KINDS.items()}
    for number, contour in enumerate(contours, start=1):
        if contour.label not in layers:
            layer = ElementTree.SubElement(
                root, "Annotation", {"Id": str(len(layers) + 1), "Name": contour.label or "", "Type": "4"}
            )
            layers[contour.label] = ElementTree.SubElement(layer, "Regions")
        facts = {
            "Id": str(number),
            "Type": types.get(contour.kind, "0"),
            "Text": contour.label or "",
            "NegativeROA": "1" if contour.hole else "0",
        }
        region = ElementTree.SubElement(layers[contour.label], "Region", facts)
        vertices = ElementTree.SubElement(region, "Vertices")
        for x, y in contour.points_xy:
            ElementTree.SubElement(vertices, "Vertex", {"X": f"{x:.10g}", "Y": f"{y:.10g}", "Z": "0"})
    ElementTree.indent(root)
    write_text(
        path, '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"
    )
