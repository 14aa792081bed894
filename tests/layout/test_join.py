"""Files joined into cases: by key, shared, missing, doubled, astray."""

from __future__ import annotations

import random

import pytest

from medshelf.layout.join import Joined, anchor_slots, cases_of, join
from medshelf.layout.match import match_names
from medshelf.model.case import Case
from medshelf.model.layout import Layout
from tests.layout.made import layout

PAIRS = """
key = ["split", "n"]
case = "word_{n}"
[fields.split]
map = { Tr = "train", Ts = "test" }
[files.image]
role = "image"
path = "images{split:Tr|Ts}/word_{n:4d}.nii.gz"
[files.organs]
role = "mask"
path = "labels{split:Tr|Ts}/word_{n:4d}.nii.gz"
"""


def joined(of: str | Layout, names: list[str]) -> Joined:
    described = layout(of) if isinstance(of, str) else of
    return join(described, match_names(described, names))


def files(case: Case) -> dict[str, list[str]]:
    return {slot: [ref.name for ref in refs] for slot, refs in case.files.items()}


def gaps(found: Joined) -> list[tuple[str, str, str]]:
    return [(gap.case, gap.slot, gap.expected) for gap in found.missing]


def test_files_of_one_key_are_one_case() -> None:
    found = joined(PAIRS, ["imagesTr/word_0001.nii.gz", "labelsTr/word_0001.nii.gz", "imagesTs/word_0001.nii.gz",
                           "labelsTs/word_0001.nii.gz"])  # fmt: skip
    assert [(c.key, c.split) for c in found.cases] == [(("train", "0001"), "train"), (("test", "0001"), "test")]
    assert files(found.cases[1]) == {
        "image": ["imagesTs/word_0001.nii.gz"], "organs": ["labelsTs/word_0001.nii.gz"],
    }  # fmt: skip
    assert not (found.orphans or found.duplicates or found.missing)


def test_cases_do_not_depend_on_the_order_of_the_names() -> None:
    names = [f"{kind}Tr/word_{n:04d}.nii.gz" for kind in ("images", "labels") for n in range(1, 9)]
    wanted = joined(PAIRS, names)
    random.Random(1).shuffle(names)
    assert joined(PAIRS, names).cases == wanted.cases


def test_cases_come_in_natural_order() -> None:
    free = 'key = ["id"]\n[files.image]\nrole = "image"\npath = "{id}.png"'
    cases = cases_of(layout(free), [f"case_{n}.png" for n in (10, 9, 100, 1)])
    assert [c.id for c in cases] == ["case_1", "case_9", "case_10", "case_100"]


def test_a_missing_file_is_expected_where_it_should_be() -> None:
    found = joined(PAIRS, ["r.zip!/W/imagesTs/word_0007.nii.gz"])
    assert gaps(found) == [("word_0007", "organs", "r.zip!/W/labelsTs/word_0007.nii.gz")]


def test_a_mask_without_image_is_an_orphan() -> None:
    found = joined(PAIRS, ["imagesTr/word_0001.nii.gz", "labelsTr/word_0001.nii.gz", "labelsTr/word_0002.nii.gz"])
    assert [ref.name for ref in found.orphans] == ["labelsTr/word_0002.nii.gz"]
    assert len(found.cases) == 1


def test_two_files_where_one_is_expected_are_a_duplicate() -> None:
    found = joined(PAIRS, ["b/imagesTr/word_0001.nii.gz", "a/imagesTr/word_0001.nii.gz",
                           "a/labelsTr/word_0001.nii.gz"])  # fmt: skip
    assert found.duplicates == (
        ("word_0001", "image", ("a/imagesTr/word_0001.nii.gz", "b/imagesTr/word_0001.nii.gz")),
    )


SHARED = """
key = ["patient", "visit"]
patient = "{patient}"
[files.image]
role = "image"
path = "{patient:word}/{visit:int}.png"
[files.atlas]
role = "mask"
path = "{patient:word}/atlas.png"
[files.note]
role = "text"
path = "note.txt"
"""


def test_a_file_with_fewer_key_fields_is_shared_by_all_that_agree() -> None:
    found = joined(SHARED, ["p1/1.png", "p1/2.png", "p2/1.png", "p1/atlas.png", "note.txt"])
    shared = {case.id: files(case).get("atlas") for case in found.cases}
    assert shared == {"p1/1": ["p1/atlas.png"], "p1/2": ["p1/atlas.png"], "p2/1": None}
    assert all("note" in case.files for case in found.cases)
    assert [case.patient for case in found.cases] == ["p1", "p1", "p2"]
    assert gaps(found) == [("p2/1", "atlas", "p2/atlas.png")]


