"""Finding datasets: words and filters agree, narrower terms count, and each hit says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.catalogue import shelf
from medshelf.catalogue.search import find
from medshelf.catalogue.vocabulary import narrower, terms
from medshelf.errors import UnknownTerm


def ids(words: str = "", **filters: object) -> list[str]:
    return [hit.id for hit in find(words, **filters)]  # type: ignore[arg-type]


def test_no_question_finds_everything_but_test_data_in_the_order_of_ids() -> None:
    wanted = [record.id for record in shelf.records() if record.kind != "test-data"]
    assert ids() == sorted(wanted)
    assert set(ids(test_data=True)) == set(shelf.ids())


@pytest.mark.parametrize("name", ["btcv", "amos-2022", "busi"])
def test_a_name_finds_its_dataset_first(name: str) -> None:
    hits = find(name)
    assert hits[0].id == name
    assert "its name" in hits[0].why
    assert find(shelf.load(name).name.upper())[0].id == name


def test_words_may_be_begun_and_inflected() -> None:
    assert set(ids("pancreas")) & set(ids("pancrea"))
    assert set(ids("tumor")) & set(ids("tumors"))


def test_a_synonym_of_the_vocabulary_counts() -> None:
    assert "kits19" in ids("renal")
    assert "btcv" in ids("computed tomography")


@pytest.mark.parametrize("modality", ["CT", "ct", "computed tomography"])
def test_a_filter_takes_terms_and_synonyms(modality: str) -> None:
    found = ids(modality=modality)
    ct = [record.id for record in shelf.records() if record.kind != "test-data" and "CT" in record.facts.modality.value]
    assert set(ct) <= set(found)
    assert {"btcv", "word"} <= set(found)


@pytest.mark.parametrize("facet", ["modality", "region", "task"])
def test_every_term_finds_just_the_records_that_state_it_or_a_narrower_one(facet: str) -> None:
    for name in terms(facet):
        below = narrower(facet, name)
        wanted = {
            record.id
            for record in shelf.records()
            if record.kind != "test-data" and set(as_words(getattr(record.facts, facet).value)) & below
        }
        assert set(ids(**{facet: name})) == wanted, name


def as_words(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def test_a_wider_region_finds_what_lies_in_it() -> None:
    wide = next(t.parent for t in terms("region").values() if t.parent and ids(region=t.id))
    narrow = next(t.id for t in terms("region").values() if t.parent == wide and ids(region=t.id))
    assert set(ids(region=narrow)) <= set(ids(region=wide))
    hit = next(hit for hit in find(region=wide) if hit.id in ids(region=narrow))
    assert any(reason.startswith("region ") and narrow in reason for reason in hit.holds)


def test_filters_and_words_must_all_agree() -> None:
    both = set(ids(modality="CT", structure="liver"))
    assert both == set(ids(modality="CT")) & set(ids(structure="liver"))
    assert set(ids("liver", modality="CT")) <= set(ids(modality="CT"))
    assert {"btcv", "word", "amos-2022"} <= both


def test_a_hit_says_what_matched() -> None:
    (hit,) = [hit for hit in find("abdominal", modality="CT", structure="liver") if hit.id == "word"]
    assert "modality CT" in hit.holds
    assert any(reason.startswith("structure ") and "liver" in reason for reason in hit.holds)
    assert any(reason == "region abdomen" for reason in hit.why)


def test_numbers_and_rights_filter() -> None:
    for hit in find(min_cases=300):
        assert isinstance(hit.cases, int) and hit.cases >= 300
    known = {name for name, term in terms("licence").items() if term.facts.get("terms", {}).get("commercial") == "yes"}
    commercial = find(commercial=True)
    assert commercial
    for hit in commercial:
        assert set(hit.licence) <= known
    assert len(ids(limit=3)) == 3
    assert ids(limit=3) == ids()[:3]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"modality": "CTT"}, "'CTT' is not a modality. Did you mean CT"),
        ({"region": "abdomn"}, "'abdomn' is not a region. Did you mean abdomen"),
        ({"task": "segmentating"}, "'segmentating' is not a task. Did you mean"),
        ({"licence": "CC-BY-4.5"}, "'CC-BY-4.5' is not a licence. Did you mean CC-BY-4.0"),
        ({"access": "opened"}, "'opened' is not a access. Did you mean open"),
        ({"structure": "livver"}, "Did you mean liver"),
    ],
)
def test_an_unknown_term_names_the_nearest(filters: dict[str, str], said: str) -> None:
    with pytest.raises(UnknownTerm) as caught:
        find(**filters)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_words_that_nobody_uses_find_nothing() -> None:
    assert ids("xyzzyqux") == []


def test_a_hit_is_plain_values() -> None:
    plain = find("btcv")[0].as_dict()
    assert plain["id"] == "btcv"
    wanted = "id name modality region task cases licence access why holds score"
    assert set(plain) == set(wanted.split())


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(list("\"'-*^():;+{}[]\\%_ORANDNEAR ")), max_size=20))
def test_any_words_may_be_asked(words: str) -> None:
    find(words, limit=1)
