"""Does a zip hold what its host says that it holds?

The Cancer Imaging Archive makes a zip of a series while it sends it, without a size and without a checksum. When it
breaks off, what was sent ends as a zip that is whole and holds too few files: its list of checksums, which comes last,
is missing then (github.com/CBIIT/NBIA-TCIA, V4_getImageWithMD5Hash.java).
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from zipfile import ZipFile

from medshelf.access.hosts import Inside
from medshelf.errors import NotWhole

_PIECE_BYTES = 1 << 20
_MOST_SUMS_BYTES = 64 << 20
_MD5 = re.compile("[0-9a-f]{32}")


def check_inside(archive: ZipFile, inside: Inside, name: str) -> None:
    """Read every file of a zip, and compare their number and their MD5 with what is told of them.

    Raises
    ------
    NotWhole
        The list of checksums is missing or none, or a file is missing, is one too many, or has another checksum.
    zipfile.BadZipFile, OSError, ValueError, zlib.error
        A member is damaged.
    """
    there = [one.filename for one in archive.infolist() if not one.is_dir()]
    told = _sums(archive, inside.sums, name) if inside.sums else {}
    listed = list(told) if inside.sums else there
    missing = next((one for one in listed if one not in there), None)
    if missing is not None:
        raise NotWhole("the zip lacks a file that its list of checksums names", where=name, why=missing)
    if inside.files is not None and len(listed) != inside.files:
        why = f"{len(listed)} files, the host says {inside.files}"
        raise NotWhole("the zip holds another number of files than the host says", where=name, why=why)
    for member in there:
        found, expected = _md5(archive, member), told.get(member, "")
        if _MD5.fullmatch(expected) and found != expected:
            why = f"md5 of {member}: expected {expected}, found {found}"
            raise NotWhole("the zip holds a file with a wrong checksum", where=name, why=why)


def _sums(archive: ZipFile, member: str, name: str) -> dict[str, str]:
    """Return the MD5 by file, in lower case; a text that is none where the host knows none."""
    if member not in archive.namelist():
        why = f"without {member}, which comes last"
        raise NotWhole("the host broke off while it made the zip", where=name, why=why)
    if archive.getinfo(member).file_size > _MOST_SUMS_BYTES:
        raise NotWhole("the list of checksums in the zip is none", where=name, why=f"over {_MOST_SUMS_BYTES} bytes")
    text = archive.read(member).decode("utf-8", "replace")
    rows = [[part.strip() for part in row] for row in csv.reader(io.StringIO(text)) if row]
    if not rows or [part.lower() for part in rows[0]] != ["filename", "md5hash"] or any(len(row) != 2 for row in rows):
        raise NotWhole("the list of checksums in the zip is none", where=name, why=text[:80])
    return {file: md5.lower() for file, md5 in rows[1:]}


def _md5(archive: ZipFile, member: str) -> str:
    found = hashlib.md5(usedforsecurity=False)
    with archive.open(member) as stream:
        while piece := stream.read(_PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()
