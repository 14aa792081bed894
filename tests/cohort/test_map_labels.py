"""Which structures of a dataset make up a label, and when it does not annotate it."""

from __future__ import annotations

import pytest

from medshelf.cohort.labels import map_labels, resolve

ORGANS = ("liver", "kidney.left", "kidney.right", "femur.left:head", "femur.right:head", "adrenal_gland", "lung.left",
          "kidney.left/cyst", "prostate|uterus")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("liver", ("liver",)),
        ("kidney.left", ("kidney.left",)),
        ("kidney", ("kidney.left", "kidney.right")),
        ("femur:head", ("femur.left:head", "femur.right:head")),
        ("adrenal_gland", ("adrenal_gland",)),
        ("prostate|uterus", ("prostate|uterus",)),
        ("lung", ()),
        ("kidney/cyst", ()),
        ("adrenal_gland.left", ()),
        ("femur.left", ()),
        ("spleen", ()),
        ("liver/neoplasm", ()),
        ("prostate", ()),
        ("uterus|prostate", ()),
    ],
)
def test_a_structure_is_itself_both_its_sides_or_not_annotated(name: str, found: tuple[str, ...]) -> None:
    assert resolve(name, ORGANS) == found


def test_a_region_counts_before_sides() -> None:
    assert resolve("kidney", ORGANS, ("kidney",)) == ("kidney",)
    assert resolve("lung", ("lung.left",), ("lung.right",)) == ("lung.left", "lung.right")


def test_a_label_is_the_union_of_all_that_is_asked_for() -> None:
    mapped = map_labels({"organs": ("liver", "kidney"), "left": "kidney.left"}, ORGANS)
    assert mapped.parts == {"organs": ("liver", "kidney.left", "kidney.right"), "left": ("kidney.left",)}
    assert mapped.lacking == {}


def test_a_structure_is_taken_once() -> None:
    mapped = map_labels({"both": ("kidney", "kidney.left")}, ORGANS)
    assert mapped.parts == {"both": ("kidney.left", "kidney.right")}


def test_one_missing_part_makes_the_label_not_annotated() -> None:
    mapped = map_labels({"organs": ("liver", "spleen", "colon")}, ORGANS)
    assert mapped.parts == {}
    assert mapped.lacking == {"organs": ("spleen", "colon")}


def test_a_part_that_may_be_missing_is_done_without() -> None:
    mapped = map_labels({"organs": ("liver", "spleen?")}, ORGANS)
    assert mapped.parts == {"organs": ("liver",)}


def test_a_part_that_may_be_missing_is_taken_where_it_is() -> None:
    assert map_labels({"organs": ("liver", "kidney?")}, ORGANS).parts["organs"][1:] == ("kidney.left", "kidney.right")


def test_a_label_of_nothing_but_missing_parts_is_not_annotated() -> None:
    mapped = map_labels({"gut": ("colon?", "rectum?"), "spleen": "spleen?"}, ORGANS)
    assert mapped.parts == {}
    assert mapped.lacking == {"gut": ("colon?", "rectum?"), "spleen": ("spleen?",)}
