"""Read mutants of every reader's files in a process of their own: ``python -m tests.fuzz.run --mutants 5000``.

What a reader may do with bytes that are wrong: raise an error of ours, or read something. What it may not: raise
anything else, take longer than `MOST_SECONDS`, take more memory than `memory_limit_bytes` allows, or end the process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from medshelf.errors import MedshelfError
from tests.fuzz.subjects import SUBJECTS, Subject

MOST_SECONDS = 5.0
SLACK_BYTES = 64 << 20
"""What the allocator, the libraries' own buffers and their import may take whatever the file."""
ADDRESS_SPACE_BYTES = 6 << 30
"""So that a reader which goes wild ends itself, not the machine."""


@dataclass
class Outcome:
    """What became of the mutants of one reader."""

    name: str
    n_mutants: int = 0
    n_errors: int = 0
    """Errors of ours."""
    n_read: int = 0
    """Mutants that were read all the same."""
    most_seconds: float = 0.0
    most_bytes: int = 0
    """Most memory that one mutant added."""
    problems: list[str] = field(default_factory=list)


def memory_limit_bytes(honest_bytes: int) -> int:
    """Return what reading a mutant may take: four times what the file that is right takes, and the slack."""
    return 4 * honest_bytes + SLACK_BYTES


def fuzz(subject: Subject, n_mutants: int, first: int = 0) -> Outcome:
    """Read mutants of one reader; a process that ends or hangs is a problem, and the next one goes on after it."""
    outcome = Outcome(subject.name)
    context = multiprocessing.get_context("spawn")
    at = first
    while at < first + n_mutants:
        here, there = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(subject.name, at, first + n_mutants, there), daemon=True)
        worker.start()
        there.close()
        at = _follow(here, worker, outcome, at)
    return outcome


def _follow(pipe: Any, worker: Any, outcome: Outcome, at: int) -> int:
    """Take in what a worker tells; return the number of the mutant to go on with."""
    patience = 120.0  # for the start
    while pipe.poll(patience):
        try:
            number, kind, text, seconds, n_bytes = pipe.recv()
        except EOFError:
            worker.join()
            if worker.exitcode != 0:
                outcome.problems.append(f"mutant {at}: the process ended with {worker.exitcode}")
                outcome.n_mutants += 1
                return at + 1
            return sys.maxsize
        patience = MOST_SECONDS + 15
        at = number + 1
        outcome.n_mutants += 1
        outcome.n_errors += kind == "error"
        outcome.n_read += kind == "read"
        outcome.most_seconds = max(outcome.most_seconds, seconds)
        outcome.most_bytes = max(outcome.most_bytes, n_bytes)
        if text:
            outcome.problems.append(f"mutant {number}: {text}")
    worker.kill()
    worker.join()
    outcome.problems.append(f"mutant {at}: nothing came back for {patience:.0f} s")
    outcome.n_mutants += 1
    return at + 1


def _work(name: str, first: int, stop: int, pipe: Any) -> None:
    """Read mutants and tell what became of each; runs in a process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries in C complain there
    warnings.simplefilter("ignore")
    subject = next(one for one in SUBJECTS if one.name == name)
    honest = max(_honest_bytes(subject))
    for number in range(first, stop):
        pipe.send((number, *_one(subject, number, memory_limit_bytes(honest))))


def _honest_bytes(subject: Subject) -> Iterator[int]:
    """Yield how much memory the files that are right take; the first reading of each also imports what it needs."""
    from tests.conformance.test_formats import MemoryBlob

    for files in subject.seeds():
        blob = MemoryBlob(files, files[0][0])
        subject.read(blob)
        _forget_peak()
        before = _resident_bytes("VmRSS")
        subject.read(blob)
        yield max(_resident_bytes("VmHWM") - before, sum(len(data) for _, data in files))


def _one(subject: Subject, number: int, most_bytes: int) -> tuple[str, str, float, int]:
    """Read one mutant: kind of outcome, problem or "", seconds, bytes that it added."""
    blob = subject.blob(number)
    _forget_peak()
    before, begun = _resident_bytes("VmRSS"), time.monotonic()
    kind, text = "read", ""
    try:
        subject.read(blob)
    except MedshelfError as error:
        kind = "error"
        if not error.what:
            text = f"an error that says nothing: {error!r}"
    except BaseException as error:  # whatever else comes is what is looked for
        kind, text = "problem", f"{type(error).__name__}: {str(error)[:200]}"
    seconds, added = time.monotonic() - begun, max(0, _resident_bytes("VmHWM") - before)
    if seconds > MOST_SECONDS:
        text = text or f"took {seconds:.1f} s"
    if added > most_bytes:
        text = text or f"took {added >> 20} MiB, {most_bytes >> 20} are allowed"
    return kind, text, seconds, added


def _forget_peak() -> None:
    """Begin to measure the peak of resident memory anew (Linux, proc(5))."""
    with open("/proc/self/clear_refs", "w") as switch:
        switch.write("5")


def _resident_bytes(name: str) -> int:
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(name))
    return int(line.split()[1]) * 1024


def main() -> int:
    """Fuzz all readers, or those that are named; print a table; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("readers", nargs="*", help="names of readers; all by default")
    parser.add_argument("--mutants", type=int, default=5000, help="mutants for each reader")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant, to see one again")
    chosen = parser.parse_args()
    print(f"{'reader':<30}{'mutants':>9}{'refused':>9}{'read':>9}{'slowest':>10}{'memory':>10}  problems")
    bad = 0
    for subject in SUBJECTS:
        if chosen.readers and subject.name not in chosen.readers:
            continue
        if not subject.seeds():
            print(f"{subject.name:<30} not run: the real data that it starts from is missing", flush=True)
            continue
        done = fuzz(subject, chosen.mutants, chosen.first)
        bad += len(done.problems)
        print(
            f"{done.name:<30}{done.n_mutants:>9}{done.n_errors:>9}{done.n_read:>9}{done.most_seconds:>8.2f} s"
            f"{done.most_bytes >> 20:>6} MiB  {len(done.problems) or 'none'}", flush=True,
        )  # fmt: skip
        for problem in done.problems[:10]:
            print(f"    {problem}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
