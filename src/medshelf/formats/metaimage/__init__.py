"""MetaImage: .mha, and .mhd with .raw, .zraw or a list of files beside it.

The array is a view of the voxels in the order of the file: (I, J, K[, T][, C]), channels last, whatever their
place in the file. The frame is ITK's LPS, given here as RAS+ mm. A picture of two axes has
spacing and no affine.
"""

from __future__ import annotations

import numpy as np

from medshelf.formats.metaimage import header as metaimage_header
from medshelf.formats.metaimage.header import Fields
from medshelf.formats.metaimage.payload import voxels
from medshelf.formats.metaimage.writing import write
from medshelf.formats.payload import as_array, first_bytes
from medshelf.model import geometry
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "read", "read_header", "write"]

NAME = "metaimage"
SUFFIXES = (".mha", ".mhd")


def matches(head: bytes) -> bool:
    """Tell whether these are the first bytes of a MetaImage header."""
    return metaimage_header.looks_like(head)


def read_header(blob: Blob) -> Header:
    """Read shape, type, place and facts.

    Raises
    ------
    FormatError
        Not a MetaImage, a damaged one, or one of a kind that is not read.
    """
    return _header(_fields(blob))


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
        Not a MetaImage, a damaged one, or one of a kind that is not read.
    AccessError
        A data file can't be opened.
    """
    fields = _fields(blob)
    header = _header(fields)
    dtype = metaimage_header.type_of(fields)
    channels = metaimage_header.channels_of(fields)
    stored = [channels, *metaimage_header.sizes_of(fields)]
    notes: list[str] = []
    array = as_array(voxels(fields, blob, stored, dtype, notes), tuple(stored), dtype)
    array = array[0] if channels == 1 else np.moveaxis(array, 0, -1)
    meta = {**header.meta, "notes": tuple(notes)} if notes else header.meta
    return Volume(array, header.axes, header.affine, header.spacing_mm, meta)


def _fields(blob: Blob) -> Fields:
    first_bytes(blob)
    with blob.open() as stream:
        return metaimage_header.parse(stream, blob.name)


def _header(fields: Fields) -> Header:
    sizes = metaimage_header.sizes_of(fields)
    channels = metaimage_header.channels_of(fields)
    affine = geometry.lps_to_ras(metaimage_header.affine_lps_mm(fields, len(sizes)))
    axes, shape = "ijkt"[: len(sizes)], tuple(sizes)
    if channels > 1:
        axes, shape = axes + "c", (*shape, channels)
    turned = fields.get("TransformMatrix", "Rotation", "Orientation") is not None
    meta = {
        "format": "metaimage",
        "affine_from": "TransformMatrix" if turned else "spacings",
        "anatomical_orientation": fields.get("AnatomicalOrientation"),
        "modality": fields.get("Modality"),
        "fields": dict(fields.values),
    }
    dtype = metaimage_header.type_of(fields).newbyteorder("=")
    spacing = geometry.spacing_mm(affine)[: len(sizes)]
    return Header(shape, dtype.name, axes, affine if len(sizes) > 2 else None, spacing, meta)
