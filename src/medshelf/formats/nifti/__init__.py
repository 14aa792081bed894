"""NIfTI-1 and NIfTI-2 images (.nii, .nii.gz, .hdr with .img).

The array is a view of the file's bytes in its own type and order: Fortran, first axis fastest, axes ``ijk``,
``ijkt``, ``ijktc`` or the beginning of these, axes of length 1 kept as stored. RGB24 and RGBA32 get a last
axis ``c``. A scale other than (1, 0) is applied: to float32 where that holds every stored value (integers of
at most 16 bits, float32), else to float64. Millimetres throughout, whatever xyzt_units says.

A .hdr without a NIfTI magic string is Analyze 7.5, see `medshelf.formats.analyze`.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from medshelf.errors import FormatError, Unsupported
from medshelf.formats.inflate import GZIP_MAGIC, inflate_gzip, inflate_start
from medshelf.formats.nifti import affine as nifti_affine
from medshelf.formats.nifti import header as nifti_header
from medshelf.formats.nifti.writing import write
from medshelf.formats.pair import header_of, partner
from medshelf.formats.payload import as_array, first_bytes, stored, whole
from medshelf.formats.scaling import scaled, scaled_type
from medshelf.model import geometry
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

__all__ = ["NAME", "SUFFIXES", "matches", "read", "read_header", "write"]

NAME = "nifti"
SUFFIXES = (".nii.gz", ".hdr.gz", ".img.gz", ".nii", ".hdr", ".img")

_PARSED = 544
_EXTENSIONS = 1 << 20


def matches(head: bytes) -> bool:
    """Tell whether the first bytes are those of a NIfTI header, compressed or not."""
    if head.startswith(GZIP_MAGIC):
        try:
            head = zlib.decompressobj(31).decompress(head, _PARSED)
        except zlib.error:
            return False
    try:
        nifti_header.parse(head, "")
    except FormatError:
        return False
    return True


def read_header(blob: Blob) -> Header:
    """Read shape, type, place and facts, inflating no more than the header.

    Raises
    ------
    FormatError
        Not a NIfTI file, a damaged one, or one of a kind that is not read.
    AccessError
        The file, or the other of a pair, can't be opened.
    """
    return _Image(blob).header()


def read(blob: Blob) -> Volume:
    """Read an image.

    Returns
    -------
    Volume
        Its array is (I, J, K[, T][, C]) in Fortran order and the machine's byte order.

    Raises
    ------
    Truncated
        The file ends before its voxels do; `why` has the numbers.
    FormatError
        Not a NIfTI file, a damaged one, or one of a kind that is not read.
    AccessError
        The file, or the other of a pair, can't be opened.
    """
    return _Image(blob).volume()


class _Image:
    """An image whose header is parsed."""

    def __init__(self, blob: Blob) -> None:
        self.notes: list[str] = []
        self.header_blob = header_of(blob)
        self.name = self.header_blob.name
        head, self.compressed = self._head(_PARSED)
        self.fields = nifti_header.parse(head, self.name)
        self.shape = nifti_header.shape_of(self.fields, self.name)
        self.type = nifti_header.type_of(self.fields, self.name)
        self.components = nifti_header.COLOURS.get(int(self.fields["datatype"]), 1)
        self.scale = nifti_header.scale_of(self.fields, self.name)
        self.start = self._start()
        self._refuse_many_channels()
        named = self.name.lower()
        if named.endswith(SUFFIXES) and self.compressed != named.endswith(".gz"):
            state = "compressed" if self.compressed else "not compressed"
            self.notes.append(f"the file is {state}, unlike its name says")

    def _head(self, size: int) -> tuple[bytes, bool]:
        """The first inflated bytes, and whether they had to be inflated."""
        first = first_bytes(self.header_blob, size)
        if not first.startswith(GZIP_MAGIC):
            return first, False
        with self.header_blob.open() as stream:
            return inflate_start(stream, size, self.name), True

    def _start(self) -> int:
        """Where in the (inflated) file the voxels begin."""
        offset = float(self.fields["vox_offset"])
        least = 0 if self.fields.two_files else self.fields.size_bytes
        if self.fields.two_files and not 0 < offset < 2**62:
            return 0
        if not least <= offset < 2**62:
            if offset == 0:  # some writers leave it out; the data follows header and extension flag
                self.notes.append("vox_offset is 0")
                return least + 4
            raise FormatError(
                "the header says that the voxels begin within it or nowhere",
                where=self.name,
                why=f"vox_offset is {offset:g}",
                hint="Fetch the file again",
            )
        return int(offset)

    def _refuse_many_channels(self) -> None:
        if self.components > 1 and len(self.shape) > 4:
            raise Unsupported("colours of five axes are not read", where=self.name, why=f"shape {self.shape}")

    @property
    def size_bytes(self) -> int:
        """Bytes of all voxels as stored."""
        count = self.components * self.type.itemsize
        for n in self.shape:
            count *= n
        return count

    @np.errstate(over="ignore", invalid="ignore")  # a header may hold any number
    def header(self) -> Header:
        """What the header says."""
        colour = self.components > 1
        shape = (*self.shape, self.components) if colour else self.shape
        axes = "ijktc"[: len(self.shape)] + ("c" if colour else "")
        kind = scaled_type(self.type) if self.scale else self.type.newbyteorder("=")
        affine, source = nifti_affine.placed(self.fields, self.shape)
        spacing = np.array(geometry.spacing_mm(affine))
        if not np.isfinite(affine).all():
            self.notes.append(f"the {source} holds values that are no numbers")
        spatial = tuple(float(x) for x in spacing[: len(self.shape)])
        return Header(shape, kind.name, axes, affine, spatial, self._meta(source))

    def _meta(self, source: str) -> dict[str, Any]:
        fields = self.fields
        meta: dict[str, Any] = {"format": fields.kind, "byte_order": fields.byte_order}
        meta["stored_dtype"] = self.type.name
        if self.scale:
            meta["scl_slope"], meta["scl_inter"] = self.scale
        meta |= self._placed_meta(source)
        meta["description"] = bytes(fields["descrip"]).decode("latin-1")
        if self.notes:
            meta["notes"] = tuple(self.notes)
        return meta

    def _placed_meta(self, source: str) -> dict[str, Any]:
        """Facts of orientation, units, intent and extensions."""
        fields = self.fields
        units = int(fields["xyzt_units"])
        meta: dict[str, Any] = {
            "affine_from": source,
            "sform_code": int(fields["sform_code"]),
            "qform_code": int(fields["qform_code"]),
            "sform": nifti_affine.sform(fields),
            "qform": nifti_affine.qform(fields),
            "spatial_unit": nifti_header.UNIT_NAMES.get(units & 7, "unknown"),
            "intent_code": int(fields["intent_code"]),
            "intent_name": bytes(fields["intent_name"]).decode("latin-1"),
            "extensions": self._extensions(),
        }
        if len(self.shape) > 3:
            second = nifti_header.SECONDS_PER_UNIT.get(units & 56)
            meta["time_step_s"] = None if second is None else float(fields["pixdim"][4]) * second
        return meta

    def _extensions(self) -> tuple[tuple[int, bytes], ...]:
        end = self.start if not self.fields.two_files else _EXTENSIONS
        if end < self.fields.size_bytes + 16:
            return ()
        head, _ = self._head(min(end, _EXTENSIONS))
        return tuple(nifti_header.extensions_of(head, self.fields, end))

    def volume(self) -> Volume:
        """The header and the voxels."""
        header = self.header()
        more: list[str] = []
        raw = self._voxels(more)
        if self.components > 1:
            array = np.moveaxis(as_array(raw, (self.components, *self.shape), self.type), 0, -1)
        else:
            array = as_array(raw, self.shape, self.type)
        if self.scale:
            array = scaled(array, *self.scale, scaled_type(self.type), self.name)
        meta = dict(header.meta)
        if more:
            meta["notes"] = (*meta.get("notes", ()), *more)
        return Volume(array, header.axes, header.affine, header.spacing_mm, meta)

    def _voxels(self, notes: list[str]) -> np.ndarray:
        """The stored bytes of all voxels."""
        blob = self.header_blob
        compressed = self.compressed
        if self.fields.two_files:
            blob = partner(self.header_blob, ".img")
            compressed = first_bytes(blob).startswith(GZIP_MAGIC)
        if not compressed:
            return stored(blob, self.start, self.size_bytes)
        data = whole(blob)
        found = inflate_gzip(data, self.start + self.size_bytes, blob.name, lead=self.start)
        notes += found.notes
        return found.data[self.start :]
