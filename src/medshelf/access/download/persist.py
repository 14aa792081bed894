"""Trying again: as long as bytes come, however often the connection breaks; and not for ever when none do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from medshelf.access.download.job import Job
from medshelf.access.download.trouble import Again, Refused
from medshelf.access.web import Broken
from medshelf.errors import AccessError, AccessNeeded, MedshelfError, NotFound

_LEAST_TRIES = 3
_REFUSED = (401, 403)


class Patient:
    """Repeats one step of a download; the time without progress is counted, not the tries."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._web = job.tools.web
        self._forget()
        self._signed_anew = False

    def run(self, step: Callable[[], None]) -> None:
        """Call `step` until it returns.

        Raises
        ------
        AccessNeeded
            The host refuses, also at a fresh address, and says that a person has to do something.
        AccessError
            Nothing came for too long, or the host refuses.
        """
        job = self._job
        while True:
            if job.gate.closed is not None:
                raise job.gate.closed
            begun = time.monotonic()
            try:
                return step()
            except Again as trouble:
                self._see_progress()
                self._idle_s += time.monotonic() - begun
                self._wait(trouble)
            except Refused as trouble:
                self._see_progress()
                if self._signed_anew:
                    raise self._needed(trouble) from trouble
                self._signed_anew = True

    def _see_progress(self) -> None:
        if self._job.part.best > self._best:
            self._forget()

    def _forget(self) -> None:
        self._best = self._job.part.best
        self._host_had = self._job.gate.received
        self._idle_s = 0.0
        self._tries = 0
        self._signed_anew = False

    def _wait(self, trouble: Again) -> None:
        self._job.stop.check()
        patience = self._web.patience
        self._tries += 1
        wait = self._web.pause_s(self._tries, None) if trouble.wait_s is None else trouble.wait_s
        if wait > patience.most_asked_s:
            self._give_up(trouble, f"the host asks to wait {wait:.0f} s")
        never_reached = isinstance(trouble.error, Broken) and self._job.gate.received == 0
        most = min(patience.give_up_s, patience.reach_s) if never_reached else patience.give_up_s
        if self._tries >= _LEAST_TRIES and self._idle_s + wait > most:
            self._give_up(trouble, f"tried {self._tries} times without one more byte")
        self._idle_s += wait
        self._job.stop.pause(wait, self._web.sleep)

    def _give_up(self, trouble: Again, told: str) -> NoReturn:
        error = trouble.error
        error.hint = "Run again later: what has come is kept and continued"
        error.why = f"{error.why}; {told}" if error.why else told
        if self._job.gate.received == self._host_had:  # nothing came for any other file, either
            self._job.gate.closed = error
        raise error from trouble

    def _needed(self, trouble: Refused) -> MedshelfError:
        """Return the error for a refusal, asking the host what a person has to do."""
        source = self._job.source
        if trouble.status not in _REFUSED:
            return trouble.error
        try:
            need = source.host.needs(source.ref, self._web)
        except (AccessError, NotFound):
            return trouble.error
        if need is None:
            return trouble.error
        return AccessNeeded(need.why, steps=need.steps, where=source.shown_ref, why=trouble.error.why)
