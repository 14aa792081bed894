"""One DICOM image: the numbers that place it, shape it and scale it.

An image is a file, or a frame or tile of one: then its header is the file's, with what the file says of this
frame laid over it, and the file's own image is its `whole`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.csa import tells_of_mosaic
from medshelf.formats.dicom.header import FileHeader

Extents = tuple[tuple[int, int], ...]
"""Places and lengths of pieces of a file that together are one frame."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One image, its header read."""

    header: FileHeader
    kind: str
    """``"image"``, or one of `dicom_tags.IMAGE_KINDS` or the kinds of `dicom_tags.kind_of_class`."""
    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    slope: float
    intercept: float
    position_mm: tuple[float, ...] | None
    """Centre of the first voxel in LPS+ (ImagePositionPatient)."""
    orientation: tuple[float, ...] | None
    """Cosines along a row, then along a column, in LPS+ (ImageOrientationPatient)."""
    pixel_spacing_mm: tuple[float, ...] | None
    """Distance between rows, then between columns (PixelSpacing)."""
    number: int = 0
    """Which frame or tile of the file it is, from 0."""
    whole: Slice | None = field(default=None, repr=False)
    """The image of the file in which it is a frame or tile; None where it is that itself."""
    extents: Extents = field(default=(), repr=False)
    """Where the bytes of a frame are; empty where the pixels are those of the file, or of a mosaic."""
    corner: tuple[int, int] | None = None
    """Row and column of its first pixel, where it is a tile."""

    @property
    def name(self) -> str:
        """Name of the file, without its folder, and the number of the frame or tile, from 1."""
        name = self.header.blob.name.replace("\\", "/").rsplit("/", 1)[-1]
        if self.whole is None:
            return name
        return f"{name} {'frame' if self.corner is None else 'tile'} {self.number + 1}"

    @property
    def file(self) -> Slice:
        """The image of the file: itself, or the one in which it is a frame or tile."""
        return self.whole or self

    @property
    def sop_class(self) -> str:
        """SOP class UID, from the meta information where the data set leaves it empty."""
        return self.header.text(tags.SOP_CLASS) or self.header.text(tags.MEDIA_SOP_CLASS)

    @property
    def instance_uid(self) -> str:
        """SOP instance UID, from the meta information where the data set leaves it empty."""
        return self.header.text(tags.SOP_INSTANCE) or self.header.text(tags.MEDIA_SOP_INSTANCE)

    @property
    def photometric(self) -> str:
        """Photometric interpretation (PS3.3 C.7.6.3.1.2)."""
        return self.header.text(tags.PHOTOMETRIC) or "MONOCHROME2"


def slice_of(header: FileHeader) -> Slice:
    """Read the numbers of one header.

    Raises
    ------
    FormatError
        An attribute that places or scales the image is not numeric, or has the wrong number of values.
    """
    number = header.number
    bits_allocated = header.short(tags.BITS_ALLOCATED)
    kind = _kind(header)
    slope, intercept = number(tags.DOSE_SCALING if kind == "rtdose" else tags.SLOPE), number(tags.INTERCEPT)
    return Slice(
        header=header,
        kind=kind,
        rows=header.short(tags.ROWS),
        columns=header.short(tags.COLUMNS),
        samples=header.short(tags.SAMPLES, 1),
        frames=int(number(tags.FRAMES) or 1),
        bits_allocated=bits_allocated,
        bits_stored=header.short(tags.BITS_STORED, bits_allocated),
        signed=header.short(tags.SIGNED) == 1,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        position_mm=_vector(header, tags.POSITION, 3),
        orientation=_vector(header, tags.ORIENTATION, 6),
        pixel_spacing_mm=_vector(header, tags.PIXEL_SPACING, 2),
    )


def _vector(header: FileHeader, tag: int, length: int) -> tuple[float, ...] | None:
    raw = header.values.get(tag)
    if raw is None:
        return None
    found = _plain_vector(raw, length) or header.numbers(tag)
    if found is not None and len(found) != length:
        raise FormatError(
            f"an attribute should hold {length} numbers and holds {len(found)}",
            where=header.blob.name,
            why=f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is {raw[:60]!r}",
        )
    return found


