"""Every line of the five lists is accounted for, and every contradiction between them has an outcome."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.entries import LISTS, entries, entries_of, unreached
from medshelf.catalogue.place import catalogue_root


def test_there_are_467_entries_in_the_order_of_their_numbers() -> None:
    known = entries()
    assert [entry.entry for entry in known] == list(range(467))
    assert {entry.list for entry in known} == set(LISTS.values())


def test_every_entry_is_reached_from_a_record() -> None:
    assert unreached(shelf.records()) == ()


def test_an_entry_that_no_record_names_is_told() -> None:
    without = [record for record in shelf.records() if record.id != "kits23"]
    assert {entry.name for entry in unreached(without)} == {"KiTS23"}


def test_a_record_knows_its_lines() -> None:
    told = [(entry.list, entry.line) for entry in entries_of(shelf.load("kits23"))]
    assert told == [(LISTS["list-3"], 132), (LISTS["list-4"], 43)]


def test_records_state_only_entries_that_exist() -> None:
    wrong = {r.id: r.entries for r in shelf.records() if not set(r.entries) <= set(range(467))}
    assert wrong == {}


def test_all_96_contradictions_have_an_outcome_with_values_and_a_reason() -> None:
    told = [(record.id, one) for record in shelf.records() for one in record.disagreements]
    assert {one.id for _, one in told} == {f"c{n:03}" for n in range(1, 97)}
    for name, one in told:
        assert one.values and one.decision.strip() and one.reason.strip(), (name, one.id)
        assert all(claim.sources for claim in one.values), (name, one.id)


CORRECTED: dict[int, str] = {}
"""Entries whose records differ from the merged list on purpose, and why; the catalogue's notes tell them too."""


def test_entries_and_records_meet_as_the_merged_list_says(ground: Path) -> None:
    wanted = {row["index"]: set(row["datasets"]) for row in json.loads((ground / "entries.json").read_text())}
    reached: dict[int, set[str]] = {number: set() for number in wanted}
    for record in shelf.records():
        for number in record.entries:
            reached[number].add(record.id)
    wrong = {n: (reached[n], wanted[n]) for n in wanted if reached[n] != wanted[n] and n not in CORRECTED}
    assert wrong == {}


def test_names_and_lines_are_those_of_the_lists(ground: Path) -> None:
    rows = json.loads((ground / "entries.json").read_text())
    told = [(e.entry, e.line, e.section, e.name) for e in entries()]
    assert told == [(row["index"], row["line"], row["section"], row["name"]) for row in rows]


def test_the_labels_of_the_detail_pages_map_to_a_structure_or_say_why_not() -> None:
    from medshelf.catalogue.check import structure_complaints

    with (catalogue_root() / "vocabulary" / "label-strings.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["raw"] for row in rows}) >= 1300
    assert {row["kind"] for row in rows} == {"structure", "class", "none"}
    for row in rows:
        if row["kind"] == "structure":
            assert list(structure_complaints(row["meaning"])) == [], row["raw"]
        elif row["kind"] == "none":
            assert row["meaning"], row["raw"]


@pytest.mark.parametrize("list_name", LISTS)
def test_sources_that_are_lists_name_a_line(list_name: str) -> None:
    for record in shelf.records():
        source = record.sources.get(list_name)
        if source is not None and source.kind == "list":
            assert source.at, (record.id, list_name)
