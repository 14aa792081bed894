"""Parsing a whole DICOM object with pydicom, for readers of objects that are no plain images.

Errors of pydicom, which are of many kinds, become ours; a deflated file is measured before it is unfolded.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from medshelf.errors import FormatError, MedshelfError, Truncated, Unsupported
from medshelf.formats import head_of
from medshelf.formats.dicom.header import DEFLATED, read_file_header
from medshelf.model.blob import Blob

LIMIT_BYTES = 2**32
"""Largest size to which a deflated data set may unfold (4 GiB)."""


def parse(blob: Blob, *, force: bool = False, pixels: bool = True) -> Any:
    """Parse a DICOM file.

    Parameters
    ----------
    blob : Blob
        The file.
    force : bool
        Read also a file without preamble and meta information, as old programs write.
    pixels : bool
        Whether to read the pixel data too.

    Returns
    -------
    pydicom.Dataset
        Its values are decoded when they are asked for; do that inside `decoding`.

    Raises
    ------
    FormatError
        This is no DICOM, or damaged (`Truncated` where it ends within an element: pydicom would leave that out).
    Unsupported
        A deflated file unfolds beyond `LIMIT_BYTES`.
    """
    import pydicom

    head_of(blob)
    read_file_header(blob)
    with blob.open() as stream:
        _check_deflated(stream, blob)
        stream.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what pydicom thinks of odd values is nothing that a user can mend
                return pydicom.dcmread(stream, force=force, stop_before_pixels=not pixels)
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise FormatError(
                "this is no DICOM file that can be read",
                where=blob.name,
                why=f"{type(error).__name__}: {error}",
                hint="Fetch the file again",
            ) from error


@contextmanager
def decoding(what: str, where: str) -> Iterator[None]:
    """Turn what pydicom raises when it decodes the values of a damaged object into a `FormatError`.

    Parameters
    ----------
    what : str
        Name of the kind of object, such as ``"segmentation"``.
    where : str
        What to name in an error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MedshelfError:
        raise
    except Exception as error:  # values are decoded only now, and fail in many ways
        raise FormatError(
            f"the {what} is not complete", where=where, why=f"{type(error).__name__}: {error}"
        ) from error


def _check_deflated(stream: BinaryIO, blob: Blob) -> None:
    """Refuse a deflated data set (PS3.5 A.5) that unfolds beyond the limit; pydicom sets none."""
    head = stream.read(4096)
    if DEFLATED.encode() not in head:
        return
    stream.seek(144 + int.from_bytes(head[140:144], "little"))  # past the meta information, PS3.10 7.1
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    while not engine.eof:
        chunk = engine.unconsumed_tail or stream.read(1 << 16)
        try:
            made = engine.decompress(chunk, 1 << 20)
        except zlib.error as error:
            raise FormatError(
                "the deflated file is damaged", where=blob.name, why=str(error), hint="Fetch the file again"
            ) from error
        size += len(made)
        if size > LIMIT_BYTES:
            raise Unsupported(
                "the deflated file is too large", where=blob.name, why=f"over {LIMIT_BYTES} bytes"
            )
        if not chunk and not made:
            raise Truncated("the deflated file ends early", where=blob.name, hint="Fetch the file again")
