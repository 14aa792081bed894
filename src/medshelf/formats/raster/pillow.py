"""PNG, JPEG, BMP and GIF through Pillow, and PNG of 16 bits through imagecodecs (Pillow would cut it to 8).

See `medshelf.formats.raster` for what values mean.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from medshelf.errors import FormatError, MedshelfError, Truncated, Unsupported
from medshelf.formats.pixel_limit import check_decoded_size
from medshelf.formats.raster.gif import count_frames
from medshelf.model.blob import Blob
from medshelf.model.volume import Header, Volume

_PNG = b"\x89PNG\r\n\x1a\n"
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_CHANNELS = {"1": 0, "L": 0, "P": 0, "LA": 2, "RGB": 3, "RGBA": 4}
_CONVERTED = {"CMYK": "RGB", "YCbCr": "RGB", "PA": "RGBA"}
_PNG_CHANNELS = {0: 0, 2: 3, 3: 0, 4: 2, 6: 4}
_MOST_PER_BYTE = {"PNG": 1032.0, "JPEG": 2048.0, "BMP": 384.0}
"""Deflate reaches 1032 to 1 (RFC 1951). JPEG needs at least a bit for each 64 samples of a component. A run of BMP's
RLE8 stands in two bytes for up to 255 pixels, of three samples once they are coloured."""


def matches(head: bytes) -> bool:
    """Whether the first bytes are those of PNG, JPEG, BMP or GIF."""
    return _kind(head) is not None


def _kind(head: bytes) -> str | None:
    if head.startswith(_PNG):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    header = int.from_bytes(head[14:18], "little")
    if head.startswith(b"BM") and len(head) >= 18 and header in _BMP_HEADERS:
        return "BMP"
    return None


def read_header(blob: Blob) -> Header:
    """See `medshelf.formats.raster.read_header`."""
    with _opened(blob) as (image, kind, head):
        return _header(image, kind, head, blob)


def read(blob: Blob) -> Volume:
    """See `medshelf.formats.raster.read`."""
    with _opened(blob) as (image, kind, head):
        header = _header(image, kind, head, blob)
        if header.dtype == "uint16":
            array = _deep_png(blob.read_bytes(), header)
        elif header.axes == "nyxc":
            array = _frames(image, header)
        else:
            array = _pixels(image)
    if array.shape != header.shape:
        raise FormatError(
            "the picture is not of the size that its header says",
            where=blob.name,
            why=f"{array.shape}, header {header.shape}",
        )
    return Volume(array, header.axes, meta=header.meta)


@contextlib.contextmanager
def _opened(blob: Blob) -> Iterator[tuple[Any, str, bytes]]:
    """Open a picture with the plugin for its bytes; turn any complaint into ours.

    Plugins are used directly: ``PIL.Image.open`` has a process-wide limit of its own, which would
    refuse honest large pictures.
    """
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin

    plugins = {
        "PNG": PngImagePlugin.PngImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "GIF": GifImagePlugin.GifImageFile,
    }
    with blob.open() as stream:
        head = stream.read(32)
        kind = _kind(head)
        stream.seek(0)
        try:
            if kind is None:
                raise FormatError("this is no PNG, JPEG, BMP or GIF", where=blob.name)
            with plugins[kind](stream, blob.name) as image:
                yield image, kind, head
        except MedshelfError:
            raise
        except Exception as error:  # Pillow and its codecs raise many kinds
            text = str(error)
            early = any(word in text.lower() for word in ("truncated", "too small", "eof", "not enough"))
            raise (Truncated if early else FormatError)(
                f"the {kind} can't be decoded",
                where=blob.name,
                why=f"{type(error).__name__}: {text}",
                hint="Fetch the file again",
            ) from error


def _header(image: Any, kind: str, head: bytes, blob: Blob) -> Header:
    frames = max(1, count_frames(image.fp, blob.name)) if kind == "GIF" else getattr(image, "n_frames", 1)
    deep = kind == "PNG" and head[24] == 16
    mode: str = _CONVERTED.get(image.mode) or image.mode
    if not deep and mode not in _CHANNELS:
        raise Unsupported(f"{kind} of the kind {image.mode!r} is not read", where=blob.name)
    if frames > 1 and kind != "GIF":
        raise Unsupported(f"animated {kind} is not read", where=blob.name, why=f"{frames} frames")
    channels = 3 if frames > 1 else _PNG_CHANNELS[head[25]] if deep else _CHANNELS[mode]
    shape = (image.height, image.width) + ((channels,) if channels else ())
    shape = (frames, *shape) if frames > 1 else shape
    decoded = int(np.prod(shape, dtype=object)) * (2 if deep else 1)
    size = blob.size_bytes
    check_decoded_size(decoded, size, blob.name, most_per_byte=_MOST_PER_BYTE.get(kind))
    axes = ("n" if frames > 1 else "") + ("yxc" if channels else "yx")
    return Header(shape, "uint16" if deep else "uint8", axes, meta=_meta(image, kind, head, frames))


def _meta(image: Any, kind: str, head: bytes, frames: int) -> dict[str, Any]:
    meta: dict[str, Any] = {"format": kind, "mode": image.mode}
    if kind == "PNG":
        meta["bits"] = head[24]
    elif image.mode == "1":
        meta["bits"] = 1
    if image.mode in _CONVERTED and frames == 1:
        meta["converted_from"] = image.mode
    if image.mode == "P" and frames == 1:
        meta["palette"] = _palette(image)
    if "transparency" in image.info:
        meta["transparency"] = image.info["transparency"]
    if "dpi" in image.info:
        meta["resolution_dpi"] = tuple(float(value) for value in image.info["dpi"])
    orientation = _orientation(image)
    if orientation is not None:
        meta["exif_orientation"] = orientation
    return meta


def _palette(image: Any) -> np.ndarray:
    """Return the colours of a paletted picture, (N, 3) uint8, without decoding its pixels as `getpalette` would."""
    mode, colours = image.palette.getdata()  # R, G and B in the order of `mode`, such as BGRX in BMP
    entries = np.frombuffer(bytes(colours), np.uint8)
    entries = entries[: len(entries) // len(mode) * len(mode)].reshape(-1, len(mode))
    return np.ascontiguousarray(entries[:, [mode.index(letter) for letter in "RGB"]])


def _orientation(image: Any) -> int | None:
    """EXIF orientation 1 to 8 (tag 0x0112), None where it is absent or its block is damaged."""
    if "exif" not in image.info:  # without this Pillow would decode a whole PNG to look behind its pixels
        return None
    try:
        value = image.getexif().get(0x0112)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return None
    return value if isinstance(value, int) else None


def _pixels(image: Any) -> np.ndarray:
    if image.mode in _CONVERTED:
        image = image.convert(_CONVERTED[image.mode])
    array = np.array(image)
    return array.astype(np.uint8) * np.uint8(255) if array.dtype == bool else array


def _frames(image: Any, header: Header) -> np.ndarray:
    """All frames of an animation as they are shown, RGB."""
    array = np.empty(header.shape, np.uint8)
    for n in range(header.shape[0]):
        image.seek(n)
        array[n] = np.asarray(image.convert("RGB"))
    return array


def _deep_png(data: bytes, header: Header) -> np.ndarray:
    import imagecodecs

    array = imagecodecs.png_decode(data)
    channels = header.shape[2] if len(header.shape) == 3 else 0
    if array.ndim == 3 and array.shape[2] > max(channels, 1):  # alpha made of a transparent colour
        array = array[..., :channels] if channels else array[..., 0]
    return np.ascontiguousarray(array)
