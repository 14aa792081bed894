"""A question in plain English becomes topics, filters, numbers and rights that can be said back and corrected."""

from __future__ import annotations

import shlex

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from medshelf.catalogue.ask import understood
from medshelf.catalogue.query import Query
from medshelf.catalogue.search import find, loosened, search
from medshelf.catalogue.sentence import read_sentence


def read(text: str) -> Query:
    return read_sentence(text)


def filters(text: str) -> dict[str, str]:
    return {one.facet: ("not " if one.excluded else "") + one.said for one in read(text).filters}


def topics(text: str) -> list[str]:
    return [topic.said for topic in read(text).topics if not topic.free]


def ranges(text: str) -> dict[str, tuple[int | None, int | None]]:
    return {one.facet: (one.least, one.most) for one in read(text).ranges}


def test_the_sentence_of_the_documentation() -> None:
    asked = "open CT with pancreas masks, at least 100 cases, commercial use allowed"
    assert filters(asked) == {"access": "open", "modality": "CT", "task": "segmentation"}
    assert topics(asked) == ["pancreas"]
    assert ranges(asked) == {"cases": (100, None)}
    assert read(asked).rights == ("commercial",)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("at least 100 cases", 100, None), ("more than 1,000 images", 1000, None), ("over 5k scans", 5000, None),
        ("≥ 50 patients", 50, None), (">=50 patients", 50, None), ("1.5 million pictures", 1_500_000, None),
        ("200+ volumes", 200, None), ("300 or more examinations", 300, None), ("fewer than 100 scans", None, 100),
        ("up to 60 cases", None, 60), ("between 100 and 500 cases", 100, 500), ("100 to 1,000 volumes", 100, 1000),
        ("100-200 slides", 100, 200), ("small", None, 100), ("large-scale", 1000, None),
    ],
)  # fmt: skip
def test_numbers_of_cases(asked: str, least: int | None, most: int | None) -> None:
    assert ranges(f"CT {asked}") == {"cases": (least, most)}


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("since 2018", 2018, None), ("after 2018", 2019, None), ("before 2018", None, 2017), ("until 2018", None, 2018),
        ("published in 2020", 2020, 2020), ("2022 or later", 2022, None), ("from 2015 to 2019", 2015, 2019),
        ("of 2025", 2025, 2025),
    ],
)  # fmt: skip
def test_years(asked: str, least: int | None, most: int | None) -> None:
    assert ranges(f"CT {asked}") == {"year": (least, most)}


def test_a_year_is_no_number_of_cases_and_the_other_way_round() -> None:
    assert ranges("more than 2000 images") == {"cases": (2000, None)}
    assert ranges("MR since 2000 with over 2000 scans") == {"year": (2000, None), "cases": (2000, None)}


@pytest.mark.parametrize(
    ("asked", "access"),
    [
        ("open access", "open"), ("freely downloadable", "open"), ("without registration", "open or click-through"),
        ("no account needed", "open or click-through"), ("with a free account", "account"),
        ("that need a data use agreement", "data-use-agreement"), ("no longer available", "gone"),
        ("on request", "application or fee"), ("open source", None), ("image registration", None),
    ],
)  # fmt: skip
def test_ways_to_get_the_bytes(asked: str, access: str | None) -> None:
    assert filters(f"CT {asked}").get("access") == access


@pytest.mark.parametrize(
    ("asked", "rights"),
    [
        ("for commercial use", ("commercial",)), ("commercially usable", ("commercial",)),
        ("may be redistributed", ("redistribute",)), ("share-alike", ("share_alike",)),
        ("derivatives allowed", ("derive",)), ("non-commercial", ()),
    ],
)  # fmt: skip
def test_rights(asked: str, rights: tuple[str, ...]) -> None:
    assert read(f"CT {asked}").rights == rights


def test_licences_by_name_and_by_family() -> None:
    assert filters("CC-BY-4.0 fundus")["licence"] == "CC-BY-4.0"
    (family,) = [one for one in read("CC BY fundus").filters if one.facet == "licence"]
    assert {"CC-BY-4.0", "CC-BY-3.0"} <= family.values
    assert "CC-BY-NC-4.0" not in family.values
    assert filters("Creative Commons echo")["licence"] == "Creative Commons"


def test_what_is_denied_and_what_is_joined() -> None:
    assert filters("liver masks, not CT") == {"task": "segmentation", "modality": "not CT"}
    query = read("CT or MR of the liver")
    (modality,) = query.filters
    assert {"CT", "MR"} <= set(modality.values)
    (topic,) = read("ribs or vertebrae").topics
    assert [topic.said, *(o.said for o in topic.others)] == ["ribs", "vertebrae"]


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [("pancras", "pancreas"), ("segmentaton", "segmentation"), ("hipocampus", "hippocampus"), ("polip", "polyp")],
)
def test_typing_errors_are_forgiven_and_told(typed: str, read_as: str) -> None:
    query = read(typed)
    assert query.corrections == ((typed, read_as),)
    assert f"reading «{typed}» as «{read_as}»" in query.in_words()


@pytest.mark.parametrize(
    ("british", "american"),
    [("tumour", "tumor"), ("oedema", "edema"), ("haemorrhage", "hemorrhage"), ("foetal", "fetal"),
     ("oesophagus", "esophagus"), ("paediatric", "pediatric"), ("leukaemia", "leukemia")],
)  # fmt: skip
def test_both_spellings_find_the_same(british: str, american: str) -> None:
    assert [hit.id for hit in find(british)] == [hit.id for hit in find(american)] != []


def test_the_ways_to_name_a_kidney_tumour_meet() -> None:
    kits = {"kits19", "kits21", "kits23"}
    for asked in ("kidney tumour", "renal mass", "KiTS", "renal cancer", "kidney neoplasms"):
        assert kits <= {hit.id for hit in find(asked)}, asked
        assert {hit.id for hit in find(asked)[:5]} & kits, asked


def test_abdominal_organs_include_the_pancreas_where_labels_say_so() -> None:
    found = {hit.id for hit in find("abdominal organs")}
    assert {"btcv", "amos-2022", "flare-2022", "word", "msd-pancreas"} <= found
    assert "msd-hippocampus" not in found


def test_the_region_of_a_modality_is_understood() -> None:
    assert topics("chest x-ray") == ["chest"]
    assert topics("echocardiography") == ["heart"]


def test_options_say_the_same_as_the_sentence() -> None:
    from medshelf.cli.app import cli

    for asked in (
        "open CT with pancreas masks, at least 100 cases, commercial use allowed",
        "MRI of the heart since 2018 without registration",
        "ribs or vertebrae, not MR",
        "retinal vessels, CC BY, up to 60 images",
    ):
        query = understood(asked, {})
        result = CliRunner().invoke(cli, ["find", *shlex.split(query.as_options()), "-q"])
        assert result.stdout.split() == [hit.id for hit in search(query)], query.as_options()


def test_an_empty_answer_says_what_to_leave_out() -> None:
    query = understood("ultrasound of the pancreas with more than 5000 cases", {})
    assert search(query) == []
    less = loosened(query)
    assert less
    assert all(n > 0 for n in less.values())


@given(st.text(st.sampled_from(list("abcdeghilmnoprstuvy 0123456789,.-+/%≥><()'\"|")), max_size=60))
def test_any_sentence_is_read(text: str) -> None:
    query = read_sentence(text)
    assert isinstance(query.in_words(), str)
    shlex.split(query.as_options())
