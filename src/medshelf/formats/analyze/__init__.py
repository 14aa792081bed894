"""Analyze 7.5 images: .hdr with .img, either compressed, either opened by the user.

The array is a view of the file's bytes in its own type: Fortran order, axes ``ijk``, ``ijkt`` or the beginning of
these. RGB gets a last axis ``c``. A scale of SPM99 is applied, to float32 where that holds every stored value, else
to float64. The byte order is that in which the header's first number is 348.

Analyze says nothing reliable of orientation: an image has spacing, and an affine only where SPM left one, in a .mat
file beside it or as origin in the header (``meta["affine_from"]``). See `medshelf.formats.analyze.place`.

A pair whose header holds a NIfTI magic string is NIfTI, see `medshelf.formats.nifti`.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from medshelf.errors import Unsupported
from medshelf.formats.analyze import header as analyze_header
from medshelf.formats.analyze import place as analyze_place
from medshelf.formats.inflate import GZIP_MAGIC, inflate_gzip, inflate_start
from medshelf.formats.pair import beside, exists, header_of, partner
from medshelf.formats.payload import as_array, first_bytes, in_file_order, stored, whole
from medshelf.formats.scaling import scaled, scaled_type
from medshelf.model import geometry
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "read", "read_header", "write"]

NAME = "analyze"
SUFFIXES = (".hdr.gz", ".img.gz", ".hdr", ".img")

_CODES = {name: code for code, name in reversed(analyze_header.TYPES.items()) if code != analyze_header.RGB}


def matches(head: bytes) -> bool:
    """Tell whether the first bytes are those of an Analyze header, compressed or not."""
    if head.startswith(GZIP_MAGIC):
        try:
            head = zlib.decompressobj(31).decompress(head, analyze_header.SIZE_BYTES)
        except zlib.error:
            return False
    return analyze_header.matches(head)


def read_header(blob: Blob) -> Header:
    """Read shape, type, spacing and what SPM says of the place.

    Raises
    ------
    FormatError
        Not an Analyze header, or one of a kind that is not read.
    NotFound
        There is no header beside the .img.
    """
    return _Image(blob).header()


def read(blob: Blob) -> Volume:
    """Read an image.

    Parameters
    ----------
    blob : Blob
        The .hdr or the .img.

    Returns
    -------
    Volume
        Its array is (I, J, K[, T][, C]) in Fortran order and the machine's byte order.

    Raises
    ------
    Truncated
        The .img ends before its voxels do; `why` has the numbers.
    FormatError
        Not an Analyze image, a damaged one, or one of a kind that is not read.
    NotFound
        The other of the pair is not there.
    """
    image = _Image(blob)
    header = image.header()
    return Volume(image.voxels(), header.axes, header.affine, header.spacing_mm, header.meta)


class _Image:
    """An image whose header is parsed."""

    def __init__(self, blob: Blob) -> None:
        self.blob = header_of(blob)
        self.name = self.blob.name
        head = first_bytes(self.blob, 512)
        if head.startswith(GZIP_MAGIC):
            with self.blob.open() as stream:
                head = inflate_start(stream, analyze_header.SIZE_BYTES, self.name)
        self.fields, order = analyze_header.parse(head, self.name)
        self.order = order
        self.shape = analyze_header.shape_of(self.fields, self.name)
        self.type = analyze_header.type_of(self.fields, order, self.name)
        self.scale = analyze_header.scale_of(self.fields)
        self.colour = int(self.fields["datatype"]) == analyze_header.RGB

    def header(self) -> Header:
        """What header and .mat file say."""
        spacing = analyze_header.spacing_of(self.fields, len(self.shape))
        affine, source, notes = self._placed(spacing)
        if affine is not None:
            spacing = geometry.spacing_mm(affine)
        kind = self.type.newbyteorder("=") if self.scale is None else scaled_type(self.type)
        meta: dict[str, Any] = {"format": "analyze", "byte_order": self.order, "stored_dtype": self.type.name}
        meta["description"] = bytes(self.fields["descrip"]).decode("latin-1")
        meta["orient"] = int(self.fields["orient"])
        meta["affine_from"] = source
        if self.scale is not None:
            meta["scale"] = self.scale
        if notes:
            meta["notes"] = notes
        shape = (*self.shape, 3) if self.colour else self.shape
        return Header(shape, kind.name, "ijkt"[: len(self.shape)] + "c" * self.colour, affine, spacing, meta)

    def _placed(self, spacing: tuple[float, ...]) -> tuple[np.ndarray | None, str | None, tuple[str, ...]]:
        """Affine, where it comes from, and notes."""
        note = ""
        sidecar = beside(self.blob, ".mat")
        if len(self.shape) >= 3 and exists(sidecar):
            affine, note = analyze_place.from_mat(sidecar)
            if affine is not None:
                return affine, "mat", (note,) if note else ()
        notes = (note,) if note else ()
        affine = analyze_place.from_origin(self.fields, self.shape, spacing)
        if affine is None:
            return None, None, notes
        return affine, "origin", (*notes, analyze_place.LEFT_ASSUMED)

    def voxels(self) -> np.ndarray:
        """The array."""
        blob = partner(self.blob, ".img")
        offset = float(self.fields["vox_offset"])
        start = int(offset) if 0 < offset < 2**62 else 0  # a negative one pads volumes apart, and nobody writes it
        shape = (3, *self.shape) if self.colour else self.shape
        size = math.prod(shape) * self.type.itemsize
        if first_bytes(blob).startswith(GZIP_MAGIC):
            raw = inflate_gzip(whole(blob), start + size, blob.name, lead=start).data[start:]
        else:
            raw = stored(blob, start, size)
        array = as_array(raw, shape, self.type)
        if self.scale is not None:
            return scaled(array, self.scale, 0.0, scaled_type(self.type), self.name)
        return np.moveaxis(array, 0, -1) if self.colour else array


def write(path: Path | str, volume: Volume) -> None:
    """Write a pair, little-endian, and a .mat file as SPM does where the volume has an affine.

    Parameters
    ----------
    path : Path or str
        The .hdr or the .img.
    volume : Volume
        Axes ``ijk`` or ``ijkt``.

    Raises
    ------
    Unsupported
        Analyze can't hold this volume.
    """
    place = Path(path)
    code = _CODES.get(volume.array.dtype.name)
    lengths = volume.array.shape
    fits = volume.axes in ("i", "ij", "ijk", "ijkt") and max(lengths, default=0) < 2**15
    if place.suffix.lower() not in (".hdr", ".img") or code is None or not fits:
        why = f"{volume.axes} {lengths} {volume.array.dtype}"
        raise Unsupported("Analyze can't hold this volume", where=path, why=why, hint="NIfTI can")
    record = np.zeros((), analyze_header.FIELDS.newbyteorder("<"))
    record["sizeof_hdr"] = analyze_header.SIZE_BYTES
    record["dim"] = [len(lengths), *lengths, *[1] * (7 - len(lengths))]
    record["datatype"], record["bitpix"] = code, volume.array.dtype.itemsize * 8
    record["pixdim"][1:4] = (*(volume.spacing_mm or ()), 1, 1, 1)[:3]
    place.with_suffix(".hdr").write_bytes(record.tobytes())
    place.with_suffix(".img").write_bytes(in_file_order(volume.array).data)
    sidecar = place.with_suffix(".mat")
    sidecar.unlink(missing_ok=True)
    if volume.affine is not None:
        analyze_place.write_mat(sidecar, volume.affine)
