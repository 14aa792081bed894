"""Records as plain values and back."""

from __future__ import annotations

import json
from datetime import date

import pytest

from medshelf.catalogue.read import read_presets, read_record, record_folders
from medshelf.catalogue.structure_json import from_plain, to_plain
from medshelf.cohort.recipe import Recipe, SourceChoice
from medshelf.model.dataset import Access, Claim, Fact, Facts, Record, Source
from medshelf.model.layout import Layout, Slot, TableSlot

PRESETS = read_presets()
RECORDS = {folder.name: read_record(folder, PRESETS) for folder in record_folders()}


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_of_the_shelf_survives_the_way_through_json(name: str) -> None:
    record = RECORDS[name]
    assert from_plain(Record, json.loads(json.dumps(to_plain(record)))) == record


def test_empty_parts_are_left_out_and_dates_are_text() -> None:
    plain = to_plain(Source("paper", "T", date(2026, 1, 2)))
    assert plain == {"kind": "paper", "title": "T", "read": "2026-01-02"}


def test_what_is_required_stays_even_when_it_is_empty() -> None:
    unknown = Fact("unknown", claims=(Claim(3, ()),))
    facts = Facts(unknown, unknown, unknown, unknown, unknown, unknown)
    layout = Layout("TEXTQA", "page", (), (), tables={"t": TableSlot(())}, files={"f": Slot("text")})
    record = Record("x", "", "", facts, Access("open"), layout=layout)
    assert from_plain(Record, json.loads(json.dumps(to_plain(record)))) == record


def test_what_is_emptied_on_purpose_stays_empty() -> None:
    recipe = Recipe("r", {"liver": "liver"}, (SourceChoice("btcv"),), exclude=())
    assert to_plain(recipe)["exclude"] == []
    assert from_plain(Recipe, to_plain(recipe)) == recipe


def test_a_value_of_several_types_keeps_its_own() -> None:
    for value in (3, 2.5, "unknown", ("CT", "MR")):
        assert from_plain(Fact, json.loads(json.dumps(to_plain(Fact(value))))) == Fact(value)
