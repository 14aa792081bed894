"""NRRD images: .nrrd, and .nhdr with data beside it; raw, gzip, bzip2, ASCII and hex.

Axes with a direction in space come first, as ``i j k``, then time (``t``), then components or layers (``c``):
a view, whatever the order in the file. Millimetres and RAS+ whatever the space says. Where the
header has spacings and no space, the frame is what ITK takes: the axes of LPS, the origin from ``axis mins``
or 0; `meta` then says ``affine_from = "spacings"``. Colours, vectors and the layers of a Slicer segmentation
(.seg.nrrd, whose names are among ``meta["keys"]``) are read alike.
"""

from __future__ import annotations

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.nrrd import header as nrrd_header
from medshelf.formats.nrrd.header import MAGIC, Fields
from medshelf.formats.nrrd.payload import voxels
from medshelf.formats.nrrd.writing import write
from medshelf.formats.payload import as_array, first_bytes
from medshelf.model import geometry
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "read", "read_header", "write"]

NAME = "nrrd"
SUFFIXES = (".nrrd", ".nhdr")

_SPATIAL = {"domain", "space", "???", ""}


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a NRRD header."""
    return head.startswith(MAGIC)


def read_header(blob: Blob) -> Header:
    """Read shape, type, place and facts.

    Raises
    ------
    FormatError
        Not a NRRD file, a damaged one, or one of a kind that is not read.
    """
    return _header(_fields(blob))


def _header(fields: Fields) -> Header:
    order, axes = _axes(fields)
    sizes = nrrd_header.sizes_of(fields)
    affine, spacing, source = _place(fields, order, axes)
    meta = {
        "format": fields.version,
        "affine_from": source,
        "encoding": nrrd_header.encoding_of(fields),
        "space": fields.values.get("space"),
        "measurement_frame": fields.values.get("measurementframe"),
        "content": fields.values.get("content"),
        "keys": fields.keys,
    }
    shape = tuple(sizes[n] for n in order)
    return Header(shape, nrrd_header.type_of(fields).newbyteorder("=").name, axes, affine, spacing, meta)


def read(blob: Blob) -> Volume:
    """Read an image.

    Returns
    -------
    Volume
        Its array is (I, J, K[, T][, C]), a view of the voxels in the order of the file.

    Raises
    ------
    Truncated
        The data ends before its voxels do; `why` has the numbers.
    FormatError
        Not a NRRD file, a damaged one, or one of a kind that is not read.
    AccessError
        A data file can't be opened.
    """
    fields = _fields(blob)
    header = _header(fields)
    dtype = nrrd_header.type_of(fields)
    sizes = nrrd_header.sizes_of(fields)
    notes: list[str] = []
    array = as_array(voxels(fields, blob, sizes, dtype, notes), tuple(sizes), dtype)
    order, _ = _axes(fields)
    meta = {**header.meta, "notes": tuple(notes)} if notes else header.meta
    return Volume(array.transpose(order), header.axes, header.affine, header.spacing_mm, meta)


def _fields(blob: Blob) -> Fields:
    first_bytes(blob)
    with blob.open() as stream:
        text, end = nrrd_header.read_text(stream, blob.name)
    return nrrd_header.parse(text, end, blob.name)


def _axes(fields: Fields) -> tuple[list[int], str]:
    """The file's axes in the order in which they are given, and a letter for each."""
    count = len(nrrd_header.sizes_of(fields))
    directions = nrrd_header.vectors(fields, "spacedirections")
    kinds = [kind.lower() for kind in fields.words("kinds")]
    if directions and len(directions) != count:
        raise fields.wrong("spacedirections")
    if kinds and len(kinds) != count:
        raise fields.wrong("kinds")
    kinds = kinds or [""] * count
    spatial, time, channel = [], [], []
    for n, kind in enumerate(kinds):
        way = directions[n] if directions else None
        plain = not directions and kind in _SPATIAL
        if (way is not None and any(way[:3])) or (plain and len(spatial) < 3):
            spatial.append(n)
        elif way is not None and len(way) != 4:
            raise fields.wrong("spacedirections", "a direction is zero")
        elif way is not None or kind == "time" or plain:
            time.append(n)
        else:
            channel.append(n)
    if not 1 <= len(spatial) <= 3 or len(time) > 1 or len(channel) > 1:
        raise Unsupported(
            "a NRRD file with such axes is not read",
            where=fields.name,
            why=f"{len(spatial)} axes of space, {len(time)} of time, {len(channel)} of components",
        )
    return [*spatial, *time, *channel], "ijk"[: len(spatial)] + "t" * len(time) + "c" * len(channel)


def _place(
    fields: Fields, order: list[int], axes: str
) -> tuple[np.ndarray | None, tuple[float, ...] | None, str | None]:
    """The affine in RAS+ mm, the spacing in mm, and which field gave them."""
    count = sum(letter in "ijk" for letter in axes)
    directions = nrrd_header.vectors(fields, "spacedirections")
    if directions:
        columns = [(directions[n] or [])[:3] for n in order[:count]]
        if any(len(column) != len(columns[0]) for column in columns) or not 1 < len(columns[0]) < 4:
            raise fields.wrong("spacedirections")
        if count > len(columns[0]):
            raise fields.wrong("spacedirections")
        factors = nrrd_header.to_ras_mm(fields)
        lengths = tuple(float(np.linalg.norm(column * np.abs(factors)[: len(column)])) for column in columns)
        if len(columns[0]) == 2:
            return None, lengths, "space directions"
        return _affine(fields, columns, factors), lengths, "space directions"
    spacings = nrrd_header.floats(fields, "spacings", len(order))
    chosen = tuple(spacings[n] for n in order[:count])
    if count < 3 or not np.isfinite(chosen).all():
        return None, (chosen if np.isfinite(chosen).all() else None), None
    lowest = np.array(nrrd_header.floats(fields, "axismins", len(order)))[order[:3]]
    nodes = np.array([*fields.words("centerings"), *["cell"] * len(order)])[order[:3]] == "node"
    origin = np.nan_to_num(np.where(nodes, lowest, lowest + np.array(chosen) / 2))
    affine = np.diag([*chosen, 1.0])
    affine[:3, 3] = origin
    return geometry.lps_to_ras(affine), tuple(abs(x) for x in chosen), "spacings"


def _affine(fields: Fields, columns: list[list[float]], factors: np.ndarray) -> np.ndarray:
    """The affine of directions in a space of three dimensions; a flat image gets a third axis of 1 mm."""
    affine = np.eye(4)
    affine[:3, : len(columns)] = np.array(columns).T * factors[:, None]
    if len(columns) == 2:
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = normal / (np.linalg.norm(normal) or 1.0)
    origin = nrrd_header.vectors(fields, "spaceorigin")
    if "spaceorigin" in fields.values:
        if len(origin) != 1 or origin[0] is None or len(origin[0]) < 3:
            raise fields.wrong("spaceorigin")
        affine[:3, 3] = np.array(origin[0][:3]) * factors
    return affine
