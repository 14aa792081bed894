"""Flat pictures: PNG, JPEG, JPEG 2000, WebP, BMP, GIF, TIFF and the netpbm family (PBM, PGM, PPM, also gzipped).

Values are those of the file:

* Palette images stay indices (``"yx"``); the colours are in ``meta["palette"]``, (N, 3) uint8. A layout whose mask
  is of kind ``colour`` gets these colours.
* One-bit images become 0 (black) and 255 (white), what imagecodecs, OpenCV and ``convert("L")`` of
  Pillow give. Grey PNG of 2 and 4 bits is scaled to 0 ... 255, as the PNG specification (13.12) asks of
  decoders; ``meta["bits"]`` tells. TIFF and netpbm samples of any other width are never scaled.
* 16-bit samples stay uint16 and floats stay floats. Alpha stays a channel.
* CMYK in JPEG is turned to RGB (``meta["converted_from"]``); in TIFF it is refused.
* EXIF orientation is not applied; ``meta["exif_orientation"]`` tells it.
* Several pages or frames make ``"nyx"`` or ``"nyxc"``.

A picture has no affine and no spacing. The resolution that files carry is nearly always that of a
printer or screen, so it stays in ``meta["resolution_dpi"]``, (x, y).

The bytes decide which of the formats a file is, not its name: many a ``.png`` is a JPEG.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from medshelf.errors import FormatError, Unsupported
from medshelf.formats import head_of
from medshelf.formats.raster import jpeg2000 as raster_jpeg2000
from medshelf.formats.raster import netpbm as raster_netpbm
from medshelf.formats.raster import pillow as raster_pillow
from medshelf.formats.raster import tiff as raster_tiff
from medshelf.formats.raster import webp as raster_webp
from medshelf.formats.raster import writing as raster_write
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

NAME = "raster"
SUFFIXES = (
    ".pgm.gz", ".ppm.gz", ".pbm.gz", ".jpeg", ".tiff", ".webp", ".png", ".jpg", ".bmp", ".tif", ".gif",
    ".pgm", ".ppm", ".pbm", ".pnm", ".jp2", ".j2k",
)  # fmt: skip

_MODULES = (raster_pillow, raster_tiff, raster_netpbm, raster_jpeg2000, raster_webp)
_OTHERS = {b"P7\n": "PAM"}


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of a picture that is read here (gzip can't be told)."""
    return any(module.matches(head) for module in _MODULES)


def read_header(blob: Blob) -> Header:
    """Read shape, type and facts of a picture without decoding it.

    Parameters
    ----------
    blob : Blob
        A file or archive member.

    Returns
    -------
    Header
        Axes ``"yx"``, ``"yxc"``, ``"nyx"`` or ``"nyxc"``; ``meta["format"]`` names the format, further
        facts as the module says.

    Raises
    ------
    FormatError
        The bytes are no picture (`Truncated` where they are too few for the declared size).
    Unsupported
        A kind of picture that is not read.
    """
    return _module_for(blob).read_header(blob)


def read(blob: Blob) -> Volume:
    """Read a picture; errors as in `read_header`, and `Truncated` where the data end early.

    Parameters
    ----------
    blob : Blob
        A file or archive member.

    Returns
    -------
    Volume
        Without affine and spacing.

    Raises
    ------
    Unsupported
        Besides other kinds: more than 1 GiB of pixels from a far smaller file.
    """
    return _module_for(blob).read(blob)


def _module_for(blob: Blob) -> ModuleType:
    head = head_of(blob)
    for module in _MODULES:
        if module.matches(head):
            return module
    if head.startswith(b"\x1f\x8b") and blob.name.lower().endswith(".gz"):
        return raster_netpbm
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise Unsupported(f"{kind} pictures are not read", where=blob.name)
    raise FormatError(
        "this is no picture",
        where=blob.name,
        why=f"first bytes {head[:8]!r} are not those of PNG, JPEG, JPEG 2000, WebP, BMP, GIF, TIFF or PGM",
        hint="Fetch the file again",
    )


def write(path: Path | str, volume: Volume) -> None:
    """Write a picture in the format that the name asks for.

    Parameters
    ----------
    path : Path or str
        Ends in one of ``.png .jpg .jpeg .jp2 .webp .bmp .gif .tif .tiff .pgm .ppm .pgm.gz .ppm.gz``.
    volume : Volume
        Axes ``"yx"`` or ``"yxc"``, for TIFF also ``"nyx"`` and ``"nyxc"``. ``meta["palette"]`` is
        kept for PNG, BMP and GIF. All but JPEG give the same values back.

    Raises
    ------
    Unsupported
        The format can't hold such an array, or is not written.
    """
    raster_write.write(path, volume)
