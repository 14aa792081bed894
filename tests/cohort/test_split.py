"""Folds: by patient, balanced, and the same on every machine."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.cohort.split import Member, folds


@st.composite
def cohorts(draw: st.DrawFn) -> list[Member]:
    sizes = draw(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("ab")), min_size=1, max_size=25))
    return [
        Member(f"{stratum}{patient}_{n}", f"{stratum}/{patient}", stratum)
        for patient, (size, stratum) in enumerate(sizes)
        for n in range(size)
    ]


@given(cohorts(), st.integers(2, 6), st.integers(0, 3))
def test_every_case_is_validated_once_and_no_patient_is_on_both_sides(
    members: list[Member], n_folds: int, seed: int
) -> None:
    found = folds(members, n_folds, seed)
    patients = {member.id: member.patient for member in members}
    if len(set(patients.values())) < 2:
        assert found == []
        return
    assert len(found) == min(n_folds, len(set(patients.values())))
    assert Counter(i for fold in found for i in fold["val"]) == Counter(list(patients))
    for fold in found:
        assert sorted(fold["train"] + fold["val"]) == sorted(patients)
        assert not {patients[i] for i in fold["train"]} & {patients[i] for i in fold["val"]}
        assert fold["train"] and fold["val"]


@given(cohorts(), st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_the_cases(members: list[Member], rng: random.Random) -> None:
    shuffled = members.copy()
    rng.shuffle(shuffled)
    assert folds(shuffled, 5, 1) == folds(members, 5, 1)


def single(n: int, stratum: str = "a") -> list[Member]:
    return [Member(f"{stratum}{i:03d}", f"{stratum}/{i}", stratum) for i in range(n)]


@pytest.mark.parametrize("n", [10, 11, 14, 103])
def test_folds_of_single_cases_differ_by_one_at_most(n: int) -> None:
    sizes = [len(fold["val"]) for fold in folds(single(n), 5)]
    assert max(sizes) - min(sizes) <= 1


def test_each_dataset_is_spread_evenly() -> None:
    found = folds(single(20, "a") + single(10, "b") + single(7, "c"), 5)
    for stratum, least, most in (("a", 4, 4), ("b", 2, 2), ("c", 1, 2)):
        counts = [sum(i.startswith(stratum) for i in fold["val"]) for fold in found]
        assert (min(counts), max(counts)) == (least, most)


@given(cohorts(), st.integers(2, 5))
def test_no_fold_is_larger_than_the_smallest_by_more_than_a_patient_of_each_dataset(
    members: list[Member], n_folds: int
) -> None:
    found = folds(members, n_folds)
    if not found:
        return
    largest = max(Counter(member.patient for member in members).values())
    for stratum in "ab":
        counts = [sum(i.startswith(stratum) for i in fold["val"]) for fold in found]
        assert max(counts) - min(counts) <= largest


def test_the_seed_changes_who_goes_where() -> None:
    assert folds(single(30), 5, 0) != folds(single(30), 5, 1)
    assert folds(single(30), 5, 7) == folds(single(30), 5, 7)


def test_equal_patients_are_dealt_in_the_order_of_their_hashes_which_no_machine_changes() -> None:
    dealt = sorted(single(17), key=lambda m: hashlib.sha256(f"3/{m.patient}".encode()).hexdigest())
    assert [fold["val"] for fold in folds(single(17), 5, 3)] == [sorted(m.id for m in dealt[n::5]) for n in range(5)]


def test_few_patients_make_few_folds() -> None:
    assert len(folds(single(3), 5)) == 3
    assert folds(single(1), 5) == []
    assert folds([], 5) == []
    assert folds([Member("1", "p", "a"), Member("2", "p", "a")], 5) == []
