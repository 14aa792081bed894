"""Work through a list of tasks, on one core or many, and go on where an earlier run stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

from medshelf.engine.journal import Journal
from medshelf.errors import MedshelfError

Task = tuple[str, str, Any]
"""Id, fingerprint of all that the result depends on, and what `work` is called with."""

Result = dict[str, Any]
Work = Callable[[Any], Result]
IN_FLIGHT_PER_JOB = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task ended: with a `result`, or with an `error`.

    `resumed` is True if the result comes from the journal.
    """

    task_id: str
    result: Result | None = None
    error: MedshelfError | None = None
    resumed: bool = False


Progress = Callable[[int, int | None, Outcome], None]
"""Told how many tasks have ended, of how many (None if unknown), and the last outcome."""


def run(
    tasks: Iterable[Task],
    work: Work,
    *,
    journal: Journal | None,
    jobs: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Do what isn't done yet, and yield an outcome for each task, in the order in which they end.

    Parameters
    ----------
    tasks : iterable of Task
        May be a generator: only a few tasks are taken ahead of their turn.
    work : callable
        Takes a task's payload and returns a result that JSON can hold. With several jobs, work, payload and
        result must be picklable.
    journal : Journal or None
        Where results are looked for and recorded. Failed tasks are not, so that they are tried again.
    jobs : int
        Processes; with 1 and no executor the work is done here.
    executor : concurrent.futures.Executor, optional
        Does the work instead, e.g. that of a Dask client. It is not shut down.
    progress : callable, optional
        See `Progress`.

    Yields
    ------
    Outcome
        A `MedshelfError` raised by `work` is one task's outcome. Where a process dies under a task (memory, a
        crash in a decoder), tasks that were in flight are done once more, one by one, and the one that kills
        its process again gets an error.

    Raises
    ------
    Exception
        Any other exception of `work` is a defect: the run ends, with a note that names the task.
    """
    if executor is None and jobs <= 1:
        outcomes = _run_here(tasks, work, journal)
    else:
        outcomes = _run_elsewhere(tasks, work, journal, max(jobs, 1), executor)
    total = len(tasks) if isinstance(tasks, Sized) else None
    for ended, outcome in enumerate(outcomes, 1):
        if progress:
            progress(ended, total, outcome)
        yield outcome


def _run_here(tasks: Iterable[Task], work: Work, journal: Journal | None) -> Iterator[Outcome]:
    for task in tasks:
        known = _known(task, journal)
        yield known if known is not None else _settle(task, partial(work, task[2]), journal)


def _run_elsewhere(
    tasks: Iterable[Task], work: Work, journal: Journal | None, jobs: int, executor: Executor | None
) -> Iterator[Outcome]:
    pool = executor or _new_pool(jobs)
    pending: dict[Future[Result], Task] = {}
    waiting = iter(tasks)
    try:
        while True:
            for task in waiting:
                known = _known(task, journal)
                if known is not None:
                    yield known
                    continue
                pending[_submit(pool, work, task)] = task
                if len(pending) >= jobs * IN_FLIGHT_PER_JOB:
                    break
            if not pending:
                return
            ended, _ = wait(pending, return_when=FIRST_COMPLETED)
            if executor is None and any(isinstance(f.exception(), BrokenExecutor) for f in ended):
                pool.shutdown(wait=False, cancel_futures=True)
                yield from _one_by_one(pending, work, journal)
                pending.clear()
                pool = _new_pool(jobs)
            for future in ended:
                if future in pending:
                    yield _settle(pending.pop(future), future.result, journal)
    finally:
        for future in pending:
            future.cancel()
        if executor is None:
            pool.shutdown(wait=True, cancel_futures=True)


def _one_by_one(
    pending: dict[Future[Result], Task], work: Work, journal: Journal | None
) -> Iterator[Outcome]:
    """Settle the tasks of a pool that broke; each that has no result is done once more, alone."""
    for future, task in pending.items():
        if future.done() and not future.cancelled() and not isinstance(future.exception(), BrokenExecutor):
            yield _settle(task, future.result, journal)
            continue
        with _new_pool(1) as pool:
            again = _submit(pool, work, task)
            try:
                again.exception()
                yield _settle(task, again.result, journal)
            except BrokenExecutor:
                yield Outcome(task[0], error=_died(task[0]))


def _submit(pool: Executor, work: Work, task: Task) -> Future[Result]:
    """Submit a task; if the pool is broken already, the future says so like those before it."""
    try:
        return pool.submit(work, task[2])
    except BrokenExecutor as error:
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


def _known(task: Task, journal: Journal | None) -> Outcome | None:
    result = journal.done(task[0], task[1]) if journal is not None else None
    return None if result is None else Outcome(task[0], result, resumed=True)


def _settle(task: Task, result_of: Callable[[], Result], journal: Journal | None) -> Outcome:
    """Return how a task ended, and record its result."""
    try:
        result = result_of()
    except MedshelfError as error:
        return Outcome(task[0], error=error)
    except BrokenExecutor:
        raise
    except Exception as error:
        error.add_note(f"in the task {task[0]!r}")
        raise
    if journal is not None:
        journal.record(task[0], task[1], result)
    return Outcome(task[0], result)


def _died(task_id: str) -> MedshelfError:
    return MedshelfError(
        "the process died that worked on this",
        where=task_id,
        why="twice, the second time with nothing beside it",
        hint="It may need more memory than there is, or crash a decoder",
    )


def _new_pool(jobs: int) -> ProcessPoolExecutor:
    method = "spawn" if sys.platform == "win32" else "forkserver"
    context = multiprocessing.get_context(method)
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare_worker)


def _prepare_worker() -> None:
    """Let an interrupt end the worker without a traceback, and the end of the parent end it too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
