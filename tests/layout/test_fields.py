"""Fields: from what a name says to what it means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.layout.fields import apply, derive, fill
from medshelf.model.layout import FieldRule
from medshelf.model.natural import natural_key


def meant(text: str | None, **rule: Any) -> str | int | None:
    return apply(FieldRule(**rule), text)


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        ("Tr", {"map": {"Tr": "train"}}, "train"),
        ("Xx", {"map": {"Tr": "train"}}, "Xx"),
        ("sub-007", {"take": r"sub-(\d+)"}, "007"),
        ("sub-007", {"take": r"sub-(\d+)", "int": True}, 7),
        ("other", {"take": r"sub-(\d+)"}, None),
        ("other", {"take": r"sub-(\d+)", "default": "none"}, "none"),
        ("a_b_c", {"replace": {"_": "-"}}, "a-b-c"),
        ("v01", {"replace": {"v": ""}, "int": True, "ranges": {"1-5": "low"}}, "low"),
        ("410", {"ranges": {"1-410": "ct", "411-600": "mr"}}, "ct"),
        ("0411", {"ranges": {"1-410": "ct", "411-600": "mr"}}, "mr"),
        ("601", {"ranges": {"1-410": "ct"}}, None),
        ("601", {"ranges": {"1-410": "ct"}, "default": "?"}, "?"),
        ("7", {"ranges": {"7": "seven"}}, "seven"),
        ("x", {"ranges": {"1-9": "low"}, "default": "?"}, "?"),
        ("01", {"take": r"(\d+)", "int": True, "map": {"01": "first"}}, "first"),
        (None, {"default": "train"}, "train"),
        (None, {}, None),
        ("7²", {"int": True}, "7²"),
        ("²", {"ranges": {"1-9": "low"}}, None),
        ("9" * 5000, {"int": True}, "9" * 5000),
        ("9" * 5000, {"ranges": {"1-9": "low"}}, None),
    ],
)
def test_steps_run_in_the_order_of_the_language(text: str | None, rule: dict[str, Any], value: object) -> None:
    assert meant(text, **rule) == value


def test_whole_numbers_are_numbers_and_digits_of_fixed_width_are_text() -> None:
    assert derive({"n": "007", "m": "007", "part": None}, frozenset({"n", "part"}), {}) == {"n": 7, "m": "007"}


def test_a_field_can_be_made_of_another_and_both_stay() -> None:
    rules = {"modality": FieldRule(of="id", ranges={"1-500": "ct", "501-600": "mr"})}
    assert derive({"id": "0507"}, frozenset(), rules) == {"id": "0507", "modality": "mr"}


def test_a_rule_that_has_nothing_to_say_leaves_no_field() -> None:
    rules = {"side": FieldRule(of="name", take="_(L|R)$"), "split": FieldRule(default="train")}
    assert derive({"name": "knee", "side": "L"}, frozenset(), rules) == {"name": "knee", "split": "train"}


def test_a_whole_number_that_is_mapped_is_mapped_as_written() -> None:
    assert derive({"fold": "1"}, frozenset({"fold"}), {"fold": FieldRule(map={"1": "train"})}) == {"fold": "train"}
    assert derive({"fold": "2"}, frozenset({"fold"}), {"fold": FieldRule(map={"1": "train"})}) == {"fold": 2}


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("amos_{id}", {"id": "0001"}, "amos_0001"),
        ("{a}/{b}", {"a": 1, "b": 2}, "1/2"),
        ("slice_{s:04}", {"s": 7}, "slice_0007"),
        ("slice_{s:04d}", {"s": 7}, "slice_0007"),
        ("{a}", {"a": None}, None),
        ("{a}{b}", {"a": 1}, None),
        ("plain", {}, "plain"),
        ("{a}", {"a": 0}, "0"),
    ],
)
def test_places_are_filled_or_nothing_is(text: str, values: dict[str, Any], filled: str | None) -> None:
    assert fill(text, values) == filled


def test_natural_order_counts() -> None:
    names = ["case_10", "case_9", "case_1", "b", "case_09", "a2b10", "a2b9", "a10", "5²3", "²", "٣", ""]
    ordered = sorted(names, key=natural_key)
    assert ordered.index("case_9") < ordered.index("case_10")
    assert ordered.index("a2b9") < ordered.index("a2b10") < ordered.index("a10")
    assert sorted(["x" + "9" * 5000, "x" + "1" + "0" * 5000], key=natural_key)[0] == "x" + "9" * 5000


@given(st.lists(st.text("ab0123456789²٣/ _", max_size=8)))
def test_any_names_have_a_natural_order_that_does_not_depend_on_how_they_come(names: list[str]) -> None:
    keys = sorted(map(natural_key, names))
    assert keys == sorted(map(natural_key, names[::-1]))


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_in_names_sort_as_numbers(a: int, b: int) -> None:
    assert (natural_key(f"x{a}y") < natural_key(f"x{b}y")) == (a < b)
