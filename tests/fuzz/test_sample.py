"""A sample of the mutants of every reader; `make fuzz` reads thousands of each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from medshelf.errors import FormatError
from tests.fuzz import run
from tests.fuzz.mutate import mutant
from tests.fuzz.run import Outcome, fuzz
from tests.fuzz.subjects import SUBJECTS, Subject

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured by Linux's /proc")
MUTANTS = 120


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_mutants_are_refused_or_read(subject: Subject, request: pytest.FixtureRequest) -> None:
    if not subject.seeds():
        request.getfixturevalue("shared_data")
    done = fuzz(subject, MUTANTS, first=1_000_000)
    assert not done.problems
    assert done.n_mutants == done.n_errors + done.n_read == MUTANTS
    assert done.n_errors > 0


def test_mutants_are_the_same_every_time_and_differ_from_each_other() -> None:
    seeds = [bytes(range(256)) * 4, b"hello" * 100]
    assert [mutant(seeds, n) for n in range(50)] == [mutant(seeds, n) for n in range(50)]
    assert len({mutant(seeds, n) for n in range(50)}) > 40


def wrong(_: object) -> None:
    raise KeyError("x")


def slow(_: object) -> None:
    time.sleep(0.2)


def greedy(_: object) -> None:
    taken = bytearray(200 << 20)
    taken[::4096] = b"x" * len(taken[::4096])


def polite(_: object) -> None:
    raise FormatError("no")


def test_what_a_reader_may_not_do_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(read: Callable[[object], None]) -> tuple[str, str]:
        kind, text, _, _ = run._one(Subject("x", SUBJECTS[0].files, read), 0, 100 << 20)
        return kind, text

    assert told(polite) == ("error", "")
    assert told(wrong) == ("problem", "KeyError: 'x'")
    assert "MiB, 100 are allowed" in told(greedy)[1]
    monkeypatch.setattr(run, "MOST_SECONDS", 0.1)
    assert told(slow)[1].startswith("took 0.")


def test_a_process_that_ends_is_a_problem_and_the_next_goes_on() -> None:
    done = Outcome("x")

    class Pipe:
        told = iter([(0, "read", "", 0.1, 10)])

        def poll(self, _: float) -> bool:
            return True

        def recv(self) -> object:
            try:
                return next(self.told)
            except StopIteration:
                raise EOFError from None

    class Worker:
        exitcode = -11

        def join(self) -> None: ...

    assert run._follow(Pipe(), Worker(), done, 0) == 2
    assert done.problems == ["mutant 1: the process ended with -11"]
