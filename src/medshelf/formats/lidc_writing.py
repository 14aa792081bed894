"""Writing readings in the XML of LIDC-IDRI, for synthetic twins and for tests."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from medshelf.formats.lidc import Nodule, Outline, Readings
from medshelf.formats.text import write_text


def write_lidc(path: Path | str, readings: Readings) -> None:
    """Write the marks of one CT scan; `medshelf.formats.lidc.read_lidc` reads them back."""
    root = Element("LidcReadMessage", {"xmlns": "http://www.nih.gov"})
    header = SubElement(root, "ResponseHeader")
    _leaf(header, "SeriesInstanceUid", readings.series_uid)
    _leaf(header, "StudyInstanceUID", readings.study_uid)
    for reader in readings.readers:
        session = SubElement(root, "readingSession")
        _leaf(session, "servicingRadiologistID", reader.name)
        for nodule in reader.nodules:
            _nodule(SubElement(session, "unblindedReadNodule"), nodule)
        for nodule in reader.non_nodules:
            element = SubElement(session, "nonNodule")
            _leaf(element, "nonNoduleID", nodule.id)
            _outline(element, nodule.outlines[0], "locus")
    indent(root)
    write_text(path, '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n")


def _nodule(element: Element, nodule: Nodule) -> None:
    _leaf(element, "noduleID", nodule.id)
    if nodule.characteristics:
        scores = SubElement(element, "characteristics")
        for name, value in nodule.characteristics.items():
            _leaf(scores, name, value)
    for outline in nodule.outlines:
        roi = SubElement(element, "roi")
        _leaf(roi, "inclusion", "TRUE" if outline.inclusion else "FALSE")
        _outline(roi, outline, "edgeMap")


def _outline(element: Element, outline: Outline, tag: str) -> None:
    _leaf(element, "imageZposition", outline.z_mm)
    _leaf(element, "imageSOP_UID", outline.sop_uid)
    for x, y in outline.points_xy.tolist():
        pixel = SubElement(element, tag)
        _leaf(pixel, "xCoord", x)
        _leaf(pixel, "yCoord", y)


def _leaf(parent: Element, tag: str, value: object) -> None:
    if value is not None:
        SubElement(parent, tag).text = str(value)
