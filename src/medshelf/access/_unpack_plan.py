"""What an archive would write where, and every reason not to, found before anything is written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from medshelf.access import _zip
from medshelf.access._codec import DEFLATE_MAX_RATIO
from medshelf.access._index import BLOCK, LEFT_OUT, SETUID, TAR, TWICE, Index
from medshelf.access.archive import Archive
from medshelf.access.problem import legible, shortened
from medshelf.errors import AccessError, NotFound

MOST_MEMBERS = 1_000_000
MOST_FOLDERS = 64
OWN_FOLDER = ".unpacked"
"""Where the journal and the marker lie, below the folder that is filled."""
LOCK_FILE = "medshelf.lock.json"
"""What a download writes beside its files (`medshelf.access.download`)."""
_LONGEST_PART_BYTES = 255
_LONGEST_BYTES = 900
"""A path may have 1,024 bytes on macOS (PATH_MAX), with the folder that is filled."""
_LOCAL_BYTES = 30
_SHOWN = 5
_ODD = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_IGNORED = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Characters that HFS+ leaves out of account when it compares names (Apple, Technical Note TN1150)."""
_SHORT = re.compile(re.escape(OWN_FOLDER[1:7]) + r"~\d+")
"""What Windows calls `OWN_FOLDER` where names are of 8 and 3 letters."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *", re.IGNORECASE)
"""Names of devices in any folder and with any ending (learn.microsoft.com, Naming Files, Paths, and Namespaces)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One member to write."""

    name: str
    target: str
    """Relative, with forward slashes."""
    row: int
    offset: int
    size_bytes: int
    crc32: int | None
    """As the archive says; None in a tar, which says none."""


def plan(archive: Archive, members: Iterable[str] | None) -> list[Step]:
    """Return what is to be written, in the order in which it lies in the archive.

    Parameters
    ----------
    archive : Archive
    members : iterable of str, optional
        What to take; by default all, and then nothing may have been left out of the list either.

    Raises
    ------
    NotFound
        One of `members` is not there.
    AccessError
        The archive holds what no archive of data should; the reasons name the members.
    """
    index = archive.index
    rows = range(len(index.names)) if members is None else sorted({_row(archive, name) for name in members})
    if len(rows) > MOST_MEMBERS:
        raise _refused(archive, [f"{len(rows)} members, more than {MOST_MEMBERS}"])
    steps = [_step(index, row) for row in rows]
    faults = [] if members is not None else list(_left_out(archive, index))
    faults += [f"{shortened(s.name)}: {fault}" for s in steps if (fault := _fault(index, s))]
    faults += [*_collisions(steps), *_overlaps(index)]
    if faults:
        raise _refused(archive, faults)
    return sorted(steps, key=lambda step: step.offset)


def directory_hash(archive: Archive) -> str:
    """Return the SHA-256 of what the archive says of its members: names, places, sizes and checksums."""
    index, made = archive.index, hashlib.sha256(f"{archive.source.size_bytes}\n".encode())
    for row, name in enumerate(index.names):
        made.update(f"{name}\0{[column[row] for column in index.columns.values()]}\n".encode())
    return made.hexdigest()


def portable(name: str) -> str:
    """Return a name that every system can store: ``<>:"|?*\\``, control characters and ends in dots become ``_``."""
    parts = (_ODD.sub("_", part) for part in legible(name).split("/"))
    return "/".join(part[:-1] + "_" if part[-1:] in (".", " ") else part for part in parts)


def _row(archive: Archive, name: str) -> int:
    row = archive.index.find(name)
    if row is None:
        raise NotFound("the archive has no such member", where=f"{archive.where}!/{name}")
    return row


def _step(index: Index, row: int) -> Step:
    name, column = index.names[row], {key: values[row] for key, values in index.columns.items()}
    crc32 = None if column["method"] == TAR else column["crc32"]
    return Step(name, portable(name), row, column["offset"], column["size"], crc32)


def _left_out(archive: Archive, index: Index) -> Iterator[str]:
    for problem in index.problems:
        if problem.message.startswith((LEFT_OUT, TWICE)):
            yield f"{problem.path}: {problem.message.removeprefix(LEFT_OUT)}"
        elif problem.path == archive.where and "more problems" in problem.message:
            yield problem.message


def _fault(index: Index, step: Step) -> str:
    parts = step.target.split("/")
    column = {key: values[step.row] for key, values in index.columns.items()}
    if column["flags"] & SETUID:
        return "it would run as another user (setuid or setgid)"
    first = _same(parts[0])
    if first == OWN_FOLDER or _SHORT.fullmatch(first):
        return f"{OWN_FOLDER} is the folder of the journal"
    if first == LOCK_FILE:
        return f"{LOCK_FILE} is the lock file of a download"
    if len(parts) > MOST_FOLDERS:
        return f"it lies more than {MOST_FOLDERS} folders deep"
    if any(_RESERVED.fullmatch(part.partition(".")[0]) for part in parts):
        return "Windows keeps this name for a device"
    if any(len(part.encode()) > _LONGEST_PART_BYTES for part in parts):
        return f"a part of the name is longer than {_LONGEST_PART_BYTES} bytes"
    if len(step.target.encode()) > _LONGEST_BYTES:
        return f"the name is longer than {_LONGEST_BYTES} bytes"
    deflated = column["method"] not in (TAR, BLOCK) and _zip.METHODS.get(column["method"]) == "deflate"
    if deflated and column["size"] > column["packed"] * DEFLATE_MAX_RATIO:
        return f"it declares {column['size']} bytes, more than its {column['packed']} packed ones can hold"
    return ""


def _collisions(steps: list[Step]) -> Iterator[str]:
    """Yield files that some system would write over each other, or where another has a folder."""
    seen: dict[str, str] = {}
    for step in steps:
        key = _same(step.target)
        if key in seen:
            yield f"{step.name}: the same file as {seen[key]} where case or spelling do not count"
        seen[key] = step.name
    for step in steps:
        key = _same(step.target)
        while "/" in key:
            key = key.rpartition("/")[0]
            if key in seen:
                yield f"{seen[key]}: a file, and the folder of {step.name}"
                return


def _same(target: str) -> str:
    if target.isascii():
        return target.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", _IGNORED.sub("", target)).casefold())


def _overlaps(index: Index) -> Iterator[str]:
    """Yield members of a zip that share bytes, which is how a small one unpacks to petabytes (D. Fifield, 2019)."""
    if index.codec is not None or (index.names and index.columns["method"][0] == TAR):
        return
    order = sorted(range(len(index.names)), key=lambda row: index.columns["offset"][row])
    end, before = 0, -1
    for row in order:
        offset = index.columns["offset"][row]
        if offset < end:
            yield f"{index.names[row]}: it shares bytes with {index.names[before]}"
            return
        end, before = offset + _LOCAL_BYTES + index.columns["packed"][row], row


def _refused(archive: Archive, faults: list[str]) -> AccessError:
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return AccessError(
        "the archive is not safe to unpack, and nothing was written", where=archive.where,
        why="; ".join(faults[:_SHOWN]) + more, hint="If you trust the rest, name the members to take",
    )  # fmt: skip
