"""Stored values of one DICOM image, a file's or a frame's: plain or compressed bytes to an array of integers.

Only the bits that BitsStored names belong to a sample (PS3.5 8.1.1): what stands above them, such as a
retired overlay, is cut off, and the sign is extended from the highest of them.
"""

from __future__ import annotations

import numpy as np

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats.dicom import tags
from medshelf.formats.dicom.bytes import Source
from medshelf.formats.dicom.codecs import FAMILIES, decode, inflated_frame, is_rgb
from medshelf.formats.dicom.header import DEFLATED, quietly
from medshelf.formats.dicom.slice import Slice, frame_bytes

_ITEM = b"\xfe\xff\x00\xe0"


def stored_dtype(one: Slice) -> np.dtype:
    """Return the little-endian integer type in which an image is stored, once its bytes are in that order."""
    return np.dtype(f"<{'i' if one.signed else 'u'}{one.bits_allocated // 8}")


def is_plain(one: Slice) -> bool:
    """Return whether the pixels lie in the file as in memory: one sample, uncompressed, little endian."""
    pixels = one.header.pixels
    return (
        one.samples == 1
        and one.photometric != "PALETTE COLOR"
        and pixels is not None
        and pixels.length is not None
        and (one.header.little or one.bits_allocated == 8 and not pixels.words)
        and one.header.syntax != DEFLATED
    )


def read_plain(one: Slice, out: np.ndarray, source: Source) -> None:
    """Read plain pixels straight into memory.

    Parameters
    ----------
    one : Slice
        Of which `is_plain` holds.
    out : (rows, columns) contiguous array of the stored type
        Filled, bits above BitsStored cleaned.
    source : Source
        Its file, open.
    """
    pixels = one.header.pixels
    assert pixels is not None
    offset = one.extents[0][0] if one.extents else pixels.offset
    found = source.read_into(offset, memoryview(out.data).cast("B"))
    if found < out.nbytes:
        raise _cut(one, found, out.nbytes)
    clean_bits(out, one)


def read_stored(one: Slice, source: Source | None = None) -> np.ndarray:
    """Read the stored values of any image that is read at all.

    Parameters
    ----------
    one : Slice
        A file's image, or a frame; of a tile the whole mosaic is to be read.
    source : Source, optional
        Its file, where that is open already.

    Returns
    -------
    (rows, columns) or (rows, columns, 3) array
        In the type of `stored_dtype`; colour as RGB.

    Raises
    ------
    FormatError, Truncated, Unsupported
        The pixels are damaged, cut or of a kind that is not read.
    """
    if one.header.pixels is None:
        raise FormatError("there are no pixels in this file", where=one.header.blob.name)
    if source is None:
        source = one.header.open_data()
        try:
            data = _frame(source, one)
        finally:
            source.close()
    else:
        data = _frame(source, one)
    family = FAMILIES.get(one.header.syntax) if one.header.pixels.length is None else None
    if family == "deflate":
        data = inflated_frame(data, frame_bytes(one), one.header.blob.name)
    found = _plain_samples(data, one) if family in (None, "none", "deflate") else decode(data, one)
    return _coloured(_as_stored(found, one), one)


def _frame(source: Source, one: Slice) -> bytes:
    """Read the bytes of one frame."""
    pixels = one.header.pixels
    assert pixels is not None
    if one.extents:
        data = b"".join(source.read_at(place, length) for place, length in one.extents)
        needed = sum(length for _, length in one.extents)
        if len(data) < needed:
            raise _cut(one, len(data), needed)
        return data
    if pixels.length is None:
        return _only_frame(source.read_at(pixels.offset, source.size_bytes - pixels.offset), one)
    return source.read_at(pixels.offset, pixels.length)


def clean_bits(stored: np.ndarray, one: Slice) -> None:
    """Cut off what stands above BitsStored and extend the sign, in place and only where needed."""
    spare = stored.dtype.itemsize * 8 - one.bits_stored
    if spare == 0 or stored.size == 0:
        return
    if one.signed:
        limit = 1 << (one.bits_stored - 1)
        clean = -limit <= int(stored.min()) and int(stored.max()) < limit
    else:
        clean = int(stored.max()) >> one.bits_stored == 0
    if not clean:
        np.left_shift(stored, spare, out=stored)
        np.right_shift(stored, spare, out=stored)


def _cut(one: Slice, found: int, needed: int) -> Truncated:
    return Truncated(
        "the pixel data end early",
        where=one.header.blob.name,
        why=f"{found:,} of {needed:,} bytes",
        hint="Fetch the file again",
    )


