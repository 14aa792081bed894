"""A build that is killed at any moment goes on, and ends as if nothing had happened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import medshelf

RECIPE = """\
name = "abdomen"
not_annotated = "ignore"
[labels]
liver = "liver"
gut = "small_bowel"
[[sources]]
dataset = "word"
[[sources]]
dataset = "btcv"
"""
N_CASES = 40


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("resumes")
    medshelf.twin("word", root / "data" / "word", cases=10)
    medshelf.twin("btcv", root / "data" / "btcv", cases=10)
    (root / "recipe.toml").write_text(RECIPE)
    medshelf.build(root / "recipe.toml", data=root / "data", out=root / "whole")
    return root


def start(place: Path, out: str, jobs: int) -> subprocess.Popen[bytes]:
    command = ["build", str(place / "recipe.toml"), "--data", str(place / "data"), "--out", str(place / out)]
    return subprocess.Popen(
        [sys.executable, "-m", "medshelf", *command, "--jobs", str(jobs), "--json"], stdout=subprocess.PIPE
    )


def done(place: Path, out: str) -> int:
    journal = place / out / "Dataset501_abdomen" / ".medshelf" / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def content(root: Path) -> dict[str, bytes]:
    files = (p for p in root.rglob("*") if p.is_file() and ".medshelf" not in p.parts)
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def kill_after(place: Path, out: str, jobs: int, more: int) -> bool:
    """Start a build and kill it when so many more cases are done; return False when it ended before."""
    wanted = done(place, out) + more
    process = start(place, out, jobs)
    try:
        give_up = time.monotonic() + 60
        while process.poll() is None and done(place, out) < wanted and time.monotonic() < give_up:
            time.sleep(0.001)
        ended = process.poll() is not None
        process.kill()
        return not ended
    finally:
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_build_that_is_killed_again_and_again_ends_as_one_that_was_not(place: Path, jobs: int) -> None:
    out = f"killed{jobs}"
    killed = sum(kill_after(place, out, jobs, more) for more in (1, 7, 11))
    assert killed >= 2, "it was too quick to be killed"
    before = done(place, out)
    assert 0 < before < N_CASES
    last = start(place, out, jobs)
    told = json.loads(last.communicate(timeout=60)[0])
    assert last.returncode == 0
    assert told["n_written"] == N_CASES - before, "what was done is not done again"
    assert content(place / out) == content(place / "whole")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_interrupt_says_how_to_go_on(place: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "medshelf", "build", str(place / "recipe.toml"), "--data", str(place / "data"),
         "--out", str(place / "stopped")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None and done(place, "stopped") < 2:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("medshelf: stopped")
    assert "Traceback" not in said
    medshelf.build(place / "recipe.toml", data=place / "data", out=place / "stopped")
    assert content(place / "stopped") == content(place / "whole")
