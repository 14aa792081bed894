"""Names sorted by what they are: files of slots, tables, sidecars, junk, paperwork, and what is none of these."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.layout.match import Matched, entries, is_junk, is_paperwork, match_names
from tests.layout.made import layout

PAIRS = layout("""
key = ["n"]
ignore = ["*.pdf", "extra/**"]
[files.image]
role = "image"
path = "images/{n:int}.png"
[files.mask]
role = "mask"
path = ["masks/{n:int}.png", "more/masks_{n:int}.png"]
[tables.meta]
path = "meta.csv"
""")


def names_of(matched: Matched) -> dict[str, list[str]]:
    return {slot: [ref.name for ref in refs] for slot, refs in matched.files.items()}


def test_every_name_is_sorted_by_what_it_is() -> None:
    names = [
        "r/images/1.png", "r/masks/1.png", "r/more/masks_2.png", "r/meta.csv", "r/paper.pdf", "extra/a/b.png",
        "README.md", "r/.DS_Store", "r/what.png", "r.zip",
    ]  # fmt: skip
    matched = match_names(PAIRS, names)
    assert names_of(matched) == {"image": ["r/images/1.png"], "mask": ["r/masks/1.png", "r/more/masks_2.png"]}
    assert [ref.name for ref in matched.tables["meta"]] == ["r/meta.csv"]
    assert matched.extra == ["r/what.png"]
    assert (matched.ignored, matched.total) == (5, 10)


def test_a_file_knows_its_fields_its_template_and_what_stands_in_front() -> None:
    (ref,) = match_names(PAIRS, ["a/b/more/masks_007.png"]).files["mask"]
    assert ref.fields == {"n": 7}
    assert ref.captured == {"n": "007"}
    assert (ref.at, ref.alternative, ref.slot) == ("a/b/", 1, "mask")


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", "a/.DS_Store", "a/._1.png", "Thumbs.db", "a/desktop.ini", "__MACOSX/a/1.png", "a/__MACOSX/b",
        ".git/config", "a/.ipynb_checkpoints/x.csv", ".gitattributes", "a/.gitignore",
    ],
)  # fmt: skip
def test_what_systems_leave_behind_is_junk(name: str) -> None:
    assert is_junk(name)
    matched = match_names(layout('key = ["f"]\n[files.image]\nrole = "image"\npath = "{f}"'), [name])
    assert not matched.files
    assert matched.ignored == 1


@pytest.mark.parametrize("name", ["a.DS_Store", "_1.png", "a._1.png", "my.git/x", "Thumbs.db.png", "x.ini"])
def test_what_only_looks_like_junk_is_not(name: str) -> None:
    assert not is_junk(name)


@pytest.mark.parametrize(
    "name",
    ["README", "a/readme.txt", "LICENSE", "LICENCE.md", "CITATION.cff", "x.md5", "a/b.sha256", "changes/CHANGELOG"],
)
def test_paperwork_is_no_surprise(name: str) -> None:
    assert is_paperwork(name)
    assert match_names(PAIRS, [name]).ignored == 1


@pytest.mark.parametrize("name", ["unread_me.png", "a/images/1.png", "md", "mylicense.png"])
def test_data_are_no_paperwork(name: str) -> None:
    assert not is_paperwork(name)


def test_a_layout_may_claim_paperwork() -> None:
    claimed = layout('key = ["n"]\n[files.note]\nrole = "text"\npath = "readme_{n:int}.md"')
    assert "note" in match_names(claimed, ["readme_1.md"]).files


def test_what_is_ignored_is_ignored_even_where_a_slot_fits() -> None:
    matched = match_names(PAIRS, ["extra/images/1.png"])
    assert not matched.files
    assert (matched.ignored, matched.extra) == (1, [])


def test_a_name_that_fits_two_slots_is_ambiguous_and_stands_in_both() -> None:
    loose = layout("""
key = ["id"]
[files.image]
role = "image"
path = "{id}.png"
[files.mask]
role = "mask"
path = "{id}_mask.png"
""")
    matched = match_names(loose, ["a.png", "a_mask.png"])
    assert matched.ambiguous == [("a_mask.png", ("image", "mask"))]
    assert names_of(matched) == {"image": ["a.png", "a_mask.png"], "mask": ["a_mask.png"]}


def test_the_first_template_of_a_slot_that_fits_counts() -> None:
    twice = layout('key = ["id"]\n[files.image]\nrole = "image"\neither = ["a_{id}.png", "{id}.png"]')
    (ref,) = match_names(twice, ["a_1.png"]).files["image"]
    assert (ref.alternative, ref.fields) == (0, {"id": "1"})


def test_sidecars_are_told_from_their_headers() -> None:
    pairs = layout('key = ["n"]\n[files.scan]\nrole = "image"\npath = "{n:int}.mhd"\nsidecar = [".raw", ".zraw"]')
    matched = match_names(pairs, ["1.mhd", "1.raw", "2.zraw", "3.bin"])
    assert [ref.name for ref in matched.sidecars] == ["1.raw", "2.zraw"]
    assert names_of(matched) == {"scan": ["1.mhd"]}
    assert matched.extra == ["3.bin"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_the_same_however_their_accents_are_written(form: str) -> None:
    accents = layout('key = ["who"]\n[files.image]\nrole = "image"\npath = "Aufnähme/{who:é|ö}.png"')
    name = unicodedata.normalize(form, "Aufnähme/é.png")
    (ref,) = match_names(accents, [name]).files["image"]
    assert ref.fields == {"who": "\u00e9"}
    assert ref.name == name, "the name on disk stays as it is"


def test_fields_mean_the_same_whatever_form_their_text_has() -> None:
    free = layout('key = ["who"]\n[files.image]\nrole = "image"\npath = "{who}.png"')
    both = match_names(free, [unicodedata.normalize(form, "Zoë.png") for form in ("NFC", "NFD")])
    assert len({ref.fields["who"] for ref in both.files["image"]}) == 1


def test_every_template_is_an_entry() -> None:
    kinds = [(e.kind, e.slot, e.alternative) for e in entries(PAIRS)]
    assert kinds == [
        ("file", "image", 0), ("file", "mask", 0), ("file", "mask", 1), ("table", "meta", 0), ("ignore", "", 0),
        ("ignore", "", 1),
    ]  # fmt: skip


def test_a_long_ending_is_tried_whole() -> None:
    long = layout('key = ["n"]\n[files.m]\nrole = "mask"\npath = "{n:int}_segmentation_of_everything_there_is.nii.gz"')
    names = ["1_segmentation_of_everything_there_is.NII.GZ", "1_no_segmentation_of_everything_there_is.nii.gz"]
    assert [r.name for r in match_names(long, names).files["m"]] == names[:1]


@given(st.lists(st.text("aé/. 1_İ!", max_size=12).map(lambda s: s + "images/1.png") | st.text(max_size=12), max_size=8))
def test_any_names_are_counted_once(names: list[str]) -> None:
    matched = match_names(PAIRS, names)
    files = sum(map(len, [*matched.files.values(), *matched.tables.values()]))
    assert files + matched.ignored + len(matched.extra) == matched.total == len(names)
