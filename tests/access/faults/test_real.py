"""Faults against nginx, or the standard library's server where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.access.faults.real import Real, real_server
from tests.access.faults.real_cases import REAL_CASES


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize("case", REAL_CASES, ids=lambda case: case.__name__)
def test_with_a_real_server(case: Callable[[Real, Path], str], real: Real, tmp_path: Path) -> None:
    assert case(real, tmp_path)
