"""Which kind of archive some bytes are, by what they begin with; names only say where to look."""

from __future__ import annotations

import re

from medshelf.access._split import is_first_piece
from medshelf.access._tar import looks_like_tar

ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".7z", ".rar",
)  # fmt: skip
"""Lower-case endings of the archives that are looked into."""

UNREAD_SUFFIXES = (".tar.zst", ".tzst", ".tar.z", ".tar.lz4", ".tar.lzma")
"""Endings of archives that are not, so that a folder's listing can say so."""

COMPRESSED = ("gzip", "bz2", "xz")

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress (.Z)"),
)
UNREAD = ("zstd", "lz4", "compress (.Z)")
_LATER_VOLUME = re.compile(r"\.part0*([2-9]\d*|1\d+)\.rar$")
"""Volumes of a rar but the first, which is read with those that follow it."""
_WEB = (b"<!doctype html", b"<html", b"<?xml")


def is_archive_name(name: str) -> bool:
    """Return True if the name ends like an archive that can be looked into."""
    lower = name.lower()
    if lower.endswith(ARCHIVE_SUFFIXES):
        return not _LATER_VOLUME.search(lower)
    return is_first_piece(lower)


def stem_of(name: str) -> str:
    """Return the name of an archive without its ending, which is what the folder is called that it is unpacked to."""
    ending = max((one for one in ARCHIVE_SUFFIXES if name.lower().endswith(one)), key=len, default="")
    return name[: len(name) - len(ending)] if 0 < len(ending) < len(name) else f"{name}.unpacked"


def kind_of(head: bytes) -> str:
    """Return ``zip``, ``tar``, a codec, a kind that is not read, ``web page``, ``empty`` or ``''``."""
    if not head:
        return "empty"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if looks_like_tar(head):
        return "tar"
    if head.lstrip().lower().startswith(_WEB):
        return "web page"
    return ""
