"""Checks of names: each finding with the file it is about, and what is said of the whole."""

from __future__ import annotations

import json

import pytest

from medshelf.errors import LayoutError
from medshelf.layout.check import Report, check_names
from medshelf.model.finding import Finding
from tests.layout.made import record

RELEASE = """
key = ["split", "n"]
case = "word_{n}"
[fields.split]
map = { Tr = "train", Ts = "test" }
[files.image]
role = "image"
path = "images{split:Tr|Ts}/word_{n:4d}.nii.gz"
[files.organs]
role = "mask"
path = "labels{split:Tr}/word_{n:4d}.nii.gz"
[tables.meta]
path = "meta.csv"
[expect]
cases = 3
splits = { train = 2, test = 1 }
files = { organs = 2 }
"""
WHOLE = [
    "imagesTr/word_0001.nii.gz", "imagesTr/word_0002.nii.gz", "imagesTs/word_0003.nii.gz",
    "labelsTr/word_0001.nii.gz", "labelsTr/word_0002.nii.gz", "meta.csv",
]  # fmt: skip


def check(names: list[str], of: str = RELEASE) -> Report:
    return check_names(record(of), names)


def only(report: Report) -> Finding:
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def without(*gone: str) -> list[str]:
    return [name for name in WHOLE if name not in gone]


def test_a_whole_release_has_no_findings() -> None:
    report = check(WHOLE)
    assert report.findings == ()
    assert report.verdict == "whole"
    assert (report.dataset, report.variant, report.n_names, report.n_cases) == ("made", "", 6, 3)
    assert report.splits == {"train": 2, "test": 1}
    assert report.slots == {"image": 3, "organs": 2, "meta": 1}


@pytest.mark.parametrize("front", ["", "W/", "W.zip!/W/", "a b/Ünï/"])
def test_wrapping_folders_do_no_harm(front: str) -> None:
    assert check([front + name for name in WHOLE]).verdict == "whole"


def test_a_missing_mask_is_named_with_its_place() -> None:
    report = check(["r/" + name for name in without("labelsTr/word_0002.nii.gz")])
    missing, counted = report.findings
    assert (missing.check, missing.severity, missing.case) == ("layout.missing", "error", "word_0002")
    assert missing.file == "r/labelsTr/word_0002.nii.gz"
    assert missing.evidence == {"slot": "organs"}
    assert missing.dataset == "made"
    assert (counted.check, counted.evidence) == (
        "layout.count", {"what": "files of organs", "expected": 2, "found": 1},
    )  # fmt: skip
    assert report.verdict == "a part of the release, with defects: 1 missing"


def test_a_missing_image_leaves_its_mask_an_orphan() -> None:
    report = check(without("imagesTr/word_0002.nii.gz"))
    orphan = report.findings[0]
    assert (orphan.check, orphan.severity, orphan.file) == ("layout.orphan", "error", "labelsTr/word_0002.nii.gz")
    assert orphan.evidence == {"slot": "organs", "fields": {"split": "train", "n": "0002"}}


def test_a_case_that_is_absent_as_a_whole_is_only_seen_by_counting() -> None:
    report = check(without("imagesTs/word_0003.nii.gz"))
    assert [f.message for f in report.findings] == [
        "the whole release has 3 cases, here are 2",
        "the whole release has 1 test cases, here are 0",
    ]
    assert {f.severity for f in report.findings} == {"warning"}
    assert report.verdict == "a part of the release; what is here is whole"


def test_too_many_cases_are_counted_as_well() -> None:
    report = check([*WHOLE, "imagesTs/word_0004.nii.gz"])
    assert [f.proposal for f in report.findings] == ["More than one release in one folder?"] * 2
    assert report.verdict == "whole, with something to look at"


def test_a_missing_table_is_named() -> None:
    finding = only(check(without("meta.csv")))
    assert (finding.check, finding.severity, finding.file) == ("layout.missing", "error", "meta.csv")
    optional = only(check(without("meta.csv"), RELEASE.replace('"meta.csv"', '"meta.csv"\noptional = true')))
    assert (optional.severity, optional.file) == ("info", "meta.csv")


def test_a_duplicate_names_every_copy() -> None:
    report = check([*WHOLE, "old/imagesTr/word_0001.nii.gz"])
    finding = only(report)
    assert (finding.check, finding.severity, finding.case) == ("layout.duplicate", "error", "word_0001")
    assert finding.evidence["files"] == ["imagesTr/word_0001.nii.gz", "old/imagesTr/word_0001.nii.gz"]
    assert finding.file == "imagesTr/word_0001.nii.gz"
    assert report.verdict == "with defects: 1 duplicate"


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("imagesTr/word_1.nii.gz", "warning"),
        ("imagesTr/word_0001.nii (1).gz", "warning"),
        ("imagesTr/word_0009.nii.gz.part", "info"),
        ("slides.pptx", "info"),
    ],
)
def test_what_the_layout_does_not_know_is_extra_and_worse_when_it_looks_like_data(name: str, severity: str) -> None:
    finding = only(check([*WHOLE, name]))
    assert (finding.check, finding.severity, finding.file) == ("layout.extra", severity, name)


