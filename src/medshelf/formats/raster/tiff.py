"""TIFF through tifffile: any sample type, pages and planes, common compressions.

See `medshelf.formats.raster` for what values mean.
"""

from __future__ import annotations

import contextlib
import logging
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from medshelf.errors import FormatError, MedshelfError, Truncated, Unsupported
from medshelf.formats.pixel_limit import check_decoded_size
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_READ_PHOTOMETRICS = {0: "white is zero", 1: "black is zero", 2: "RGB", 3: "palette", 4: "mask"}
_YCBCR = 6
_JPEGS = (6, 7, 33007, 34892)
"""Compressions whose decoder turns YCbCr to RGB."""
_PER_INCH = {2: 1.0, 3: 2.54}
"""TIFF 6.0 ResolutionUnit: 2 inch, 3 centimetre."""


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of TIFF or BigTIFF."""
    return head[:4] in _MAGICS


def read_header(blob: Blob) -> Header:
    """See `medshelf.formats.raster.read_header`."""
    with opened(blob) as tiff:
        return _header(tiff, blob)


def read(blob: Blob) -> Volume:
    """See `medshelf.formats.raster.read`."""
    with opened(blob) as tiff:
        header = _header(tiff, blob)
        series = tiff.series[0]
        check_segments(series.pages, blob)
        if series.dataoffset is not None and series.dataoffset + series.nbytes > blob.size_bytes:
            raise _ends_early(blob, f"the data reach to byte {series.dataoffset + series.nbytes}")
        array = _arranged(np.asarray(series.asarray()), series.axes)
        if array.dtype == bool:
            inverted = series.keyframe.photometric == 0
            array = (array ^ inverted).astype(np.uint8) * np.uint8(255)
    if array.shape != header.shape:
        raise FormatError(
            "the picture is not of the size that its header says",
            where=blob.name,
            why=f"{array.shape}, header {header.shape}",
        )
    return Volume(np.ascontiguousarray(array), header.axes, meta=header.meta)


@contextlib.contextmanager
def opened(blob: Blob) -> Iterator[Any]:
    """Open a TIFF; turn any complaint into ours.

    Raises
    ------
    FormatError
        The bytes are no TIFF that can be read (`Truncated` where they end early).
    """
    import tifffile

    logger = logging.getLogger("tifffile")
    if not logger.handlers:  # its warnings stay out of a terminal, and go to whoever set up logging
        logger.addHandler(logging.NullHandler())
    with blob.open() as stream:
        try:
            with tifffile.TiffFile(stream, name=blob.name) as tiff:
                if not tiff.is_ndpi:  # whose offsets are of a kind of their own
                    _check_chain(tiff, blob)
                if not tiff.pages or not tiff.series:
                    raise Truncated("the TIFF holds no image", where=blob.name)
                yield tiff
        except MedshelfError:
            raise
        except Exception as error:  # tifffile and its codecs raise many kinds
            raise FormatError(
                "the TIFF can't be decoded",
                where=blob.name,
                why=f"{type(error).__name__}: {error}",
                hint="Fetch the file again",
            ) from error


def _check_chain(tiff: Any, blob: Blob) -> None:
    """Refuse a file whose chain of pages leads beyond its end, where tifffile would drop the pages in silence, or in a
    circle, which it would follow for ever."""
    order, size = tiff.byteorder, blob.size_bytes
    count, entry, link = ("Q", 20, "Q") if tiff.is_bigtiff else ("H", 12, "I")
    stream = tiff.filehandle
    place = 8 if tiff.is_bigtiff else 4
    seen: set[int] = set()
    while True:
        stream.seek(place)
        data = stream.read(struct.calcsize(link))
        if len(data) < struct.calcsize(link):
            raise _ends_early(blob, f"the link at byte {place} of {size}")
        (start,) = struct.unpack(order + link, data)
        if start == 0:
            return
        if start in seen:
            raise FormatError(
                "the pages of the TIFF lead in a circle", where=blob.name, why=f"back to byte {start}",
                hint="Fetch the file again",
            )  # fmt: skip
        seen.add(start)
        stream.seek(start)
        data = stream.read(struct.calcsize(count))
        if len(data) < struct.calcsize(count):
            raise _ends_early(blob, f"page {len(seen)} begins at byte {start} of {size}")
        place = start + len(data) + struct.unpack(order + count, data)[0] * entry


def _ends_early(blob: Blob, why: str) -> Truncated:
    return Truncated("the TIFF ends early", where=blob.name, why=why, hint="Fetch the file again")


def check_segments(pages: Any, blob: Blob) -> None:
    """Refuse pages whose strips or tiles lie beyond the end of the file.

    Raises
    ------
    Truncated
        They do.
    """
    size = blob.size_bytes
    for number, page in enumerate(pages):
        if page is None:
            continue
        end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
        if end > size:
            raise _ends_early(blob, f"the data of page {number} reach to byte {end} of {size}")


def _header(tiff: Any, blob: Blob) -> Header:
    series = tiff.series[0]
    page = series.keyframe
    _check_colours(page, blob)
    if "Y" not in series.axes or "X" not in series.axes or 0 in series.shape:
        raise Unsupported(
            "the TIFF is no picture", where=blob.name, why=f"axes {series.axes}, shape {series.shape}"
        )
    shape, axes = _arrangement(series.shape, series.axes)
    one_bit = series.dtype == np.dtype(bool)
    dtype = np.dtype(np.uint8) if one_bit else np.dtype(series.dtype).newbyteorder("=")
    decoded = int(np.prod(shape, dtype=object)) * dtype.itemsize
    bound = 1.0 if page.compression == 1 and dtype.itemsize * 8 == page.bitspersample else None
    check_decoded_size(decoded, blob.size_bytes, blob.name, most_per_byte=bound)
    return Header(shape, dtype.name, axes, meta=_meta(tiff, series, page))


def _check_colours(page: Any, blob: Blob) -> None:
    photometric = int(page.photometric) if page.photometric is not None else 1
    if photometric in _READ_PHOTOMETRICS or (photometric == _YCBCR and int(page.compression) in _JPEGS):
        return
    raise Unsupported(
        "the colours of this TIFF are not read",
        where=blob.name,
        why=f"photometric interpretation {photometric}, compression {int(page.compression)}",
        hint="Convert it to RGB",
    )


def _arrangement(shape: tuple[int, ...], axes: str) -> tuple[tuple[int, ...], str]:
    """Shape and axes of the array after `_arranged`."""
    sizes = dict(zip(axes, shape, strict=True))
    items = [size for axis, size in zip(axes, shape, strict=True) if axis not in "YXS"]
    made = ((int(np.prod(items, dtype=object)),) if items else ()) + (sizes["Y"], sizes["X"])
    letters = ("n" if items else "") + "yx"
    return (*made, sizes["S"]) if "S" in sizes else made, letters + ("c" if "S" in sizes else "")


def _arranged(array: np.ndarray, axes: str) -> np.ndarray:
    """Bring samples last, and all axes but rows, columns and samples together in front."""
    others = [n for n, axis in enumerate(axes) if axis not in "YXS"]
    last = [axes.index(axis) for axis in "YXS" if axis in axes]
    shape, _ = _arrangement(array.shape, axes)
    turned = array.transpose(*others, *last).reshape(shape)
    return turned.astype(turned.dtype.newbyteorder("="), copy=False)


def _meta(tiff: Any, series: Any, page: Any) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "format": "TIFF",
        "bits": page.bitspersample,
        "photometric": _READ_PHOTOMETRICS.get(int(page.photometric or 0), "RGB"),
        "axes_stored": series.axes,
    }
    if page.colormap is not None:
        meta["palette"] = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
    orientation = page.tags.get(274)
    if orientation is not None:
        meta["exif_orientation"] = int(orientation.value)
    if page.resolution and min(page.resolution) > 0 and int(page.resolutionunit) in _PER_INCH:
        scale = _PER_INCH[int(page.resolutionunit)]
        meta["resolution_dpi"] = tuple(float(value) * scale for value in page.resolution)
    if len(series.levels) > 1:
        meta["levels"] = [tuple(level.shape) for level in series.levels]
    if len(tiff.series) > 1:
        meta["other_images"] = [tuple(other.shape) for other in tiff.series[1:]]
    return meta
