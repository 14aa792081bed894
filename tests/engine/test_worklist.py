"""Tasks are done once each, whatever stops the run."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import medshelf.engine.worklist
from medshelf.engine.journal import Journal
from medshelf.engine.worklist import Outcome, Task, run
from medshelf.errors import FormatError, MedshelfError

TASKS: list[Task] = [(f"case_{i}", "v1", i) for i in range(10)]


WORK = """
import os, signal
from medshelf.errors import FormatError

def square(number):
    return {"square": number * number}

def square_but_not_three(number):
    if number == 3:
        raise FormatError("three is no number", where="case_3", hint="Take four")
    return square(number)

def square_or_crash(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)

def buggy(number):
    if number == 3:
        raise ZeroDivisionError("a defect")
    return square(number)

def never(number):
    raise AssertionError("this task was done already")
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Work in a module of its own, which worker processes can import too."""
    folder = tmp_path / "importable"
    folder.mkdir()
    (folder / "work_for_tests.py").write_text(WORK)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "work_for_tests", raising=False)
    return import_module("work_for_tests")


def square(number: int) -> dict[str, Any]:
    return {"square": number * number}


@pytest.fixture(params=["here", "two processes", "threads"])
def how(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    if request.param == "threads":
        with ThreadPoolExecutor(3) as pool:
            yield {"executor": pool, "jobs": 3}
    else:
        yield {"jobs": 1 if request.param == "here" else 2}


def test_every_task_has_one_outcome(how: dict[str, Any], tmp_path: Path, work: ModuleType) -> None:
    with Journal(tmp_path / "j") as journal:
        outcomes = list(run(TASKS, work.square, journal=journal, **how))
        assert {o.task_id: o.result for o in outcomes} == {t: square(i) for t, _, i in TASKS}
        assert not any(o.error or o.resumed for o in outcomes)
        assert len(journal) == len(outcomes) == 10


def test_what_is_done_is_not_done_again(how: dict[str, Any], tmp_path: Path, work: ModuleType) -> None:
    with Journal(tmp_path / "j") as journal:
        first = list(run(TASKS[:4], work.square, journal=journal))
        again = list(run(TASKS[:4], work.never, journal=journal, **how))
    assert [(o.task_id, o.result) for o in again] == [(o.task_id, o.result) for o in first]
    assert all(o.resumed for o in again)


def test_a_changed_task_is_done_again(tmp_path: Path, work: ModuleType) -> None:
    with Journal(tmp_path / "j") as journal:
        list(run(TASKS, work.square, journal=journal))
        changed: list[Task] = [*TASKS[:9], ("case_9", "v2", 100)]
        outcomes = list(run(changed, work.square, journal=journal))
    assert [o.resumed for o in outcomes] == [True] * 9 + [False]
    assert outcomes[-1].result == {"square": 10_000}


def test_an_error_of_one_task_leaves_the_others_alone(
    how: dict[str, Any], tmp_path: Path, work: ModuleType
) -> None:
    with Journal(tmp_path / "j") as journal:
        outcomes = {o.task_id: o for o in run(TASKS, work.square_but_not_three, journal=journal, **how)}
        failed = outcomes.pop("case_3")
        assert isinstance(failed.error, FormatError)
        assert str(failed.error) == "case_3: three is no number. Take four"
        assert failed.result is None
        assert all(o.result for o in outcomes.values())
        assert journal.done("case_3", "v1") is None
        assert len(journal) == 9


def test_a_defect_ends_the_run_and_names_the_task(
    how: dict[str, Any], tmp_path: Path, work: ModuleType
) -> None:
    with Journal(tmp_path / "j") as journal, pytest.raises(ZeroDivisionError) as caught:
        list(run(TASKS, work.buggy, journal=journal, **how))
    assert "in the task 'case_3'" in caught.value.__notes__


def test_a_task_that_kills_its_process_is_found_and_the_others_are_done(
    tmp_path: Path, work: ModuleType
) -> None:
    with Journal(tmp_path / "j") as journal:
        outcomes = {o.task_id: o for o in run(TASKS, work.square_or_crash, journal=journal, jobs=2)}
        assert len(outcomes) == 10
        killer = outcomes.pop("case_3")
        assert isinstance(killer.error, MedshelfError)
        assert "process died" in str(killer.error)
        assert {o.task_id: o.result for o in outcomes.values()} == {
            t: square(i) for t, _, i in TASKS if i != 3
        }


def test_a_borrowed_executor_that_breaks_is_an_error(tmp_path: Path, work: ModuleType) -> None:
    class Broken(Executor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:  # type: ignore[override]
            raise BrokenExecutor("gone")

    with pytest.raises(BrokenExecutor):
        list(run(TASKS, work.square, journal=None, executor=Broken()))


def test_progress_counts_to_the_total(how: dict[str, Any], work: ModuleType) -> None:
    told: list[tuple[int, int | None, Outcome]] = []
    outcomes = list(run(TASKS, work.square, journal=None, progress=lambda *a: told.append(a), **how))
    assert [(n, total) for n, total, _ in told] == [(i, 10) for i in range(1, 11)]
    assert [o for _, _, o in told] == outcomes
    told.clear()
    list(run(iter(TASKS), work.square, journal=None, progress=lambda *a: told.append(a), **how))
    assert told[0][1] is None


def test_few_tasks_are_taken_ahead(how: dict[str, Any], work: ModuleType) -> None:
    taken = 0

    def endless() -> Iterator[Task]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken), "", taken

    outcomes = run(endless(), work.square, journal=None, **how)
    for _ in range(20):
        next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert taken <= 20 + 2 * how["jobs"]


def test_a_consumer_that_stops_leaves_what_it_saw_in_the_journal(
    how: dict[str, Any], tmp_path: Path, work: ModuleType
) -> None:
    with Journal(tmp_path / "j") as journal:
        outcomes = run(TASKS, work.square, journal=journal, **how)
        seen = {next(outcomes).task_id for _ in range(3)}
        outcomes.close()  # type: ignore[attr-defined]
    with Journal(tmp_path / "j") as journal:
        assert seen <= {t for t, f, _ in TASKS if journal.done(t, f)}


SLOW_RUN = """
import sys, time
from medshelf.engine.journal import Journal
from medshelf.engine.worklist import run

