"""The switch that turns a test which skips for want of a program into one that fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.programs import found, program

HERE = Path(__file__).parent


def test_a_program_that_is_absent_skips_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDSHELF_NEEDS_PROGRAMS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        program("no-such-program")
    monkeypatch.setenv("MEDSHELF_NEEDS_PROGRAMS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        program("no-such-program")
    assert program("no-such-program", "python3", "python") == found("python3", "python")


def test_no_test_looks_for_programs_by_itself() -> None:
    by_itself = re.compile(r"\bwhich\(")
    others = [path for path in HERE.rglob("*.py") if path.name not in ("programs.py", "test_programs.py")]
    assert len(others) > 100
    assert [path.name for path in others if by_itself.search(path.read_text(encoding="utf-8"))] == []
