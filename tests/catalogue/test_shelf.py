"""The baked shelf: made from the TOML, made again when that changes, and never half."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.read import read_record
from medshelf.catalogue.structure_json import from_plain
from medshelf.errors import CatalogueError, UnknownDataset
from medshelf.model.dataset import Record
from tests.catalogue.made import ACCESS, DATASET, write


def aliases(place: Path) -> dict[str, str]:
    with closing(sqlite3.connect(place)) as connection:
        return dict(connection.execute("select alias, id from alias"))


def test_a_baked_record_is_the_record(tmp_path: Path) -> None:
    folder = write(tmp_path)
    shelf.bake(tmp_path / "out" / "s.sqlite", tmp_path)
    with closing(sqlite3.connect(tmp_path / "out" / "s.sqlite")) as connection:
        ((text,),) = connection.execute("select json from record")
        facets = set(connection.execute("select facet, value from facet"))
    assert from_plain(Record, json.loads(text)) == read_record(folder)
    assert {("modality", "CT"), ("structure", "liver"), ("licence", "unknown"), ("host", "zenodo")} <= facets
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["s.sqlite"]


def test_names_and_aliases_lead_to_the_id(tmp_path: Path) -> None:
    write(tmp_path)
    shelf.bake(tmp_path / "s.sqlite", tmp_path)
    assert aliases(tmp_path / "s.sqlite") == dict.fromkeys(("toyorgans", "toy", "toysv1"), "toy-organs")


def test_an_id_is_never_hidden_by_an_alias_of_another(tmp_path: Path) -> None:
    write(tmp_path, "toy-a", dataset=DATASET.replace('"Toy"', '"toy-b"'))
    write(tmp_path, "toy-b", dataset=DATASET.replace('"Toy"', '"toy-a"'))
    shelf.bake(tmp_path / "s.sqlite", tmp_path)
    told = aliases(tmp_path / "s.sqlite")
    assert (told["toya"], told["toyb"]) == ("toy-a", "toy-b")


def test_a_broken_record_is_left_out_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "toy-a")
    write(tmp_path, "toy-b", access=ACCESS.replace("kind", "kinds"))
    with caplog.at_level(logging.WARNING):
        shelf.bake(tmp_path / "s.sqlite", tmp_path)
    assert set(aliases(tmp_path / "s.sqlite").values()) == {"toy-a"}
    assert "left out of the shelf" in caplog.text
    assert "access.toml:1 access.kinds: no such key" in caplog.text


def test_a_strict_bake_refuses_and_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, "toy-a")
    shelf.bake(tmp_path / "out" / "s.sqlite", tmp_path, strict=True)
    before = (tmp_path / "out" / "s.sqlite").read_bytes()
    write(tmp_path, "toy-b", access=None)
    with pytest.raises(CatalogueError, match="access: this is required"):
        shelf.bake(tmp_path / "out" / "s.sqlite", tmp_path, strict=True)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["s.sqlite"]
    assert (tmp_path / "out" / "s.sqlite").read_bytes() == before


def test_baking_clears_what_was_baked_before(tmp_path: Path) -> None:
    write(tmp_path)
    own = shelf._of(tmp_path)
    for name in ("shelf-another-1.sqlite", f"shelf-{own}-1.sqlite", f"shelf-{own}-2.sqlite"):
        shelf.bake(tmp_path / "cache" / name, tmp_path)
    left = sorted(p.name for p in (tmp_path / "cache").iterdir())
    assert left == sorted(["shelf-another-1.sqlite", f"shelf-{own}-2.sqlite"])


def test_the_signature_follows_every_file_of_the_catalogue(tmp_path: Path) -> None:
    folder = write(tmp_path)
    seen = [shelf.signature(tmp_path)]
    assert shelf.signature(tmp_path) == seen[0]
    os.utime(folder / "layout.toml", ns=(1, 1))
    seen.append(shelf.signature(tmp_path))
    (folder / "errata.toml").unlink()
    seen.append(shelf.signature(tmp_path))
    (tmp_path / "vocabulary").mkdir()
    (tmp_path / "vocabulary" / "id.txt").write_text("x")
    seen.append(shelf.signature(tmp_path))
    (folder / "listing.txt").write_text("names are not baked")
    assert shelf.signature(tmp_path) == seen[-1]
    assert len(set(seen)) == 4


# --- the shelf in use ----------------------------------------------------------------------


def test_every_folder_of_the_catalogue_is_on_the_shelf() -> None:
    folders = sorted(p.name for p in (catalogue_root() / "datasets").iterdir() if p.is_dir())
    assert list(shelf.ids()) == folders


@pytest.mark.parametrize("name", ["amos-2022", "AMOS 2022", "amos_2022", "Amos2022"])
def test_a_record_is_found_by_any_spelling_of_its_id(name: str) -> None:
    assert shelf.load(name).id == "amos-2022"


def test_every_id_leads_to_its_own_record() -> None:
    assert {name for name in shelf.ids() if shelf.load(name).id != name} == set()


@pytest.mark.parametrize("name", ["amos-2023", "", "???", "a" * 5000, "x' or 1=1 --"])
def test_an_unknown_name_says_what_is_near(name: str) -> None:
    with pytest.raises(UnknownDataset, match="no dataset is called") as caught:
        shelf.load(name)
    assert "medshelf find" in str(caught.value)
    if name == "amos-2023":
        assert "Did you mean amos-2022" in str(caught.value)


def test_the_shelf_can_be_read_from_any_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(shelf.resolve, ["btcv", "word", "busi"] * 8))
    assert found == ["btcv", "word", "busi"] * 8


# --- a catalogue of one's own, from the outside --------------------------------------------

ASK = "import medshelf; print([h.id for h in medshelf.find(test_data=True)], medshelf.show('toy-organs').name)"


def ask(root: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, "MEDSHELF_CATALOGUE": str(root), "MEDSHELF_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, "-c", ASK], env=told, capture_output=True, text=True, timeout=60)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "vocabulary").symlink_to(catalogue_root() / "vocabulary")
    write(tmp_path / "own")
    return tmp_path / "own"


def test_the_shelf_is_baked_again_when_a_record_changes(own: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert ask(own, cache).stdout == "['toy-organs'] Toy organs\n"
    (first,) = (cache / "shelf").iterdir()
    assert ask(own, cache).stdout == "['toy-organs'] Toy organs\n"
    assert list((cache / "shelf").iterdir()) == [first]
    write(own, dataset=DATASET.replace("Toy organs", "Playthings"))
    assert ask(own, cache).stdout == "['toy-organs'] Playthings\n"
    assert len(list((cache / "shelf").iterdir())) == 1


@pytest.mark.parametrize("blocked", ["a file", "no place for a database"])
def test_a_cache_that_can_not_be_written_is_done_without(own: Path, tmp_path: Path, blocked: str) -> None:
    cache = tmp_path / "cache"
    if blocked == "a file":
        cache.write_text("")
    else:  # SQLite, not the system, is the one that complains: its file can't be opened
        cache.mkdir()
        (cache / "shelf").symlink_to("/proc/self" if Path("/proc/self").exists() else "/dev")
    done = ask(own, cache)
    assert (done.stdout, done.returncode) == ("['toy-organs'] Toy organs\n", 0), done.stderr


def test_no_catalogue_is_an_error_that_says_where_it_looked(tmp_path: Path) -> None:
    done = ask(tmp_path / "nowhere", tmp_path / "cache")
    assert "CatalogueError" in done.stderr.splitlines()[-1]
    assert f"{tmp_path / 'nowhere'}: the catalogue is missing" in done.stderr
