"""Prove files that somebody else fetched: by checksums and sizes of the host, else by their own structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from medshelf.access._kind import is_archive_name
from medshelf.access.archive import Archive
from medshelf.access.download import Fetched, Progress
from medshelf.access.download.digests import OURS, hasher, known
from medshelf.access.download.one import now
from medshelf.access.download.prove import strength_of
from medshelf.access.download.room import told
from medshelf.access.download.sniff import HEAD_BYTES, TAIL_BYTES, look_at_all
from medshelf.access.download.structure import structure_of
from medshelf.errors import MedshelfError, MissingExtra, NotWhole
from medshelf.fetch.planned import PlannedFile

BY_HAND = "by hand"
"""What stands for the source in the lock file where no checksum shows that a file is the host's."""
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Doubt:
    """A file that is not as it should be."""

    name: str
    kind: Literal["missing", "cut", "longer", "changed", "damaged"]
    message: str
    size_bytes: int | None
    """What is here; a file that is cut ends at this byte."""
    expected_bytes: int | None
    """What should be here."""


def prove(
    folder: Path, names: Sequence[str], pairs: Mapping[str, PlannedFile], progress: Progress | None = None
) -> tuple[list[Fetched], list[Doubt]]:
    """Read every file; return those that are sound, and what is wrong with the others.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Names below the folder.
    pairs : mapping of str to PlannedFile
        What the host says of a file, by the name that it has here.
    progress : callable, optional

    Raises
    ------
    AccessError
        A file can't be read.
    """
    sound: list[Fetched] = []
    doubts: list[Doubt] = []
    try:
        total = sum((folder / name).stat().st_size for name in names)
    except OSError as error:
        raise told(error, folder) from error
    done = 0
    for name in names:
        found = _prove_one(folder / name, name, pairs.get(name))
        if isinstance(found, Doubt):
            doubts.append(found)
            done += found.size_bytes or 0
        else:
            sound.append(found)
            done += found.size_bytes
        if progress is not None:
            progress(done, total, name)
    return sound, doubts


def _prove_one(path: Path, name: str, planned: PlannedFile | None) -> Fetched | Doubt:
    try:
        size = path.stat().st_size
        wanted = planned.size_bytes if planned else None
        if wanted is not None and size < wanted:
            why = f"it is cut short: it ends at byte {size:,} of {wanted:,}"
            return Doubt(name, "cut", why, size, wanted)
        if wanted is not None and size > wanted:
            return Doubt(name, "longer", f"it has {size:,} bytes, the host says {wanted:,}", size, wanted)
        expected = known(planned.checksums) if planned else {}
        found = _digests(path, size, {OURS, *expected})
        wrong = next((a for a, value in expected.items() if found[a] != value), None)
        if wrong is not None:
            why = _structure(path, name, size)[1]
            said = f"its {wrong} is {found[wrong]}, the host says {expected[wrong]}"
            return replace(why, message=f"{why.message}; {said}") if why else Doubt(name, "changed", said, size, wanted)
        strength, doubt = strength_of(expected), None
        if strength is None:
            strength, doubt = ("size", None) if wanted is not None else _structure(path, name, size, planned)
        if doubt is not None:
            return doubt
    except OSError as error:
        raise told(error, path) from error
    ref = planned.ref if planned is not None and expected else BY_HAND
    return Fetched(name, path, size, found[OURS], ref, strength, now())


def _structure(path: Path, name: str, size: int, planned: PlannedFile | None = None) -> tuple[str, Doubt | None]:
    """Return how far the bytes themselves prove a file, or what they show to be wrong."""
    if size == 0:
        return "none", Doubt(name, "cut", "it is empty", 0, None)
    try:
        with open(path, "rb") as stream:
            head = stream.read(HEAD_BYTES)
            stream.seek(max(0, size - TAIL_BYTES))
            if other := _is_other(name, head, stream.read(TAIL_BYTES)):
                return "none", Doubt(name, "damaged", other, size, None)
            stream.seek(0)
            strength = structure_of(stream, name, planned.wanted.source.file.inside if planned else None)
        if strength == "none" and is_archive_name(name):
            _ = Archive(path, inner=False).names
            strength = "structural"
    except NotWhole as error:
        is_cut = "end" in error.what or "cut" in error.what
        kind: Literal["cut", "damaged"] = "cut" if is_cut else "damaged"
        why = f"{error.what}: it ends at byte {size:,}" if is_cut else f"{error.what} ({error.why})"
        return "none", Doubt(name, kind, why, size, None)
    except MissingExtra:
        return "none", None
    except MedshelfError as error:
        return "none", Doubt(name, "damaged", f"{error.what} ({error.why})" if error.why else error.what, size, None)
    return strength, None


def _is_other(name: str, head: bytes, tail: bytes) -> str | None:
    """Return what was saved under the name of a file, when its first bytes are those of something else."""
    try:
        look_at_all(name, head, tail, vouched=False)
    except NotWhole as error:
        return error.why or error.what
    return None


def _digests(path: Path, size: int, algorithms: set[str]) -> dict[str, str]:
    hashers = {algorithm: hasher(algorithm, size) for algorithm in algorithms}
    with open(path, "rb") as stream:
        while data := stream.read(_PIECE_BYTES):
            for one in hashers.values():
                one.update(data)
    return {algorithm: one.hexdigest() for algorithm, one in hashers.items()}