def test_an_image_may_be_shared_as_well() -> None:
    found = joined(
        """
key = ["patient", "visit"]
[files.t1]
role = "image"
path = "{patient:word}/{visit:int}.png"
[files.template]
role = "image"
path = "{patient:word}/template.png"
""",
        ["p1/1.png", "p1/2.png", "p1/template.png", "p2/template.png"],
    )
    assert ["template" in case.files for case in found.cases] == [True, True]
    assert [ref.name for ref in found.orphans] == ["p2/template.png"]


EITHER = """
key = ["n"]
[files.image]
role = "image"
path = "images/{n:int}.png"
[files.mask]
role = "mask"
either = ["masks/{n:int}.png", "old/{n:int}.png"]
"""


def test_of_alternatives_the_first_that_a_case_has_counts() -> None:
    found = joined(EITHER, ["images/1.png", "images/2.png", "masks/1.png", "old/1.png", "old/2.png"])
    assert [files(case)["mask"] for case in found.cases] == [["masks/1.png"], ["old/2.png"]]
    assert not found.duplicates


def test_a_case_without_any_alternative_misses_the_first() -> None:
    assert gaps(joined(EITHER, ["x/images/3.png"])) == [("3", "mask", "x/masks/3.png")]


def test_several_paths_all_contribute_and_are_doubles_unless_told_apart() -> None:
    text = EITHER.replace("either", "path")
    assert len(joined(text, ["images/1.png", "masks/1.png", "old/1.png"]).duplicates) == 1
    assert not joined(text + 'merge = "union"', ["images/1.png", "masks/1.png", "old/1.png"]).duplicates


UNION = """
key = ["n"]
[files.image]
role = "image"
path = "{n:int}.png"
[files.mask]
role = "mask"
path = "{n:int}_mask[_{part:int}].png"
merge = "union"
"""


def test_parts_of_a_merged_mask_are_one_annotation() -> None:
    found = joined(UNION, ["1.png", "1_mask.png", "1_mask_1.png", "1_mask_2.png"])
    assert files(found.cases[0])["mask"] == ["1_mask.png", "1_mask_1.png", "1_mask_2.png"]
    assert not found.duplicates


def test_the_expected_name_of_a_part_leaves_out_what_is_optional() -> None:
    assert gaps(joined(UNION, ["1.png"])) == [("1", "mask", "1_mask.png")]


BOUND = """
key = ["p"]
[files.image]
role = "image"
path = "{p:4d}/{p}_{mod:flair|t1|t1ce}.nii"
channel = "{mod}"
complete = ["mod"]
[files.mask]
role = "mask"
path = "{p:4d}/seg_{who:word}_{organ:word}.nii"
label = "{organ}"
annotator = "{who}"
"""


def test_fields_that_name_a_channel_label_or_annotator_tell_files_apart() -> None:
    names = [f"0001/0001_{mod}.nii" for mod in ("flair", "t1", "t1ce")]
    names += [f"0001/seg_{who}_{organ}.nii" for who in ("a", "b") for organ in ("liver", "spleen")]
    found = joined(BOUND, names)
    assert not (found.duplicates or found.incomplete or found.missing)
    (case,) = found.cases
    assert (len(case.files["image"]), len(case.files["mask"])) == (3, 4)


def test_a_case_that_lacks_a_channel_is_incomplete_and_says_which() -> None:
    found = joined(BOUND, ["x/0001/0001_t1.nii", "x/0001/seg_a_liver.nii"])
    ((gap),) = found.incomplete
    assert (gap.case, gap.slot, gap.values) == ("0001", "image", ("flair", "t1ce"))
    assert gap.expected == "x/0001/0001_flair.nii"
    assert not found.missing


def test_equal_files_of_one_annotator_are_still_doubles() -> None:
    found = joined(BOUND, ["a/0001/0001_t1.nii", "b/0001/0001_t1.nii", "a/0001/seg_a_liver.nii"])
    assert found.duplicates == (("0001", "image", ("a/0001/0001_t1.nii", "b/0001/0001_t1.nii")),)


def test_members_of_a_series_are_no_doubles() -> None:
    series = 'key = ["p"]\n[files.ct]\nrole = "image"\npath = "{p:word}/{f}.dcm"\nreader = "dicom_series"'
    found = joined(series, ["p1/1.dcm", "p1/2.dcm"])
    assert not found.duplicates
    assert len(found.cases) == 1


# --- which slots apply ---------------------------------------------------------------------