def _only_frame(data: bytes, one: Slice) -> bytes:
    """Join the fragments of the one frame in encapsulated pixel data (PS3.5 A.4), after the offset table."""
    fragments: list[bytes] = []
    position = 0
    while data[position : position + 4] == _ITEM:
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if position + 8 + length > len(data):
            raise _cut(one, len(data), position + 8 + length)
        fragments.append(data[position + 8 : position + 8 + length])
        position += 8 + length
    if len(fragments) < 2:
        raise Truncated("no frame in the encapsulated pixel data", where=one.header.blob.name)
    return b"".join(fragments[1:])


def _plain_samples(data: bytes, one: Slice) -> np.ndarray:
    """Shape uncompressed samples, putting their bytes in little-endian order."""
    pixels = one.header.pixels
    assert pixels is not None
    if one.photometric == "YBR_FULL_422":
        return _from_422(data, one)
    count = one.rows * one.columns * one.samples
    size = one.bits_allocated // 8
    if not one.header.little and size == 1 and pixels.words:
        data = np.frombuffer(data[: len(data) // 2 * 2], "<u2").byteswap().tobytes()
    if len(data) < count * size:
        raise _cut(one, len(data), count * size)
    flat = np.frombuffer(data, f"{'<' if one.header.little else '>'}u{size}", count=count)
    if one.samples == 1:
        return flat.reshape(one.rows, one.columns)
    if one.header.short(tags.PLANAR_CONFIGURATION) == 1:  # one plane after the other
        return flat.reshape(one.samples, one.rows, one.columns).transpose(1, 2, 0)
    return flat.reshape(one.rows, one.columns, one.samples)


def _from_422(data: bytes, one: Slice) -> np.ndarray:
    """Spread out uncompressed YBR_FULL_422: two luminances share one pair of colours (PS3.3 C.7.6.3.1.2)."""
    if one.columns % 2 or one.bits_allocated != 8:
        what = "YBR_FULL_422 with an odd number of columns or more than 8 bits"
        raise Unsupported(what, where=one.header.blob.name)
    quads = np.frombuffer(data, "u1", count=one.rows * one.columns * 2).reshape(one.rows, one.columns // 2, 4)
    found = np.empty((one.rows, one.columns, 3), "u1")
    found[:, 0::2, 0], found[:, 1::2, 0] = quads[..., 0], quads[..., 1]
    found[..., 1], found[..., 2] = np.repeat(quads[..., 2], 2, axis=1), np.repeat(quads[..., 3], 2, axis=1)
    return found


def _as_stored(found: np.ndarray, one: Slice) -> np.ndarray:
    """Give decoded samples the stored type and sign."""
    wanted = stored_dtype(one)
    if found.dtype.itemsize > wanted.itemsize:
        raise FormatError(
            "the compressed pixels hold more bits than the header allots",
            where=one.header.blob.name,
            why=f"{found.dtype} for {one.bits_allocated} bits",
        )
    widened = np.dtype(f"<u{wanted.itemsize}") if found.dtype.kind == "u" else wanted
    array = np.array(found, dtype=widened, order="C").view(wanted)
    clean_bits(array, one)
    return array


def _coloured(array: np.ndarray, one: Slice) -> np.ndarray:
    """Turn what is not RGB into RGB."""
    if one.photometric == "PALETTE COLOR":
        return _from_palette(array, one)
    if one.samples == 1 or one.photometric == "RGB" or is_rgb(one):
        return array
    if one.photometric in ("YBR_FULL", "YBR_FULL_422") and array.dtype == np.uint8:
        return _from_ybr(array)
    raise Unsupported(
        "this kind of colour is not read", where=one.header.blob.name, why=f"{one.photometric}, {array.dtype}"
    )


def _from_ybr(array: np.ndarray) -> np.ndarray:
    """Invert YBR_FULL, the full-range YCbCr of ITU-R BT.601 (PS3.3 C.7.6.3.1.2)."""
    y, b, r = (array[..., n].astype(np.float32) for n in range(3))
    b -= 128
    r -= 128
    rgb = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def _from_palette(array: np.ndarray, one: Slice) -> np.ndarray:
    """Look colours up in the palette of the file (PS3.3 C.7.6.3.1.5 and .6)."""
    import pydicom
    from pydicom.pixels.processing import apply_color_lut

    try:
        with quietly(), one.header.blob.open() as stream:
            return apply_color_lut(array, pydicom.dcmread(stream, force=True, stop_before_pixels=True))
    except Exception as error:  # a damaged palette, whatever pydicom makes of it
        raise FormatError(
            "the colour palette can't be read",
            where=one.header.blob.name,
            why=f"{type(error).__name__}: {str(error)[:120]}",
        ) from error