def test_junk_and_paperwork_are_not_worth_a_word() -> None:
    assert check([*WHOLE, "README.md", ".DS_Store", "imagesTr/._word_0001.nii.gz", "W.zip"]).findings == ()


def test_an_incomplete_set_names_what_it_lacks() -> None:
    report = check(
        ["r/p1/p1_t1.nii", "r/p2/p2_t1.nii", "r/p2/p2_t2.nii"],
        """
key = ["p"]
[files.image]
role = "image"
path = "{p:word}/{p}_{mod:t1|t2}.nii"
channel = "{mod}"
complete = ["mod"]
""",
    )
    finding = only(report)
    assert (finding.check, finding.case, finding.file) == ("layout.incomplete", "p1", "r/p1/p1_t2.nii")
    assert finding.message == "case p1 lacks t2 of its image"
    assert finding.evidence == {"slot": "image", "absent": ["t2"]}


def test_a_name_that_fits_two_slots_is_pointed_out() -> None:
    report = check(
        ["a.png", "a_mask.png"],
        'key = ["id"]\n[files.image]\nrole = "image"\npath = "{id}.png"\n'
        '[files.mask]\nrole = "mask"\npath = "{id}_mask.png"\noptional = true',
    )
    finding = only(report)
    assert (finding.check, finding.severity, finding.file) == ("layout.ambiguous", "warning", "a_mask.png")
    assert finding.evidence == {"slots": ["image", "mask"]}


HEADERS = 'key = ["n"]\n[files.scan]\nrole = "image"\npath = "{n:int}.mhd"\nsidecar = [".raw", ".zraw"]'


def test_a_header_without_its_data_and_data_without_their_header_are_named() -> None:
    report = check(["a/1.mhd", "a/1.raw", "a/2.mhd", "b/2.raw", "a/3.mhd", "a/3.zraw"], HEADERS)
    assert [(f.check, f.file) for f in report.findings] == [
        ("layout.missing", "a/2.raw"), ("layout.orphan", "b/2.raw"),
    ]  # fmt: skip
    assert report.findings[0].evidence == {"slot": "scan", "header": "a/2.mhd"}


def test_cases_of_one_name_are_a_fault_of_the_record() -> None:
    named = 'key=["s","n"]\ncase="{n}"\n[files.i]\nrole="image"\npath="{s:a|b}/{n:int}.png"'
    finding = only(check(["a/1.png", "b/1.png"], named))
    assert (finding.check, finding.case, finding.evidence) == ("layout.repeated-id", "1", {"n": 2})


def test_a_table_for_each_split_is_missed_where_the_split_is_here() -> None:
    text = """
key = ["split", "n"]
[files.image]
role = "image"
path = "{split:train|test}/{n:int}.png"
[tables.labels]
path = "{split:train|test}.csv"
"""
    assert check(["train/1.png", "train.csv"], text).findings == ()
    report = check(["train/1.png", "test/1.png"], text)
    assert [(f.check, f.file) for f in report.findings] == [
        ("layout.missing", "test.csv"), ("layout.missing", "train.csv"),
    ]  # fmt: skip


def test_nothing_that_fits_says_what_was_wanted_and_what_is_near() -> None:
    report = check(["x/Word_0001.nii.gz", "y.txt"])
    finding = only(report)
    assert (finding.check, finding.severity) == ("layout.nothing-matched", "error")
    assert finding.message == "none of 2 names is a file of this layout"
    assert finding.evidence["wanted"][0] == "images{split:Tr|Ts}/word_{n:4d}.nii.gz"
    assert finding.evidence["nearest"] == ["Word_0001.nii.gz"]
    assert finding.proposal is not None and "medshelf identify" in finding.proposal
    assert report.verdict == "not this dataset, or another edition of it"
    assert report.n_cases == 0


def test_a_table_alone_does_not_make_it_this_dataset() -> None:
    report = check(["meta.csv", "somebody/else.png"])
    assert only(report).check == "layout.nothing-matched"
    assert report.verdict == "not this dataset, or another edition of it"
    assert report.slots == {"meta": 1}


def test_no_names_at_all_are_said_to_be_none() -> None:
    report = check([])
    assert only(report).message == "there are no files here"
    assert report.verdict == "not this dataset, or another edition of it"


