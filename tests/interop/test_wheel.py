"""The wheel, as pip builds and installs it: it carries the catalogue, baked, and needs no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", place / "dist", REPO], check=True, cwd=place)
    (wheel,) = (place / "dist").glob("medshelf-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", place / "site", wheel], check=True, cwd=place)
    return place / "site"


def run(installed: Path, *words: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(installed), "MEDSHELF_CACHE_DIR": str(installed / "no-cache")}
    done = subprocess.run(
        [sys.executable, "-m", "medshelf", *words], cwd=installed, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_it_carries_the_shelf_and_never_bakes_one(installed: Path) -> None:
    assert (installed / "medshelf" / "_shelf" / "shelf.sqlite").stat().st_size > 1_000_000
    assert "msd-hippocampus" in run(installed, "find", "hippocampus", "-q").split()
    assert not (installed / "no-cache" / "shelf").exists()


@pytest.mark.parametrize(
    "words",
    [["show", "kits23", "--sources"], ["guide", "abdomen"], ["stats"], ["cite", "btcv", "--text"], ["related", "lits"],
     ["twin", "msd-spleen", "twin", "--cases", "1"], ["identify", "twin"]],
    ids=" ".join,
)  # fmt: skip
def test_verbs_work_without_a_checkout(installed: Path, words: list[str]) -> None:
    assert run(installed, *words)
