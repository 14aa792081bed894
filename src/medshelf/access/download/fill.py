"""Filling a part: in one stream, or in several spans at a time; from the beginning again when the file has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from medshelf.access.download.job import Job
from medshelf.access.download.persist import Patient
from medshelf.access.download.pull import pull
from medshelf.access.download.stop import Stop
from medshelf.access.download.trouble import StartOver, Stopped
from medshelf.errors import AccessError, NotWhole

SPAN_BYTES = 16 << 20
"""Bytes of one request where a file is fetched in several spans at a time."""
_MOST_STARTS = 4


def fill(job: Job) -> None:
    """Fetch all that is missing of what is wanted.

    Raises
    ------
    NotWhole
        The file at the host changes again and again.
    AccessError
        Only spans are wanted, and the host sends nothing but the whole.
    Wrong
        Something else came.
    MedshelfError
        See `Patient.run`.
    """
    why = ""
    for _ in range(_MOST_STARTS):
        try:
            if job.spans is not None:
                _in_spans(job, [piece for start, stop in job.spans for piece in job.part.gaps(stop, SPAN_BYTES, start)])
            elif job.ranges and _is_split(job):
                _in_spans(job, job.part.gaps(job.part.size or 0, SPAN_BYTES))
            else:
                _in_one_stream(job)
            return
        except StartOver as trouble:
            why = trouble.error.why or ""
            job.ranges = job.ranges and trouble.ranges
            if job.spans is not None and not job.ranges:
                hint = "Fetch the whole: leave out what chooses a part of it"
                raise AccessError("the host sends no parts of a file", where=job.name, why=why, hint=hint) from trouble
            job.part.restart()
            job.part.best = 0
    raise NotWhole("the file at the host changes while it is fetched", where=job.name, why=why)


def _is_split(job: Job) -> bool:
    least = job.source.host.LIMITS.split_from_bytes
    size = job.part.size
    return least is not None and size is not None and size >= least and _streams(job) > 1


def _streams(job: Job) -> int:
    return min(job.tools.jobs, job.source.host.LIMITS.parallel)


def _in_one_stream(job: Job) -> None:
    patient = Patient(job)
    while job.part.gap(0, job.part.size) is not None:
        patient.run(lambda: _pull_missing(job, 0, job.part.size))


def _pull_missing(job: Job, start: int, stop: int | None, *, may_restart: bool = True) -> None:
    if not job.ranges and job.part.there:
        job.part.restart(job.part.identity)
    gap = job.part.gap(start, stop)
    if gap is not None:
        pull(job, *gap, may_restart=may_restart)


def _in_spans(job: Job, spans: Sequence[tuple[int, int]]) -> None:
    """Fetch spans in order with several streams; the first error ends the others."""
    mine = Stop(job.tools.stop)
    job.stop = mine
    n_streams = max(1, min(_streams(job), len(spans)))
    pool = ThreadPoolExecutor(n_streams, thread_name_prefix="medshelf-span")
    try:
        shared = _Shared(iter(spans))
        futures = [pool.submit(_work, job, shared) for _ in range(n_streams)]
        wait(futures, return_when=FIRST_EXCEPTION)
        errors = [one.exception() for one in futures if one.done()]
        mine.set()
        for error in sorted(filter(None, errors), key=lambda one: isinstance(one, Stopped)):
            raise error
    finally:
        mine.set()
        pool.shutdown(wait=True)
        job.stop = job.tools.stop


class _Shared:
    """An iterator for several threads."""

    def __init__(self, spans: Iterator[tuple[int, int]]) -> None:
        self._spans = spans
        self._lock = threading.Lock()

    def next(self) -> tuple[int, int] | None:
        with self._lock:
            return next(self._spans, None)


def _work(job: Job, spans: _Shared) -> None:
    while (span := spans.next()) is not None:
        patient = Patient(job)
        while job.part.gap(*span) is not None:
            patient.run(lambda span=span: _pull_missing(job, *span, may_restart=False))