APPLIES = """
key = ["modality", "n"]
[fields.modality]
map = { CT = "ct", MR = "mr" }
[fields.split]
of = "n"
ranges = { "1-5" = "train", "6-9" = "test" }
[files.image]
role = "image"
path = "{modality:CT|MR}/{n:int}.png"
[files.liver]
role = "mask"
path = "{modality:CT}/{n:int}_liver.png"
[files.organs]
role = "mask"
path = "{modality:CT|MR}/{n:int}_organs.png"
only = { split = ["train"] }
[files.extra]
role = "mask"
path = "{modality:CT|MR}/{n:int}_extra.png"
optional = true
"""


def test_a_slot_applies_where_its_template_its_rule_and_its_option_say() -> None:
    found = joined(APPLIES, ["CT/1.png", "CT/7.png", "MR/1.png", "MR/7.png"])
    assert sorted(gaps(found)) == [
        ("CT/1", "liver", "CT/1_liver.png"),
        ("CT/1", "organs", "CT/1_organs.png"),
        ("CT/7", "liver", "CT/7_liver.png"),
        ("MR/1", "organs", "MR/1_organs.png"),
    ]


def test_a_file_of_a_slot_that_does_not_apply_is_an_orphan() -> None:
    found = joined(APPLIES, ["CT/7.png", "CT/7_liver.png", "CT/7_organs.png"])
    assert [ref.name for ref in found.orphans] == ["CT/7_organs.png"]


def test_values_are_compared_as_they_are_meant() -> None:
    case = joined(APPLIES, ["MR/7.png"]).cases[0]
    assert case.fields == {"modality": "mr", "n": 7, "split": "test"}
    assert case.id == "MR/7", "and written as they are written"


# --- keys that are made --------------------------------------------------------------------


def test_a_key_may_be_made_of_another_field() -> None:
    found = joined(
        r"""
key = ["patient", "visit"]
patient = "{patient}"
case = "{patient}/{visit}"
[fields.patient]
of = "name"
take = '^(P\d+)'
[fields.visit]
of = "name"
take = '_v(\d+)$'
int = true
[files.image]
role = "image"
path = "{name}.png"
[files.mask]
role = "mask"
path = "masks/{name}.png"
[files.record]
role = "record"
path = 'records/{name:~P\d+}.json'
""",
        ["P1_v1.png", "P1_v02.png", "masks/P1_v01.png", "masks/P1_v2.png", "records/P1.json"],
    )
    assert [(c.id, c.patient, c.key) for c in found.cases] == [("P1/1", "P1", ("P1", 1)), ("P1/2", "P1", ("P1", 2))]
    assert files(found.cases[1])["mask"] == ["masks/P1_v2.png"]
    assert all("record" in case.files for case in found.cases)


def test_a_key_may_have_a_default() -> None:
    found = joined(
        """
key = ["site", "n"]
[fields.site]
default = "main"
[files.image]
role = "image"
path = "[{site:A|B}/]{n:int}.png"
""",
        ["1.png", "A/1.png", "B/1.png"],
    )
    assert [case.key for case in found.cases] == [("A", 1), ("B", 1), ("main", 1)]


def test_numbers_agree_whatever_their_zeros() -> None:
    found = joined(UNION, ["007.png", "7_mask.png"])
    assert not (found.missing or found.orphans)
    assert found.cases[0].id == "007"


# --- what makes a case ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        (PAIRS, ("image",)),
        ('key=["n"]\n[files.a]\nrole="image"\npath="{n}.a"\n[files.b]\nrole="image"\npath="{n}.b"\naux=true', ("a",)),
        ('key=["n"]\n[files.q]\nrole="text"\npath="{n}.q"\n[files.r]\nrole="target"\npath="{n}.r"', ("q", "r")),
        ('key=["n"]\n[files.q]\nrole="text"\npath="{n}.q"\n[tables.t]\npath="t.csv"\nanchor=true', ()),
        ('key=["n"]\n[files.v]\nrole="video"\npath="{n}.v"\n[files.m]\nrole="mask"\npath="{n}.m"', ("v",)),
    ],
)
def test_images_make_cases_else_everything_else_or_the_anchoring_table(text: str, anchors: tuple[str, ...]) -> None:
    assert anchor_slots(layout(text)) == anchors


def test_an_auxiliary_image_makes_no_case() -> None:
    text = 'key=["n"]\n[files.a]\nrole="image"\npath="{n:int}.a"\n[files.b]\nrole="image"\npath="{n:int}.b"\naux=true'
    found = joined(text, ["1.a", "1.b", "2.b"])
    assert [case.id for case in found.cases] == ["1"]
    assert [ref.name for ref in found.orphans] == ["2.b"]


def test_nothing_gives_no_cases() -> None:
    assert joined(PAIRS, []) == Joined(())
