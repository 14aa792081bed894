"""A sample of what `make chaos` does with kills and two processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.access.faults import kills

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


@pytest.mark.parametrize("kind", kills.KINDS)
def test_killed_at_any_moment(kind: str, tmp_path: Path) -> None:
    assert kills.run(kind, tmp_path, n_kills=4, seed=11).kills >= 4


@pytest.mark.parametrize("case", [kills.two_processes, kills.ctrl_c, kills.stale_owner], ids=lambda case: case.__name__)
def test_processes(case, tmp_path: Path) -> None:
    assert case(tmp_path)
