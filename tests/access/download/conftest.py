from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.faults.server import FaultServer, running
from tests.access.faults.setting import Setting


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running() as one:
        yield one


@pytest.fixture
def setting(server: FaultServer, tmp_path: Path) -> Setting:
    folder = tmp_path / "data"
    folder.mkdir()
    return Setting(server, folder)
