"""Every fault of the table, once; `make chaos` prints the table and goes on with kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.access.faults.cases import CASES, Case
from tests.access.faults.server import running
from tests.access.faults.setting import Setting


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_final_file_is_whole_or_absent(case: Case, tmp_path: Path) -> None:
    with running() as server:
        assert case(Setting(server, tmp_path))
