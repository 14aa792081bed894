"""Layouts that are not well formed, told without any file."""

from __future__ import annotations

import pytest

from medshelf.catalogue import shelf
from medshelf.layout.lint import complaints
from medshelf.layout.variants import layouts_of
from tests.layout.made import layout

RIGHT = """
key = ["n"]
case = "case_{n}"
[fields.side]
of = "name"
take = "_([LR])$"
[files.image]
role = "image"
path = "{n:int}_{name}.png"
[files.mask]
role = "mask"
path = "{n:int}_{part:a|b}_mask.png"
label = "liver"
complete = ["part"]
merge = "union"
[targets.side]
of = "side"
"""


def told(text: str) -> list[tuple[str, str]]:
    return [(".".join(map(str, path)), message) for path, message in complaints(layout(text))]


def test_a_layout_that_is_right_has_no_complaint() -> None:
    assert told(RIGHT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "where", "said"),
    [
        ("{n:int}_{name}.png", "{n:int_{name}.png", "files.image", "not closed"),
        ("{part:a|b}", "{part:word}", "files.mask.complete", "'part' is not enumerated"),
        ('complete = ["part"]', 'complete = ["piece"]', "files.mask", "no field 'piece'"),
        ('complete = ["part"]', 'only = { site = ["A"] }', "files.mask.only", "no field 'site'"),
        ('label = "liver"', "", "files.mask", "a mask needs `labels` or `label`"),
        ('label = "liver"', 'label = "{organ}"', "files.mask", "no field 'organ'"),
        ("case_{n}", "case_{m}", "case", "no field 'm'"),
        ('of = "side"', 'of = "sex"', "targets.side", "'sex' is no field, table or record"),
        ("_([LR])$", "_[LR]$", "fields.side.take", "with one group"),
        ("_([LR])$", "_([LR]$", "fields.side.take", "with one group"),
        ('take = "_([LR])$"', 'ranges = { "1 to 9" = "x" }', "fields.side.ranges", "'1 to 9' is not a range"),
        ("[targets.side]", '[labels.x]\n"~(" = "liver"\n[targets.side]', "labels.x.~(", "not a regular expression"),
        ('role = "image"', 'role = "image"\nalong = "i"', "files.image.along", "no field 'i'"),
        ('role = "image"', 'role = "image"\nreader = "slices"', "files.image", "needs `along`"),
        ("[targets.side]", '[regions]\nliver = ["liver", "cyst"]\n[targets.side]', "regions.liver", "made of itself"),
        (
            "[targets.side]",
            '[regions]\nliver = ["cyst", "spleen"]\n[labels.x]\n1 = "liver"\n[targets.side]',
            "regions.liver",
            "give the region another name",
        ),
        ('key = ["n"]', 'key = ["n", "visit"]', "key", "does not tell the key field 'visit'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(right: str, wrong: str, where: str, said: str) -> None:
    assert right in RIGHT
    found = told(RIGHT.replace(right, wrong))
    assert any(place == where and said in message for place, message in found), found


@pytest.mark.parametrize("record", [r for r in shelf.records() if r.layout is not None], ids=lambda record: record.id)
def test_the_layouts_of_the_shelf_are_well_formed(record) -> None:  # type: ignore[no-untyped-def]
    assert {name: found for name, one in layouts_of(record).items() if (found := list(complaints(one)))} == {}


TIME = """
key = ["n"]
[files.cine]
role = "image"
path = "{n:int}.nii.gz"
[files.heart]
role = "mask"
path = "{n:int}_gt.nii.gz"
kind = "instance"
labels = "heart"
[labels.heart]
1 = "heart"
[tables.info]
path = "info.csv"
key = { id = "{n}" }
"""


CLASSES = 'classes = { table = "%s", value = "id", of = "class" }'


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ('role = "image"', 'role = "image"\nframes = { ed = "infos.ED" }', "files.cine.frames", "'infos.ED' is no"),
        ('role = "mask"', 'role = "mask"\n' + CLASSES % "cells", "files.heart.classes", "there is no table 'cells'"),
        ('kind = "instance"', CLASSES % "info", "files.heart.classes", "only a mask of kind instance"),
        ('role = "image"', 'role = "image"\nops = [{ mirror = [0] }]', "files.cine.ops", "no operation 'mirror'"),
        ('path = "info.csv"', 'path = "info.csv"\nrows = [{ id = 1 }]', "tables.info", "either a `path` or `rows`"),
        ("[tables.info]", '[splits.folds]\nof = "a.b"\n[tables.info]', "splits.folds", "'a.b' is no field, table"),
    ],
)
def test_words_that_lead_nowhere_are_told(old: str, new: str, where: str, said: str) -> None:
    assert told(TIME) == []
    ((path, message),) = told(TIME.replace(old, new, 1))
    assert path == where and said in message
