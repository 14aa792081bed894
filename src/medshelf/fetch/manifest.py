"""Lists of addresses for other programs: aria2, s5cmd, or anything that reads one address a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote, urlsplit

from medshelf.access.hosts import Address
from medshelf.access.web import Web
from medshelf.access.web.redact import HARMLESS_HEADERS, shown
from medshelf.errors import AccessNeeded, MedshelfError
from medshelf.fetch.offer import Unasked
from medshelf.fetch.planned import Plan, PlannedFile

_S3 = re.compile(r"(?P<bucket>[\w.\-]+)\.s3(?:[.-][\w-]+)*\.amazonaws\.com")
_S3_PATH = re.compile(r"s3(?:[.-][\w-]+)*\.amazonaws\.com")
_ARIA2_SUMS = {"sha512": "sha-512", "sha256": "sha-256", "sha1": "sha-1", "md5": "md5"}
"""Algorithms by what aria2 calls them (aria2c --help=#checksum), best first."""

_HIDDEN = "…"
"""What `shown` puts in the place of a signature."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A list for another program."""

    text: str
    notes: tuple[str, ...]
    """Files that could not be put in, and addresses that run out."""


def manifest(planned: Plan, form: str, web: Web) -> Manifest:
    """Return the files that are to come as a list for another program.

    Addresses with signatures stand in it only where a host serves its files at no others; those run out, and a note
    says so. Credentials never do: a file that needs them is left out, with a note.

    Parameters
    ----------
    planned : Plan
    form : {"aria2", "s5cmd", "urls"}
        ``aria2c --input-file``, with checksums; ``s5cmd run``; one address a line.
    web : Web
        Hosts that sign addresses are asked.

    Raises
    ------
    AccessNeeded
        Nothing can be put in without a person doing something first.
    """
    aria2 = partial(_aria2, agent=web.agent)
    write: Callable[[PlannedFile, str], str | None] = {"aria2": aria2, "s5cmd": _s5cmd, "urls": _url}[form]
    lines: list[str] = []
    notes: list[str] = []
    for file in planned.files:
        if file.here == "yes":
            continue
        if file.members:
            notes.append(f"{file.name}: left out, only a part of it is wanted, which other programs can't take")
            continue
        url, note = _address(file, web)
        line = write(file, url) if url else None
        if url and line is None:
            why = f"it is not on S3 ({shown(url)})" if form == "s5cmd" else "its name has a line break"
            note = f"{file.name}: left out, {why}"
        notes += [note] if note else []
        lines += [line] if line else []
    if not planned.files and planned.steps:
        raise AccessNeeded("there are no addresses", where=planned.dataset, steps=planned.steps)
    return Manifest("".join(lines), tuple(notes))


def _address(file: PlannedFile, web: Web) -> tuple[str | None, str | None]:
    """Return the address of a file, and a remark on it; no address where it needs credentials."""
    source = file.wanted.source
    try:
        if isinstance(source.host, Unasked) and source.file.locator:
            found = Address(source.file.locator)
        else:
            found = source.host.address(source.file, source.ref, web)
    except MedshelfError as error:
        return None, f"{file.name}: {error.what}"
    secret = {name for name in found.headers if name.lower() not in HARMLESS_HEADERS}
    parts = urlsplit(found.url)
    if parts.username or parts.password:
        return None, f"{file.name}: left out, its address holds a password"
    if secret:
        return None, f"{file.name}: left out, it needs credentials, which are written nowhere: medshelf get"
    if _HIDDEN in unquote(shown(found.url)):
        return found.url, f"{file.name}: its address is signed, runs out, and should be shown to nobody"
    return found.url, None


def _aria2(file: PlannedFile, url: str, *, agent: str) -> str | None:
    """Return the lines of a file; aria2 goes by our name, as there are hosts that turn its own away (Zenodo)."""
    if _breaks((url, file.name, agent)):
        return None
    name = f"./{file.name}" if file.name[:1].isspace() else file.name  # blanks before a value are not part of it
    lines = [url, f"  out={name}", f"  user-agent={agent}"]
    known = file.checksums
    sums = [f"  checksum={theirs}={known[ours]}" for ours, theirs in _ARIA2_SUMS.items() if ours in known]
    return "\n".join([*lines, *sums[:1]]) + "\n"


def _s5cmd(file: PlannedFile, url: str) -> str | None:
    parts = urlsplit(url)
    host, key = parts.hostname or "", parts.path.lstrip("/")
    found = _S3.fullmatch(host)
    if found:
        bucket = found["bucket"]
    elif _S3_PATH.fullmatch(host):
        bucket, _, key = key.partition("/")
    else:
        return None
    if _breaks((url, file.name)) or parts.query:
        return None
    # without --raw, * and ? in a key stand for other keys, too
    return f"cp --raw {_quoted(f's3://{bucket}/{unquote(key)}')} {_quoted(file.name)}\n"


def _url(file: PlannedFile, url: str) -> str | None:
    return None if _breaks((url,)) else f"{url}\n"


def _quoted(text: str) -> str:
    """Quote as a shell does, which s5cmd's list follows."""
    import shlex

    return shlex.quote(text)


def _breaks(texts: Iterable[str]) -> bool:
    return any(ord(letter) < 32 for text in texts for letter in text)