@lru_cache(maxsize=4096)
def _plain_vector(raw: bytes, length: int) -> tuple[float, ...] | None:
    """The numbers, or None where they need a closer look; slices of a series share most of them."""
    try:
        found = tuple([float(part) for part in raw.strip(b" \0").split(b"\\")])
    except ValueError:
        return None
    return found if len(found) == length and all(abs(x) < 1e9 for x in found) else None


def _kind(header: FileHeader) -> str:
    sop_class = header.text(tags.SOP_CLASS) or header.text(tags.MEDIA_SOP_CLASS)
    kind = kind_of_class(sop_class)
    if kind is not None:
        return kind
    if header.pixels is None:
        return "object"
    if "MOSAIC" in header.words(tags.IMAGE_TYPE) or tells_of_mosaic(header):
        return "mosaic"
    return "multi-frame" if (header.number(tags.FRAMES) or 1) > 1 else "image"


kind_of_class = lru_cache(maxsize=256)(tags.kind_of_class)


def check_pixels(one: Slice) -> None:
    """Refuse an image whose header does not describe its pixels, before anything is allocated for them.

    Raises
    ------
    FormatError, Truncated, Unsupported
        Saying which attribute is wrong, or what is missing.
    """
    pixels, name = one.header.pixels, one.header.blob.name
    if pixels is None:
        raise FormatError("there are no pixels in this file", where=name)
    if one.rows == 0 or one.columns == 0:
        raise FormatError("the image has no size", where=name, why=f"{one.rows} rows, {one.columns} columns")
    if one.frames < 1:
        raise FormatError("the image has no frames", where=name, why=f"NumberOfFrames is {one.frames}")
    _check_bits(one)
    if pixels.length is None:
        return
    needed = frame_bytes(one) * one.frames
    if not pixels.complete or pixels.length < needed:
        raise Truncated(
            "the pixel data end early",
            where=name,
            why=f"{_times(one)}{one.rows} x {one.columns} x {one.samples} samples of {one.bits_allocated} bits need "
            f"{needed:,} bytes; {pixels.length:,} are declared at byte {pixels.offset:,}"
            + ("" if pixels.complete else ", beyond the end of the file"),
            hint="Fetch the file again",
        )
    if pixels.length >= 2 * needed:
        raise FormatError(
            "there are more pixels than the header tells of",
            where=name,
            why=f"{pixels.length:,} bytes where {needed:,} are needed, and NumberOfFrames is {one.frames}",
        )


def frame_bytes(one: Slice) -> int:
    """Return the size of one uncompressed frame."""
    size = one.rows * one.columns * one.samples * one.bits_allocated // 8
    return size * 2 // 3 if one.photometric == "YBR_FULL_422" else size


def _times(one: Slice) -> str:
    return f"{one.frames} frames of " if one.frames > 1 else ""


def _check_bits(one: Slice) -> None:
    name, pixels = one.header.blob.name, one.header.pixels
    high_bit = one.header.short(tags.HIGH_BIT, one.bits_stored - 1)
    if pixels is not None and pixels.tag != tags.PIXEL_DATA:
        raise Unsupported("pixels stored as floating-point numbers are not read yet", where=name)
    if one.bits_allocated not in (8, 16, 32) or one.samples not in (1, 3):
        raise Unsupported(
            "this arrangement of pixels is not read",
            where=name,
            why=f"{one.bits_allocated} bits allocated, {one.samples} samples a pixel",
        )
    if not 1 <= one.bits_stored <= one.bits_allocated or high_bit != one.bits_stored - 1:
        raise Unsupported(
            "the bits of a sample don't fit together",
            where=name,
            why=f"{one.bits_allocated} allocated, {one.bits_stored} stored, high bit {high_bit}",
        )
    if one.slope == 0:
        raise FormatError("the rescale slope is 0, which makes all voxels equal", where=name)
