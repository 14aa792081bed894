"""Headers that the fast walk can't follow, read with pydicom: the same result, about thirty times slower."""

from __future__ import annotations

from typing import Any

from medshelf.errors import FormatError, MedshelfError
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.bytes import Source
from medshelf.formats.dicom.header import FileHeader, find_pixels, quietly
from medshelf.formats.dicom.walk import UNDEFINED, Cursor, Place
from medshelf.model.blob import Blob


def read_with_pydicom(blob: Blob, source: Source) -> FileHeader:
    """Read the wanted attributes of an unusual file.

    Raises
    ------
    FormatError
        When pydicom can't read it either.
    """
    import pydicom

    with quietly(), blob.open() as stream:
        try:
            found = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
            values, places = _raw_values(found), _places(found)
            place = stream.tell()
        except MedshelfError:
            raise
        except Exception as error:  # bytes that are wrong in any way end here, whatever pydicom raises
            raise _damaged(blob, f"{type(error).__name__}: {error}") from error
    explicit, little = found.original_encoding[0] is False, found.original_encoding[1] is not False
    syntax = str(found.file_meta.get("TransferSyntaxUID", "")) if hasattr(found, "file_meta") else ""
    if not values or syntax == "1.2.840.10008.1.2.1.99":
        raise _damaged(blob, "no attribute of an image can be made out")
    cursor = Cursor(source, blob.name)
    cursor.move(min(place, source.size_bytes))
    return FileHeader(blob, values, syntax, little, find_pixels(cursor, explicit, little), 0, places)


def _damaged(blob: Blob, why: str) -> FormatError:
    what = "the DICOM header is damaged"
    return FormatError(what, where=blob.name, why=why[:200], hint="Fetch the file again")


def _raw_values(found: Any) -> dict[int, bytes]:
    """Return the wanted attributes as they are encoded, without those that pydicom can't make out."""
    values: dict[int, bytes] = {}
    parts: list[Any] = [found, *([found.file_meta] if hasattr(found, "file_meta") else [])]
    for part in parts:
        for tag in tags.WANTED - tags.SEQUENCES:
            try:
                raw = part.get_item(tag).value if tag in part else None
            except NotImplementedError:
                continue  # pydicom knows no such value representation; a required attribute is missed by the caller
            if isinstance(raw, str):
                raw = raw.encode("ascii", "replace")
            if isinstance(raw, bytes) and raw:
                values[tag] = raw
    return values


def _places(found: Any) -> dict[int, Place]:
    """Return where the sequences are; pydicom has parsed those of undefined length, and left the others raw."""
    explicit = found.original_encoding[0] is False
    places: dict[int, Place] = {}
    for tag in tags.SEQUENCES:
        if tag in found:
            element = found.get_item(tag)
            inside = explicit and getattr(element, "VR", "SQ") != "UN"
            if hasattr(element, "value_tell"):
                places[tag] = (element.value_tell, element.length, inside)
            else:
                places[tag] = (element.file_tell, UNDEFINED, inside)
    return places
