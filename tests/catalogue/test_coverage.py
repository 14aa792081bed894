"""How much of the shelf is known: what the records state, each fact with its sources."""

from __future__ import annotations

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.statistics import coverage
from medshelf.model.dataset import UNKNOWN, Record

LISTED = [record for record in shelf.records() if record.kind == "dataset" and record.entries]

AT_LEAST = {
    "cases": 0.94, "year": 0.94, "formats": 0.85, "citation": 0.85, "licence": 0.60, "access": 0.90, "homepage": 0.96,
    "modality": 0.97, "dimension": 0.97, "region": 0.97, "task": 0.97, "structure names": 0.85,
    "structure values": 0.60,
}  # fmt: skip
"""Shares that the shelf has reached and must not lose."""


@pytest.mark.parametrize("fact", AT_LEAST)
def test_the_share_of_datasets_that_state_a_fact(fact: str) -> None:
    n, of = coverage(LISTED)[fact]
    assert n / of >= AT_LEAST[fact], f"{n} of {of}"


def test_there_is_a_record_of_every_dataset_and_platform_that_the_lists_name() -> None:
    named = [record for record in shelf.records() if record.kind in ("dataset", "platform") and record.entries]
    assert len(named) == 357


def test_an_unknown_fact_says_where_it_was_looked_for() -> None:
    for record in shelf.records():
        for name in ("modality", "dimension", "region", "task", "cases", "year"):
            fact = getattr(record.facts, name)
            assert fact.sources, (record.id, name)
        for licence in record.licences:
            assert licence.id != UNKNOWN or licence.sources, record.id
        assert record.homepage != "none found" or record.homepage_sources, record.id


def test_coverage_counts_what_is_stated() -> None:
    known, of = coverage(LISTED)["year"]
    assert known == sum(record.facts.year.value != UNKNOWN for record in LISTED)
    assert of == len(LISTED)


@pytest.mark.parametrize("record", LISTED, ids=lambda record: record.id)
def test_a_summary_is_a_few_sentences(record: Record) -> None:
    text = " ".join(record.summary.split())
    assert text[-1] in ".!)" and 90 <= len(text) <= 900, len(text)
