"""Images in two files, .hdr and .img, either compressed: which is which, and where the other is."""

from __future__ import annotations

from pathlib import PurePosixPath

from medshelf.errors import MedshelfError
from medshelf.formats.payload import filename_of
from medshelf.model.blob import Blob


def ending_of(blob: Blob) -> str:
    """The last suffix of the name, without .gz, in lower case."""
    return PurePosixPath(filename_of(blob).lower().removesuffix(".gz")).suffix


def partner(blob: Blob, ending: str) -> Blob:
    """The other file of a .hdr/.img pair: compressed as this one is if there is one, else the other way."""
    name = filename_of(blob)
    compressed = name.lower().endswith(".gz")
    stem = name[: -len(".hdr.gz" if compressed else ".hdr")]
    if name[len(stem) : len(stem) + 4].isupper():
        ending = ending.upper()
    partners = [blob.sibling(stem + ending), blob.sibling(stem + ending + ".gz")]
    if compressed:
        partners.reverse()
    return partners[0] if exists(partners[0]) or not exists(partners[1]) else partners[1]


def header_of(blob: Blob) -> Blob:
    """Return the header of the pair that a blob belongs to; a blob that is no .img is taken for one."""
    return partner(blob, ".hdr") if ending_of(blob) == ".img" else blob


def beside(blob: Blob, ending: str) -> Blob:
    """Return the file of the same stem with another ending, which need not exist."""
    name = filename_of(blob)
    stem = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    return blob.sibling(stem.rpartition(".")[0] + ending)


def exists(blob: Blob) -> bool:
    """Tell whether a blob can be opened."""
    try:
        blob.open().close()
    except (OSError, MedshelfError):
        return False
    return True
