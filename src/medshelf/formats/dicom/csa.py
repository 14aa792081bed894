"""The CSA header of Siemens: a private table of named values inside a DICOM attribute.

There are two layouts, both little endian. The newer one begins with ``SV10`` and four unused bytes; then both
have the number of tags and the number 77. A tag is a name of 64 bytes, a multiplicity, a representation of 4
bytes, two numbers and the number of items (after which another number follows); an item is four numbers and its
text, padded to a multiple of four. The second of the four numbers is the length of the text in the newer layout;
in the older one it is the first less the number of items of the very first tag. Siemens documents none of this;
the description is that of nibabel (``doc/source/dicom/siemens_csa.rst``), which goes back to SPM.
"""

from __future__ import annotations

import re
from math import isqrt
from struct import Struct

from medshelf.errors import FormatError, Truncated
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.header import FileHeader

_MAGIC = b"SV10"
_CREATOR = b"SIEMENS CSA HEADER"
_TAG = Struct("<64si4siii")
_ITEM = Struct("<4i")
_MOST_TAGS = 1000

Csa = dict[str, tuple[str, ...]]
"""The values of each tag by its name; a tag without values is there, with none."""


def csa_bytes(header: FileHeader) -> bytes:
    """Return the CSA image header of a file, empty where there is none."""
    for creator, place in zip(tags.CSA_CREATORS, tags.CSA_HEADERS, strict=True):
        found = header.values.get(place, b"")
        if header.values.get(creator, b"").strip(b" \0") == _CREATOR or found.startswith(_MAGIC):
            return found
    return b""


def tells_of_mosaic(header: FileHeader) -> bool:
    """Return whether the CSA header makes a mosaic of an image that ImageType does not call one.

    It must give several images, and tiles that are no smaller than what was acquired: whoever cuts a mosaic
    up and keeps the header leaves single slices that tell of several images too.
    """
    data = csa_bytes(header)
    if b"NumberOfImagesInMosaic" not in data:
        return False
    try:
        csa = read_csa(data, header.blob.name)
        count = int(csa["NumberOfImagesInMosaic"][0])
        acquired = min(map(int, re.findall(r"\d+", csa["AcquisitionMatrixText"][0])[:2]))
    except (FormatError, LookupError, ValueError):
        return False  # what is damaged or missing beside the image is no reason to refuse it
    side = isqrt(count - 1) + 1 if count > 1 else 1
    return side > 1 and all(n % side == 0 and n // side >= acquired for n in _size(header))


def _size(header: FileHeader) -> tuple[int, int]:
    return header.short(tags.ROWS), header.short(tags.COLUMNS)


def read_csa(data: bytes, where: str) -> Csa:
    """Read a CSA header.

    Parameters
    ----------
    data : bytes
        Value of the attribute.
    where : str
        What to name in an error.

    Raises
    ------
    FormatError, Truncated
        The table is damaged or cut.
    """
    newer = data.startswith(_MAGIC)
    place = 8 if newer else 0
    count = int.from_bytes(data[place : place + 4], "little")
    if not 0 < count <= _MOST_TAGS:
        raise FormatError("the CSA header is damaged", where=where, why=f"{count} tags, at most {_MOST_TAGS}")
    place += 8
    found: Csa = {}
    base = 0
    for n in range(count):
        if place + _TAG.size + 4 > len(data):
            raise _cut(where, n, count)
        name, multiplicity, _, _, items, _ = _TAG.unpack_from(data, place)
        place += _TAG.size
        base = items if n == 0 else base
        values, place = _values(data, place, items, None if newer else base, where)
        wanted = multiplicity if multiplicity > 0 else len(values)
        kept = values[:wanted]
        found[_text(name)] = tuple(kept[: kept.index("")] if "" in kept else kept)
    return found


def _values(
    data: bytes, place: int, count: int, base: int | None, where: str
) -> tuple[list[str], int]:
    """The texts of a tag's items, and the place behind them; `base` is None in the newer layout."""
    found: list[str] = []
    for _ in range(count):
        if place + _ITEM.size > len(data):
            raise _cut(where, len(found), count)
        first, second, _, _ = _ITEM.unpack_from(data, place)
        place += _ITEM.size
        length = second if base is None else first - base
        if length < 0 or place + length > len(data):
            if base is not None:
                break  # as the scanners of that time wrote it: nothing more in this tag
            raise _cut(where, len(found), count)
        found.append(_text(data[place : place + length]))
        place += length + -length % 4
    return found, place


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("latin-1").strip()


def _cut(where: str, done: int, count: int) -> Truncated:
    return Truncated("the CSA header ends early", where=where, why=f"after {done} of {count} entries")
