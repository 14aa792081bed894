"""From an archive's bytes to its index, whatever its kind, and one level into the archives it holds."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext

from medshelf.access import _crypt, _solid, _tar, _zip
from medshelf.access._codec import Decompressed
from medshelf.access._far import End, far, refuse_afar
from medshelf.access._index import BLOCK, ENCRYPTED, TAR, Entry, Index, part_of
from medshelf.access._kind import COMPRESSED, UNREAD, is_archive_name, kind_of
from medshelf.access._password import locked
from medshelf.access._random_access import is_quick
from medshelf.access._source import SOLID, Source, Unpacked
from medshelf.access._split import Joined
from medshelf.access.problem import Problems
from medshelf.errors import AccessError, MedshelfError, MissingExtra

Progress = Callable[[int, int], None]
"""Told how many bytes of how many of the archive have been looked at."""

_BUFFER_BYTES = 1 << 16
_MEMBERS_OF_ANY = 1_000_000
_LEAST_BYTES_OF_MEMBER = 8
"""A compressed tar with more members than this allows is a bomb of names: headers alone pack better than 100 to 1."""
LISTING_BYTES = 4 << 20
"""Most that listing a tar, or the archives in an archive, may cost from afar, or a share of it where that is more."""
LISTING_SHARE = 50
_MOST_FROM_AFAR = 200
"""Archives inside that are looked into from afar: each costs two or three requests."""
_INNER_BYTES = 8 << 30
_INNER_RATIO = 100
"""Archives inside are unpacked to be listed as long as that is so much, or so much more than the archive has."""
_EMPTY_TAR_BYTES = range(1024, 1 << 20, 512)
"""Sizes that a tar without members has; a larger file of zeros is room made for a download."""


def read_index(
    archive: Source, name: str, *, inner: bool, progress: Progress | None = None, password: str | None = None
) -> Index:
    """List an archive.

    Parameters
    ----------
    archive : Source
        Its bytes.
    name : str
        For messages.
    inner : bool
        Whether to list the archives among its members too.
    progress : callable, optional
        See `Progress`.
    password : str, optional
        Opens what is encrypted.

    Raises
    ------
    AccessError
        It is damaged, cut, empty, or of a kind that is not read.
    """
    index = _read_one(archive, name, progress, password)
    if inner:
        problems, afar = Problems(name), far(archive)
        most = max(LISTING_BYTES, archive.size_bytes // LISTING_SHARE)
        with afar.at_most(most) if afar is not None else nullcontext():
            _read_inner(index, archive, name, problems, password)
        index.problems += problems.as_tuple()
    return index


def packed_source(entry: Entry, name: str, password: str | None = None) -> Source:
    """Return a member's bytes as a source: part of the archive, or that part unpacked."""
    if entry.flags & ENCRYPTED and password is None:
        raise locked(name)
    if entry.method in (TAR, BLOCK):
        return part_of(entry, entry.offset)
    with entry.source.open() as stream:
        if entry.flags & ENCRYPTED and password is not None:
            packed, method, crc32 = _crypt.decrypted(stream, entry, name, password)
        else:
            packed, method, crc32 = part_of(entry, _zip.data_start(stream, entry, name)), entry.method, entry.crc32
    if method == _zip.STORED:
        return packed
    refuse_unreadable(method, name)
    return Unpacked(packed, _zip.METHODS[method], entry.size_bytes, name, crc32)


def refuse_unreadable(method: int, name: str, *, encrypted: bool = False) -> None:
    """Raise `AccessError` for a compression that is not read; AES stands in front of one, where it is encrypted."""
    known = (_zip.STORED, TAR, BLOCK, _crypt.AES) if encrypted else (_zip.STORED, TAR, BLOCK)
    if method not in _zip.METHODS and method not in known:
        called = _zip.OTHER_METHODS.get(method, f"method {method}")
        raise AccessError(
            f"the member is compressed with {called}, which is not read",
            where=name,
            hint="Unpack the archive with 7-Zip and name the folder instead",
        )


def _read_one(archive: Source, name: str, progress: Progress | None, password: str | None = None) -> Index:
    with _open_forward(archive) as stream:
        head = _head(stream)
        kind = kind_of(head)
        if far(archive) is not None:
            refuse_afar(kind, name)
        if kind == "zip" or (not kind and name.lower().endswith(".zip")):
            disks = archive.starts if isinstance(archive, Joined) and archive.disks else (0,)
            at_end = End(stream, archive.size_bytes) if isinstance(stream, Decompressed) else stream
            return _zip.read_index(at_end, archive.size_bytes, name, disks)
        if kind in COMPRESSED:
            return _read_compressed(archive, kind, name, progress)
        if kind == "tar" or _is_empty_tar(head, archive.size_bytes):
            stream.seek(0)
            known = None if isinstance(stream, Decompressed) else archive.size_bytes
            buffered = io.BufferedReader(stream, _BUFFER_BYTES)
            total = archive.size_bytes
            step = (lambda at: progress(at, total)) if progress else _unheard
            return _tar.read_index(buffered, known, name, step)[0]
    if kind in SOLID:
        return _solid.read_index(kind, archive, name, password)
    raise _unreadable(kind, head, name)


