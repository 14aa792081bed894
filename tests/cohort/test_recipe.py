"""Recipes: what is wrong with one is said all together, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.cohort.recipe import Recipe, parse_recipe, read_recipe
from medshelf.errors import AccessError, NotFound, RecipeError

RIGHT = """\
name = "abdomen"
number = 17
folds = 3
not_annotated = "ignore"
channels = ["CT"]

[labels]
liver = "liver"
kidneys = ["kidney.left", "kidney.right?"]

[[sources]]
dataset = "btcv"
splits = ["train"]

[[sources]]
dataset = "amos-2022"
root = "AMOS/amos22"
where = { modality = "ct" }
channels = ["ct"]
cases = 7
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_recipe(tmp_path / "r.toml")
    assert str(tmp_path / "r.toml") in str(caught.value)
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_a_recipe_is_read(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RIGHT)
    recipe = read_recipe(tmp_path / "r.toml")
    assert recipe.labels == {"liver": "liver", "kidneys": ("kidney.left", "kidney.right?")}
    assert [source.dataset for source in recipe.sources] == ["btcv", "amos-2022"]
    assert recipe.sources[1].where == {"modality": "ct"}
    assert (recipe.number, recipe.folds, recipe.seed, recipe.target) == (17, 3, 0, "nnunet")
    assert recipe.exclude == ("errata", "audit", "duplicates")


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RIGHT, encoding="utf-8-sig")
    assert read_recipe(str(tmp_path / "r.toml")).name == "abdomen"


def test_a_recipe_needs_no_file() -> None:
    made = parse_recipe({"name": "x", "labels": {"l": "liver"}, "sources": [{"dataset": "btcv"}]})
    assert isinstance(made, Recipe)


def test_every_word_that_is_wrong_is_told_with_its_line_in_order(tmp_path: Path) -> None:
    text = RIGHT.replace("folds = 3", 'folds = "three"').replace('"ignore"', '"skip"').replace("cases = 7", "case = 7")
    text = text.replace('liver = "liver"', "liver = 3").replace("splits", "split")
    assert problems(tmp_path, text) == [
        "r.toml:3 folds: Input should be a valid integer, unable to parse string as an integer",
        "r.toml:4 not_annotated: Input should be 'refuse', 'ignore' or 'leave-out'",
        "r.toml:8 labels.liver: Input should be a valid string",
        "r.toml:8 labels.liver: Input should be a valid tuple",
        "r.toml:13 sources.0.split: there is no such word in a recipe",
        "r.toml:20 sources.1.case: there is no such word in a recipe",
    ]


def test_what_is_required_is_told(tmp_path: Path) -> None:
    told = problems(tmp_path, "number = 3\n[[sources]]\nroot = 'x'\n")
    assert told == [
        "r.toml:1 labels: Field required", "r.toml:1 name: Field required",
        "r.toml:2 sources.0.dataset: Field required",
    ]  # fmt: skip


def test_everything_that_can_not_be_is_told_at_once(tmp_path: Path) -> None:
    text = RIGHT.replace('"abdomen"', '"ab domen"').replace("17", "1000").replace("folds = 3", "folds = 1")
    text = text.replace("kidneys =", "background =").replace('liver = "liver"', 'liver = "Liver"\nnothing = []')
    text = text.replace('"btcv"', '"btcw"').replace('channels = ["ct"]', 'channels = ["ct", "pet"]')
    told = problems(tmp_path, text)
    assert [one.partition(" ")[0] for one in told] == [f"r.toml:{n}" for n in (1, 2, 3, 8, 9, 10, 13, 20)]
    for one, said in zip(
        told,
        ["use letters", "from 1 to 999", "two folds", "not a structure name", "at least one structure",
         "a word of nnU-Net's own", "Did you mean btcv", "the recipe has 1 channels"],
        strict=True,
    ):  # fmt: skip
        assert said in one


@pytest.mark.parametrize(("drop", "said"), [("labels", "name at least one label"), ("sources", "at least one source")])
def test_labels_and_sources_are_needed(drop: str, said: str) -> None:
    table = {"name": "x", "labels": {"l": "liver"}, "sources": [{"dataset": "btcv"}]}
    with pytest.raises(RecipeError, match=said):
        parse_recipe({**table, drop: type(table[drop])()})


def test_what_is_no_toml_says_where(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('name = "x"\nlabels = [\n')
    with pytest.raises(RecipeError, match=r"r\.toml: the recipe is not valid TOML"):
        read_recipe(tmp_path / "r.toml")


def test_a_recipe_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.toml"):
        read_recipe(tmp_path / "no.toml")
    with pytest.raises(AccessError, match="a folder stands"):
        read_recipe(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"<!DOCTYPE html>", b"\x1f\x8b\x08\x00"])
def test_any_other_file_is_no_recipe(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(RecipeError):
        read_recipe(tmp_path / "r.toml")
