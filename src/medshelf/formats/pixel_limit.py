"""How many pixels a file may ask memory for: decided from its header, before any is decoded."""

from __future__ import annotations

from medshelf.errors import Truncated, Unsupported

LIMIT_BYTES = 2**30
"""Pictures up to this size (1 GiB decoded) are read whatever their file's size."""
TRUSTED_RATIO = 4
"""Larger ones are read only where the file itself is at least a fourth of the decoded size."""
_SLACK_BYTES = 2**16


def check_decoded_size(
    decoded_bytes: int,
    file_bytes: int,
    where: object,
    *,
    most_per_byte: float | None = None,
    hint: str = "For a pyramidal TIFF use medshelf.formats.slide.read_region",
) -> None:
    """Refuse an image whose header asks for more than its bytes can be or memory should hold.

    Parameters
    ----------
    decoded_bytes : int
        Size of the array that the header declares.
    file_bytes : int
        Size of the file.
    where : object
        What to name in an error.
    most_per_byte : float, optional
        Most decoded bytes that one byte of this format can stand for, where there is such a bound
        (1032 for deflate, RFC 1951).
    hint : str
        What to do with an image over the limit.

    Raises
    ------
    Truncated
        So few bytes can't hold so many pixels.
    Unsupported
        The image is over the limit, and its file far smaller: a decompression bomb, or a slide.
    """
    if most_per_byte is not None and decoded_bytes > file_bytes * most_per_byte + _SLACK_BYTES:
        raise Truncated(
            "the header declares more pixels than the file can hold",
            where=where,
            why=f"{decoded_bytes} bytes of pixels in a file of {file_bytes} bytes",
            hint="The file is cut or its header is wrong; fetch it again",
        )
    if decoded_bytes > LIMIT_BYTES and decoded_bytes > file_bytes * TRUSTED_RATIO:
        raise Unsupported(
            "the image is too large to be read whole",
            where=where,
            why=f"a file of {file_bytes} bytes declares {decoded_bytes} bytes of pixels, limit {LIMIT_BYTES}",
            hint=hint,
        )
