"""A file that nobody vouches for: does its own structure say that it is whole?"""

from __future__ import annotations

import zlib
from typing import BinaryIO

from medshelf.access.download.inside import check_inside
from medshelf.access.hosts import Inside
from medshelf.errors import NotWhole

_PIECE_BYTES = 1 << 20
_MOST_RATIO = 1100
"""Deflate packs at most 1032 : 1; a zip that promises more has members that share their bytes."""


def structure_of(stream: BinaryIO, name: str, inside: Inside | None = None) -> str:
    """Check a zip by the checksums of its members, a gzip by reading it to its end.

    Parameters
    ----------
    stream : BinaryIO
    name : str
    inside : Inside, optional
        What a zip has to hold.

    Returns
    -------
    str
        ``structural``, or ``none`` when the file is of another kind.

    Raises
    ------
    NotWhole
        It is cut or damaged.
    """
    head = stream.read(4)
    stream.seek(0)
    if name.lower().endswith(".zip") or head == b"PK\x03\x04":
        return _check_zip(stream, name, inside)
    if inside is not None:
        raise NotWhole("this is no zip, which it has to be", where=name)
    if head[:2] == b"\x1f\x8b":
        return _check_gzip(stream, name)
    return "none"


def _check_zip(stream: BinaryIO, name: str, inside: Inside | None) -> str:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(stream) as archive:
            members = archive.infolist()
            if sum(one.file_size for one in members) > _MOST_RATIO * stream.seek(0, 2):
                raise NotWhole("the zip promises more than it can hold", where=name)
            if any(one.flag_bits & 1 for one in members):
                return "structural"  # encrypted: its table of contents is whole, which stands at the end
            if inside is not None:
                check_inside(archive, inside, name)
                return "structural"
            broken = archive.testzip()
    except NotImplementedError:  # a compression that Python does not know; the table of contents is whole
        return "structural"
    except (BadZipFile, EOFError, zlib.error, OSError, ValueError, OverflowError) as error:
        raise NotWhole("the zip is cut or damaged", where=name, why=str(error)) from error
    if broken:
        raise NotWhole("the zip is damaged", where=name, why=f"wrong checksum of {broken}")
    return "structural"


def _check_gzip(stream: BinaryIO, name: str) -> str:
    member = zlib.decompressobj(31)
    rest = b""
    while True:
        data = rest or stream.read(_PIECE_BYTES)
        if not data:
            break
        if member.eof:  # another member, or zeros that fill a block
            if not data.strip(b"\0"):
                rest = b""
                continue
            member = zlib.decompressobj(31)
        try:
            member.decompress(data, _PIECE_BYTES)
        except zlib.error as error:
            raise NotWhole("the gzip is damaged", where=name, why=str(error)) from error
        rest = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof and member.decompress(b"", _PIECE_BYTES):
        pass
    if not member.eof:
        raise NotWhole("the gzip ends before its data does", where=name)
    return "structural"
