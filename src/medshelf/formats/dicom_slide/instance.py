"""One file of a slide: its size, its tiles, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medshelf.errors import FormatError, MedshelfError, Truncated, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.codecs import FAMILIES, UNCOMPRESSED, check_syntax, syntax_name
from medshelf.formats.dicom.header import DEFLATED, read_file_header
from medshelf.formats.dicom.slice import Slice, slice_of
from medshelf.formats.dicom.with_pydicom import decoding, parse
from medshelf.formats.dicom_tiles import Tiling, spacing_of, tiling_of
from medshelf.model.blob import Blob

SLIDE_STORAGE = "1.2.840.10008.5.1.4.1.1.77.1.6"


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """A level of the pyramid, or a label, macro or thumbnail picture."""

    blob: Blob
    one: Slice
    """Its header: size of a tile, samples, transfer syntax."""
    tiling: Tiling
    spacing_mm: tuple[float, float] | None
    """Distance of rows and of columns."""
    flavour: str
    """Third value of ImageType (PS3.3 C.8.12.4.1.1): VOLUME, LABEL, OVERVIEW or THUMBNAIL."""
    paths: tuple[str, ...]
    """Identifiers of its optical paths."""
    magnification: float | None
    """ObjectiveLensPower of the first optical path."""
    offsets: bytes
    """Extended Offset Table, empty where there is none (PS3.3 C.7.6.3.1.8)."""
    series_uid: str
    frame_of_reference_uid: str
    vendor: str

    @property
    def samples(self) -> int:
        """Length of the last axis: colours of a pixel, or optical paths."""
        return max(self.one.samples, len(self.paths))

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and, where there are several, samples."""
        size = (self.tiling.rows, self.tiling.columns)
        return (*size, self.samples) if self.samples > 1 else size


def is_slide(blob: Blob) -> bool:
    """Return whether a file is a whole-slide image; False too for what is no DICOM or can't be read."""
    try:
        return slice_of(read_file_header(blob)).sop_class == SLIDE_STORAGE
    except MedshelfError:
        return False


def instance_of(blob: Blob) -> Instance:
    """Read the header of one file of a slide.

    Raises
    ------
    FormatError, Unsupported
        Another kind of object, a header that does not fit together, or a kind of slide that is not read.
    """
    dataset = parse(blob, pixels=False)
    with decoding("slide", blob.name):
        found = str(dataset.get("SOPClassUID", ""))
        if found != SLIDE_STORAGE:
            raise Unsupported(
                "this DICOM file is no whole-slide image",
                where=blob.name,
                why=f"modality {dataset.get('Modality', '?')}, SOP class {found or '?'}",
            )
        one = slice_of(read_file_header(blob))
        _check(one)
        return _instance(dataset, one)


def _instance(dataset: Any, one: Slice) -> Instance:
    where = one.header.blob.name
    optical = dataset.get("OpticalPathSequence") or []
    paths = tuple(str(item.get("OpticalPathIdentifier", n)) for n, item in enumerate(optical, start=1)) or ("1",)
    if one.samples > 1 and len(paths) > 1:
        raise Unsupported(
            "a slide of colour pictures on several optical paths is not read", where=where, why=f"{len(paths)} paths"
        )
    powers = [float(item.ObjectiveLensPower) for item in optical[:1] if item.get("ObjectiveLensPower")]
    return Instance(
        blob=one.header.blob,
        one=one,
        tiling=tiling_of(dataset, _channels(dataset, paths, where), one.frames, where),
        spacing_mm=spacing_of(dataset, where),
        flavour=(*one.header.words(tags.IMAGE_TYPE), "", "", "")[2],
        paths=paths,
        magnification=powers[0] if powers else None,
        offsets=bytes(dataset.get("ExtendedOffsetTable") or b""),
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID", "")),
        vendor=str(dataset.get("Manufacturer") or "").strip(),
    )


def _channels(dataset: Any, paths: tuple[str, ...], where: str) -> list[int] | None:
    """Optical paths in order; for a slide whose tiles say where they are, the path of each."""
    if len(paths) == 1:
        return None
    if str(dataset.get("DimensionOrganizationType") or "") == "TILED_FULL":
        return list(range(len(paths)))
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    channels = []
    for n, item in enumerate(dataset.get("PerFrameFunctionalGroupsSequence") or [], start=1):
        keyword = "OpticalPathIdentificationSequence"
        found = item.get(keyword) or shared.get(keyword) or [{}]
        name = str(found[0].get("OpticalPathIdentifier", ""))
        if name not in paths:
            raise FormatError(f"frame {n} names no optical path of the slide", where=where, why=f"{name!r}")
        channels.append(paths.index(name))
    return channels


def _check(one: Slice) -> None:
    """Refuse pixels that are not read, before any are."""
    where, pixels = one.header.blob.name, one.header.pixels
    if pixels is None:
        raise FormatError("the slide has no pixels", where=where, hint="Fetch the file again")
    syntax = one.header.syntax
    if syntax == DEFLATED or (syntax not in UNCOMPRESSED and syntax not in FAMILIES):
        raise Unsupported("a slide in this transfer syntax is not read", where=where, why=syntax_name(syntax))
    stored = 1 <= one.bits_stored <= one.bits_allocated
    if pixels.tag != tags.PIXEL_DATA or one.bits_allocated not in (8, 16) or one.samples not in (1, 3) or not stored:
        raise Unsupported(
            "a slide of this pixel type is not read",
            where=where,
            why=f"{one.samples} samples of {one.bits_stored} in {one.bits_allocated} bits",
        )
    if one.photometric == "PALETTE COLOR":
        raise Unsupported("a slide with a palette is not read", where=where)
    check_syntax(one)
    least = 8 if pixels.length is None else max(1, one.rows * one.columns * one.bits_allocated // 8)
    if not 0 < one.frames * least <= one.header.blob.size_bytes:
        raise Truncated(
            "the slide has more frames than its file can hold",
            where=where,
            why=f"{one.frames:,} frames in {one.header.blob.size_bytes:,} bytes",
            hint="Fetch the file again",
        )
