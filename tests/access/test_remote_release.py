"""A hundred gigabytes on a real server, judged from megabytes by the commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access import release


class Release:
    """The release on its server, and what commands say of it."""

    def __init__(self, catalogue: Path, cache: Path, env: dict[str, str]) -> None:
        self._env = {**env, "MEDSHELF_CATALOGUE": str(catalogue), "MEDSHELF_CACHE_DIR": str(cache)}

    def says(self, *line: str) -> tuple[dict, int, int, str]:
        """Run a command; return its JSON, bytes and requests that it cost, and its messages."""
        command = [sys.executable, "-m", "medshelf", *line, "--remote", "--json"]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        cost = re.search(r"([\d.]+) (B|kB|MB) read from afar, in (\d+) requests", done.stderr)
        assert cost, done.stderr
        unit = {"B": 1, "kB": 1000, "MB": 1_000_000}[cost[2]]
        return json.loads(done.stdout), int(float(cost[1]) * unit), int(cost[3]), done.stderr


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    import os

    tmp = tmp_path_factory.mktemp("release")
    with release.served(tmp) as (folder, url, _):
        size, n_members = release.write_release(folder)
        assert size > 99e9 and n_members > 1900
        names = sorted(p.name for p in folder.glob("*.zip"))
        catalogue = release.catalogue_of([f"{url}/{name}" for name in names], tmp / "catalogue")
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        yield Release(catalogue, tmp / "cache", env)


def test_check_names_the_missing_mask_for_a_megabyte(here: Release) -> None:
    began = time.monotonic()
    told, size, requests, said = here.says("check", release.ID)
    print(f"check: {size} bytes, {requests} requests, {time.monotonic() - began:.1f} s")
    assert told["n_cases"] == release.TRAIN + release.TEST
    assert "BRATS_077" in json.dumps(told)
    assert size < 1_500_000 and requests < 30


def test_audit_of_headers_finds_a_mask_of_another_shape(here: Release) -> None:
    began = time.monotonic()
    told, size, requests, said = here.says("audit", release.ID, "--headers-only", "--cases", "20")
    print(f"audit: {size} bytes, {requests} requests, {time.monotonic() - began:.1f} s")
    assert told["n_cases"] == 20
    assert any("BRATS_001" in json.dumps(one) and "154" in json.dumps(one) for one in told["findings"]), told["findings"]
    assert size < 3_000_000 and requests < 100
