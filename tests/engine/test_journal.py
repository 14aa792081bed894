"""What is recorded is found again, whatever happened to the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.engine.journal import Journal
from medshelf.errors import AccessError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_result_is_found_by_another_run(tmp_path: Path) -> None:
    with Journal(tmp_path / "out" / "journal.jsonl") as journal:
        assert journal.done("a", "1") is None
        journal.record("a", "1", {"finding": "größer"})
        assert journal.done("a", "1") == {"finding": "größer"}
    with Journal(tmp_path / "out" / "journal.jsonl") as journal:
        assert journal.done("a", "1") == {"finding": "größer"}
        assert journal.done("b", "1") is None
        assert len(journal) == 1


def test_a_result_of_something_else_is_stale(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.record("a", "hash of the old file", {})
        assert journal.done("a", "hash of the new file") is None


def test_the_later_line_wins(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.record("a", "1", {"n": 1})
        journal.record("a", "2", {"n": 2})
        journal.record("b", "1", {"n": 3})
    with Journal(tmp_path / "j") as journal:
        assert journal.done("a", "1") is None
        assert journal.done("a", "2") == {"n": 2}
        assert journal.done("b", "1") == {"n": 3}


def test_any_cut_loses_the_last_line_at_most(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        for i in range(3):
            journal.record(f"task {i}", "f", {"n": i, "text": "ä\n}"})
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = sum(end - 1 <= cut for end in ends)
        with Journal(path) as journal:
            assert len(journal) == kept
            assert journal.damaged_lines == (cut not in (0, *ends, *(end - 1 for end in ends)))
            journal.record("new", "f", {"n": 9})
            assert journal.done("new", "f") == {"n": 9}
        with Journal(path) as journal:
            assert len(journal) == kept + 1
            assert [journal.done(f"task {i}", "f") for i in range(kept)] == [
                {"n": i, "text": "ä\n}"} for i in range(kept)
            ]


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b'{"task":"x"}',
        b'{"task":"x","fingerprint":"1","result":3}',
        b"\xff\xfe",
        b'{"task"',
        b"[" * 5000,
    ],
)
def test_lines_of_another_shape_are_counted_and_skipped(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.record("a", "1", {"n": 1})
    path.write_bytes(line + b"\n" + path.read_bytes())
    with Journal(path) as journal:
        assert journal.damaged_lines == 1
        assert journal.done("a", "1") == {"n": 1}


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), json_values, max_size=3), max_size=5))
def test_any_results_come_back(tmp_path_factory: pytest.TempPathFactory, results: dict[str, dict]) -> None:
    path = tmp_path_factory.mktemp("j") / "journal"
    with Journal(path) as journal:
        for task, result in results.items():
            journal.record(task, "f", result)
    with Journal(path) as journal:
        assert {task: journal.done(task, "f") for task in results} == results


def test_each_line_is_on_the_disk_when_record_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        sizes.append(os.fstat(handle).st_size)
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    with Journal(tmp_path / "j") as journal:
        journal.record("a", "1", {})
        assert sizes == [(tmp_path / "j").stat().st_size]
    assert json.loads((tmp_path / "j").read_bytes())["task"] == "a"


def test_a_second_run_in_the_same_folder_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="this system has no such locks")
    first = Journal(tmp_path / "j")
    with pytest.raises(AccessError, match="another run"):
        Journal(tmp_path / "j")
    first.close()
    Journal(tmp_path / "j").close()


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from medshelf.engine.journal import Journal\n"
        "j = Journal(sys.argv[1]); j.record('a', '1', {'n': 1}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "j")], env=env, check=False)
    assert done.returncode == -9
    with Journal(tmp_path / "j") as journal:
        assert journal.done("a", "1") == {"n": 1}


def test_a_journal_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AccessError, match="can't be opened"):
        Journal(tmp_path / "file" / "j")
    with pytest.raises(AccessError, match="can't be opened"):
        Journal(tmp_path)


def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(tmp_path / "j") as journal:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(AccessError, match="No space left"):
            journal.record("a", "1", {})