def test_a_report_is_plain_values() -> None:
    report = check(without("labelsTr/word_0002.nii.gz"))
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["findings"][0]["file"] == "labelsTr/word_0002.nii.gz"
    assert plain["findings"][0]["case"] == "word_0002"
    assert plain["splits"] == {"train": 2, "test": 1}
    assert list(plain) == ["dataset", "variant", "verdict", "n_names", "n_cases", "splits", "slots", "findings"]


def test_findings_of_many_kinds_are_counted_in_the_verdict() -> None:
    names = [*without("labelsTr/word_0001.nii.gz"), "labelsTr/word_0009.nii.gz", "old/imagesTs/word_0003.nii.gz"]
    assert check(names).verdict == "with defects: 1 missing, 1 orphan, 1 duplicate"


# --- repackagings --------------------------------------------------------------------------

VARIANTS = RELEASE + """
[variants.flat.files.image]
path = "{split:Tr|Ts}_word_{n:4d}_image.nii.gz"
[variants.flat.files.organs]
path = "{split:Tr}_word_{n:4d}_label.nii.gz"
[variants.images-only]
drop = ["files.organs", "tables.meta"]
"""


def test_the_repackaging_that_fits_is_found() -> None:
    flat = ["Tr_word_0001_image.nii.gz", "Tr_word_0001_label.nii.gz", "meta.csv"]
    assert check(flat, VARIANTS).variant == "flat"
    assert check(WHOLE, VARIANTS).variant == ""
    assert check([n for n in WHOLE if n.startswith("images")], VARIANTS).variant == "images-only"


def test_the_repackaging_that_is_asked_for_is_used() -> None:
    report = check_names(record(VARIANTS), WHOLE, variant="flat")
    assert (report.variant, report.findings[0].check) == ("flat", "layout.nothing-matched")
    with pytest.raises(LayoutError, match=r"no variant 'flatt'.*Known: '', 'flat', 'images-only'"):
        check_names(record(VARIANTS), WHOLE, variant="flatt")


def test_a_variant_is_chosen_from_a_sample_and_checked_in_full() -> None:
    many = [f"{kind}Tr/word_{n:04d}.nii.gz" for n in range(4000) for kind in ("images", "labels")]
    report = check([*many, "meta.csv"], VARIANTS)
    assert (report.variant, report.n_cases, report.n_names) == ("", 4000, 8001)


def test_a_record_without_layout_can_not_be_checked() -> None:
    undescribed = record(RELEASE)
    object.__setattr__(undescribed, "layout", None)
    with pytest.raises(LayoutError, match="made: nobody has described the files"):
        check_names(undescribed, WHOLE)


CT = """
key = ["p"]
[files.ct]
role = "image"
path = "{p:word}/{file:~IM-\\\\d+}.dcm"
reader = "dicom_series"
along = "file"
"""


@pytest.mark.parametrize(
    ("numbers", "absent"),
    [
        (range(1, 30), None),
        ([1, 2, 3, 5, 6], [4]),
        ([n for n in range(0, 60, 2) if n != 8], [8]),
        ([1, 2, 3, 30, 31, 32], None),  # two runs: numbered by another rule
        ([1, 4, 9, 16], None),
        ([7], None),
    ],
)
def test_a_number_left_out_of_a_series_is_a_gap(numbers: list[int], absent: list[int] | None) -> None:
    report = check([f"a/IM-{n:04d}.dcm" for n in numbers], CT)
    if absent is None:
        assert report.findings == ()
        return
    finding = only(report)
    assert (finding.check, finding.severity, finding.case) == ("layout.gap", "warning", "a")
    assert finding.evidence["numbers"] == absent


def test_a_table_for_each_word_is_wanted_whether_cases_use_the_word_or_not() -> None:
    layout = """
key = ["country", "n"]
[files.image]
role = "image"
path = "{country:us|cn}/{n:int}.png"
[tables.list]
path = "{country:us|cn}/{part:train|test}.csv"
"""
    finding = only(check(["us/1.png", "us/train.csv"], layout))
    assert (finding.check, finding.file) == ("layout.missing", "us/test.csv")


def test_very_many_unknown_names_are_told_one_by_one_only_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from medshelf.layout import check

    monkeypatch.setattr(check, "_MOST_EXTRA", 3)
    made = record("""
key = ["n"]
[files.image]
role = "image"
path = "{n:int}.nii.gz"
""")
    names = ["1.nii.gz", *(f"odd_{n}.nii.gz" for n in range(10)), *(f"odd_{n}.foo" for n in range(5))]
    found = [f for f in check_names(made, names).findings if f.check == "layout.extra"]
    assert [f.severity for f in found].count("warning") == 4 and [f.severity for f in found].count("info") == 4
    assert sum(f.evidence.get("n", 1) for f in found) == 15
