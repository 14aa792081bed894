"""One file from one source, whole, under its name; or an error, and what has come is kept for the next time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from medshelf.access.download.fill import fill
from medshelf.access.download.job import Job, Tools
from medshelf.access.download.prove import prove
from medshelf.access.download.records import Fetched, Source
from medshelf.access.download.trouble import Wrong


def fetch_one(source: Source, target: Path, tools: Tools, also: Mapping[str, str] | None = None) -> Fetched:
    """Fetch a file; what comes wrong is fetched anew once.

    Parameters
    ----------
    source : Source
    target : Path
    tools : Tools
    also : mapping of str to str, optional
        Checksums that it must have beside those of the host.

    Raises
    ------
    NotWhole
        It was wrong twice.
    MedshelfError
        As in `medshelf.access.download.fill.fill`.
    """
    try:
        return _attempt(Job(source, target, tools, also))
    except Wrong:
        tools.stop.check()
    try:
        return _attempt(Job(source, target, tools, also))
    except Wrong as trouble:
        raise trouble.error from trouble


def _attempt(job: Job) -> Fetched:
    part = job.part
    is_kept = True
    try:
        part.resume()
        fill(job)
        job.saver.finish()
        sha256, strength = prove(job)
        part.publish()
        is_kept = False
    except Wrong as trouble:
        if trouble.tainted:
            is_kept = False
            part.discard()
        raise
    finally:
        part.end(dropped=is_kept)
        job.saver.finish()
        job.digests.join()
        if is_kept:
            part.keep()
        part.close()
    size = part.size or 0
    job.tools.tell(size, size, job.name)
    source = job.source
    return Fetched(job.name, job.target, size, sha256, source.shown_ref, strength, now(), job.received)


def now() -> str:
    """Return the time, UTC, as the lock file has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
