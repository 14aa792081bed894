"""Names sort as people count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medshelf.model.natural import natural_key, natural_sorted

names = st.text(st.sampled_from("ab_.-/0123456789é "), max_size=12)


def test_numbers_count_and_folders_stay_together() -> None:
    wanted = [
        "case_1/x", "case_2/slice_9.dcm", "case_2/slice_10.dcm", "case_2/slice_010.dcm", "case_2-old/x",
        "case_10/x", "case_10a",
    ]  # fmt: skip
    assert natural_sorted(reversed(wanted)) == wanted


@given(st.lists(names))
def test_sorting_many_equals_sorting_by_key(many: list[str]) -> None:
    assert natural_sorted(many) == sorted(many, key=natural_key)


@given(names, names)
def test_only_equal_names_have_equal_keys(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) == (one == other)


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_bare_numbers_sort_by_value(one: int, other: int) -> None:
    assert (natural_key(f"a{one}b") < natural_key(f"a{other}b")) == (one < other)


@given(st.lists(names.filter(lambda n: "//" not in n and n.strip("/") == n and n)))
def test_what_lies_in_a_folder_follows_it_without_gaps(many: list[str]) -> None:
    ordered = natural_sorted({*many, *(n + "/x" for n in many)})
    for folder in many:
        inside = [i for i, n in enumerate(ordered) if n.startswith(folder + "/")]
        assert inside == list(range(ordered.index(folder) + 1, ordered.index(folder) + 1 + len(inside)))
