"""Is what came the file? Digests, size, first bytes, structure; and how strong the proof is."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from medshelf.access.download.digests import OURS
from medshelf.access.download.job import Job
from medshelf.access.download.records import STRENGTHS
from medshelf.access.download.sniff import HEAD_BYTES, TAIL_BYTES, look_at_all
from medshelf.access.download.structure import structure_of
from medshelf.access.download.trouble import Wrong
from medshelf.errors import NotWhole


def prove(job: Job) -> tuple[str, str]:
    """Return the SHA-256 of the whole part, and the strength of the proof.

    Raises
    ------
    Wrong
        It is not the file.
    """
    job.part.end()
    found = job.digests.finish()
    try:
        _look(job, vouched=bool(job.expected) and _mismatch(job.expected, found) is None)
        compare(job.expected, found, job.name)
        return found[OURS], strength_of(job.expected) or _unvouched(job)
    except NotWhole as error:
        raise Wrong(error, tainted=True) from error


def compare(expected: Mapping[str, str], found: Mapping[str, str], name: str) -> None:
    """Raise `NotWhole` unless all digests are as expected."""
    algorithm = _mismatch(expected, found)
    if algorithm is not None:
        raise NotWhole(
            "the checksum is wrong", where=name,
            why=f"{algorithm}: expected {expected[algorithm]}, found {found.get(algorithm)}",
            hint="It was fetched twice and not kept; the file at the host may be damaged or replaced",
        )  # fmt: skip


def strength_of(expected: Mapping[str, str]) -> str | None:
    """Return the best of the checksums that are compared."""
    return next((name for name in STRENGTHS if name in expected), None)


def better(one: str, other: str) -> str:
    """Return the stronger of two."""
    return min(one, other, key=lambda name: STRENGTHS.index(name) if name in STRENGTHS else len(STRENGTHS))


def _mismatch(expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    return next((name for name, value in expected.items() if found.get(name) != value), None)


def _look(job: Job, *, vouched: bool) -> None:
    size = job.part.size or 0
    tail_from = max(0, size - TAIL_BYTES)
    tail = job.part.read(tail_from, size - tail_from) if job.name.lower().endswith(".zip") else b""
    look_at_all(job.name, job.part.read(0, HEAD_BYTES), tail, vouched=vouched)


def _unvouched(job: Job) -> str:
    if not job.unsized and job.source.file.inside is None:
        return "size"
    part = job.part
    if part.in_memory:
        return structure_of(BytesIO(part.read(0, part.size or 0)), job.name, job.source.file.inside)
    with open(part.path, "rb") as stream:
        return structure_of(stream, job.name, job.source.file.inside)
