"""A full disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.access.faults.disk import fills_up, is_too_small, small_disk
from tests.access.faults.server import running


@pytest.mark.skipif(sys.platform == "win32", reason="no mount")
@pytest.mark.parametrize("mounting", [True, False], ids=["tmpfs", "shim"])
def test_fills_up(mounting: bool, tmp_path: Path) -> None:
    with small_disk(tmp_path, mounting=mounting) as disk, running() as server:
        assert fills_up(server, disk)


def test_is_too_small(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, running() as server:
        if disk.name != "tmpfs":
            pytest.skip("the size of a disk can't be feigned here")
        assert is_too_small(server, disk)