def slow(number):
    time.sleep(0.03)
    return {"n": number}

if __name__ == "__main__":
    with Journal(sys.argv[1]) as journal:
        tasks = [(f"case_{i}", "v1", i) for i in range(30)]
        resumed = 0
        for outcome in run(tasks, slow, journal=journal, jobs=int(sys.argv[2])):
            resumed += outcome.resumed
            print("done", flush=True)
        print("resumed", resumed)
"""


@pytest.fixture
def slow_run(tmp_path: Path) -> list[str]:
    (tmp_path / "slow_run.py").write_text(SLOW_RUN)
    return [sys.executable, str(tmp_path / "slow_run.py"), str(tmp_path / "j")]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def _started(command: list[str], **kwargs: Any) -> subprocess.Popen[str]:
    """Start a run and wait until three tasks are done."""
    process = subprocess.Popen(
        command, env=_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs
    )
    assert process.stdout
    for _ in range(3):
        assert process.stdout.readline() == "done\n"
    return process


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_that_was_killed_goes_on(jobs: str, slow_run: list[str], tmp_path: Path) -> None:
    process = _started([*slow_run, jobs])
    process.kill()
    process.communicate()
    with Journal(tmp_path / "j") as journal:
        before = len(journal)
    assert 3 <= before < 30
    done = subprocess.run([*slow_run, jobs], env=_env(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"resumed {before}"
    with Journal(tmp_path / "j") as journal:
        assert [journal.done(f"case_{i}", "v1") for i in range(30)] == [{"n": i} for i in range(30)]


def test_workers_end_with_a_killed_parent(slow_run: list[str]) -> None:
    process = _started([*slow_run, "2"], start_new_session=True)
    process.kill()
    process.communicate(timeout=10)  # their ends of the pipes are closed: all are gone
    for _ in range(100):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("workers outlived the run")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_the_run_at_once_and_keeps_what_is_done(
    jobs: str, slow_run: list[str], tmp_path: Path
) -> None:
    process = _started([*slow_run, jobs], start_new_session=True)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to the run and its workers
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    with Journal(tmp_path / "j") as journal:
        assert 3 <= len(journal) < 30


def test_the_engine_knows_nothing_of_medshelf_but_its_errors() -> None:
    folder = Path(medshelf.engine.worklist.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("medshelf"):
                assert node.module.startswith(("medshelf.engine", "medshelf.errors"))