def _read_compressed(archive: Source, codec: str, name: str, progress: Progress | None) -> Index:
    total = archive.size_bytes
    raw = Decompressed(_open_forward(archive), codec, name)
    with io.BufferedReader(raw, _BUFFER_BYTES * 4) as stream:
        head = stream.read(_tar.BLOCK)
        stream.seek(0)
        if not _tar.looks_like_tar(head) and any(head):
            raise AccessError(
                f"this is one file compressed with {codec}, not an archive",
                where=name,
                hint="Name the folder in which it lies",
            )
        step = (lambda _: progress(raw.packed_position(), total)) if progress else _unheard
        most = max(_MEMBERS_OF_ANY, total // _LEAST_BYTES_OF_MEMBER)
        index, unpacked_bytes = _tar.read_index(stream, None, name, step, most)
    index.codec, index.unpacked_bytes = codec, unpacked_bytes
    return index


def _read_inner(index: Index, archive: Source, name: str, problems: Problems, password: str | None) -> None:
    source = index.bytes_of(archive, name, password)
    left = max(_INNER_BYTES, _INNER_RATIO * archive.size_bytes)
    members = [(row, n) for row, n in enumerate(index.names) if is_archive_name(n)]
    afar = far(archive)
    if afar is not None and len(members) > _MOST_FROM_AFAR:
        problems.add(name, f"{len(members)} archives lie in it, of which {_MOST_FROM_AFAR} were looked into from afar")
        members = members[:_MOST_FROM_AFAR]
    for row, member in members:
        entry = index.entry(row, source)
        full_name = f"{name}!/{member}"
        if isinstance(entry.source, Unpacked) and not is_quick(entry.source):
            problems.add(member, "not looked into: the archive around it is too large to unpack for that")
            continue
        try:
            if afar is not None:
                _refuse_packed(entry, full_name)
            inside = packed_source(entry, full_name, password)
            left -= inside.size_bytes if isinstance(inside, Unpacked) else 0
            if left < 0:
                problems.add(member, f"not looked into: it would unpack to {inside.size_bytes} bytes to be listed")
                break
            found = _read_one(inside, full_name, None, password)
        except MedshelfError as error:
            index.lasting = index.lasting and afar is None and not isinstance(error, MissingExtra)
            problems.add(member, error)
            continue
        index.inner[member] = found
        for problem in found.problems:
            path = member if problem.path == full_name else f"{member}!/{problem.path}"
            problems.add(path, problem.message)
        found.problems = ()


def _refuse_packed(entry: Entry, name: str) -> None:
    if entry.method not in (TAR, _zip.STORED) or entry.flags & ENCRYPTED:
        raise AccessError(
            "not looked into: it is packed in the archive around it, and can't be listed without reading all of it",
            where=name, hint="Download the archive, and look into it then",
        )  # fmt: skip


def _open_forward(source: Source) -> io.RawIOBase:
    return source.open_forward() if isinstance(source, Unpacked) else source.open()


def _head(stream: io.RawIOBase) -> bytes:
    head = b""
    while len(head) < _tar.BLOCK and (data := stream.read(_tar.BLOCK - len(head))):
        head += data
    return head


def _is_empty_tar(head: bytes, size_bytes: int) -> bool:
    return size_bytes in _EMPTY_TAR_BYTES and not any(head)


def _unheard(position: int) -> None:
    """Take a step's report when nobody listens."""


def _unreadable(kind: str, head: bytes, name: str) -> AccessError:
    if kind == "empty":
        return AccessError("the archive is empty (0 bytes)", where=name, hint="Fetch it again")
    if kind == "web page":
        return AccessError(
            "this is a web page, not an archive",
            where=name,
            why="the host answered with an error or login page that was saved under this name",
            hint="Fetch it again and look at what the host says",
        )
    if kind in UNREAD:
        return AccessError(
            f"{kind} archives are not read", where=name, hint="Unpack it and name the folder instead"
        )
    if head and not any(head):
        return AccessError(
            "the file begins with zeros only",
            where=name,
            why="room was made for a download that did not come",
            hint="Fetch it again",
        )
    return AccessError(
        "this is no archive that medshelf reads",
        where=name,
        why=f"first bytes {head[:8]!r}",
        hint="Readable are zip, tar, tar.gz, tar.bz2, tar.xz, 7z and rar",
    )
