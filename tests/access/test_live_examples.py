"""What ``make live`` asks of real hosts: an example of each host, and none that is made up. No network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from medshelf.access.hosts import HOSTS, host_named, split_ref
from medshelf.access.refs import references_of
from medshelf.catalogue import shelf
from medshelf.catalogue.place import catalogue_root
from tests.live.examples import EXAMPLES, NOT_ASKED, SHELF, Example

REPO = Path(__file__).parents[2]


def test_every_host_has_an_example_or_a_reason() -> None:
    assert {split_ref(one.ref)[0] for one in EXAMPLES} | set(NOT_ASKED) == set(HOSTS)
    assert not {split_ref(one.ref)[0] for one in EXAMPLES} & set(NOT_ASKED)


@pytest.fixture(scope="module")
def shelved() -> tuple[set[str], str]:
    """All references of records, and the text of all records with the UIDs of the index."""
    refs = {one.ref for record in shelf.records() for one in references_of(record)}
    text = "\n".join(path.read_text() for path in (catalogue_root() / "datasets").glob("*/*.toml"))
    with duckdb.connect() as index:
        rows = index.execute(
            "SELECT SeriesInstanceUID FROM read_parquet(?)", [str(catalogue_root() / "idc" / "series.parquet")]
        ).fetchall()
    return refs, "\n".join((text, *(uid for (uid,) in rows)))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.ref)
def test_no_example_is_made_up(example: Example, shelved: tuple[set[str], str]) -> None:
    host, rest = split_ref(example.ref)
    assert host_named(host).NAME == host
    if example.source != SHELF:
        assert len(example.source) > 30
        return
    refs, text = shelved
    assert example.ref in refs or re.search(rf"(?<![\w.]){re.escape(rest)}(?![0-9A-Za-z])", text), example


def test_without_a_network_live_tests_do_not_pass(tmp_path: Path) -> None:
    """A proxy that is nowhere stands for no network."""
    env = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
    command = [sys.executable, "-m", "pytest", "-q", "tests/live", "-p", "no:cacheprovider",
               "--override-ini", "addopts=--import-mode=importlib"]  # fmt: skip
    done = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout
    assert "there is no network, so nothing was asked" in done.stdout
    assert " passed" not in done.stdout and f"{len(EXAMPLES)} errors" in done.stdout
