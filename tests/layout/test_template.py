"""Templates: every row of the table in docs/reference/layout-language.md, and what is not well formed."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medshelf.errors import LayoutError
from medshelf.layout.template import Template, parse

MATCHES = [
    # text
    ("scan.nii.gz", "scan.nii.gz", {}),
    ("scan.nii.gz", "scan_nii.gz", None),
    ("a+b (1).png", "a+b (1).png", {}),
    # the ending, in any case
    ("{n:int}.jpg", "7.JPG", {"n": "7"}),
    ("{n:int}.nii.gz", "7.Nii.GZ", {"n": "7"}),
    ("{n:int}.ome.tiff", "7.OME.TIFF", {"n": "7"}),
    ("Scan_{n:int}.jpg", "scan_7.jpg", None),
    ("{n:int}_Mask.jpg", "7_mask.JPG", None),
    # {f}: never a slash, never nothing
    ("{f}.png", "a b-c_d.png", {"f": "a b-c_d"}),
    ("{f}/x.png", "a/b/x.png", {"f": "b"}),
    ("{f}.png", ".png", None),
    ("{a}_{b}.png", "x_y_z.png", {"a": "x", "b": "y_z"}),
    # {f:int}, {f:4d}
    ("{n:int}.png", "007.png", {"n": "007"}),
    ("{n:int}.png", "7a.png", None),
    ("{n:int}.png", "-7.png", None),
    ("{n:int}.png", "٧.png", None),
    ("{n:4d}.png", "0012.png", {"n": "0012"}),
    ("{n:4d}.png", "012.png", None),
    ("{n:4d}.png", "00012.png", None),
    ("x{n:4d}.png", "x０００１.png", None),
    # {f:a|b}
    ("images{split:Tr|Ts}/x.png", "imagesTs/x.png", {"split": "Ts"}),
    ("images{split:Tr|Ts}/x.png", "imagesVa/x.png", None),
    ("{m:t1|t1ce|t2}.nii", "t1ce.nii", {"m": "t1ce"}),
    ("{m:a.b|c+d}.nii", "axb.nii", None),
    ("{m:a.b|c+d}.nii", "c+d.nii", {"m": "c+d"}),
    ("{split:Training}/x.png", "Training/x.png", {"split": "Training"}),
    # {f:hex}, {f:word}, {f:uid}
    ("{f:hex}.png", "00fFaB19.png", {"f": "00fFaB19"}),
    ("{f:hex}.png", "00g.png", None),
    ("{f:word}.png", "a_1.png", {"f": "a_1"}),
    ("{f:word}.png", "a-1.png", None),
    ("{f:uid}.dcm", "1.2.840.1.dcm", {"f": "1.2.840.1"}),
    ("{f:uid}.dcm", "1.2.x.dcm", None),
    # {f:~regex}
    (r"{f:~s\d{4}}.nii", "s0012.nii", {"f": "s0012"}),
    (r"{f:~[A-Z]+|none}_x.nii", "none_x.nii", {"f": "none"}),
    (r"{f:~[A-Z]+|none}_x.nii", "None_x.nii", None),
    (r"{f:~(?:ab)+}.nii", "abab.nii", {"f": "abab"}),
    # the same text again
    ("{id}/{id}_seg.nii", "p1/p1_seg.nii", {"id": "p1"}),
    ("{id}/{id}_seg.nii", "p1/p2_seg.nii", None),
    ("{id:4d}/{id}.nii", "0001/0001.nii", {"id": "0001"}),
    ("{n:int}/{n:int}.nii", "7/07.nii", None),
    # * and **/
    ("*.png", "anything at all.png", {}),
    ("a*c.png", "ac.png", {}),
    ("/a*c.png", "ab/c.png", None),
    ("a/*/x.png", "a/b/x.png", {}),
    ("a/*/x.png", "a/b/c/x.png", None),
    ("a/**/x.png", "a/x.png", {}),
    ("a/**/x.png", "a/b/c/x.png", {}),
    ("a/**/x.png", "a/b/cx.png", None),
    ("**/x.png", "x.png", {}),
    ("docs/**", "docs/a/b.txt", {}),
    # […]
    ("{n:4d}[_0000].nii.gz", "0001.nii.gz", {"n": "0001"}),
    ("{n:4d}[_0000].nii.gz", "0001_0000.nii.gz", {"n": "0001"}),
    ("{n:int}_mask[_{part:int}].png", "3_mask.png", {"n": "3", "part": None}),
    ("{n:int}_mask[_{part:int}].png", "3_mask_2.png", {"n": "3", "part": "2"}),
    ("{n:int}_mask[_{part:int}].png", "3_mask_.png", None),
    ("[{site:A|B}/]x.png", "A/x.png", {"site": "A"}),
    ("x[a[b] ].png", "xab .png", {}),
    # literal brackets
    ("amos[[22]].png", "amos[22].png", {}),
    ("{{x}}_{n:int}.png", "{x}_3.png", {"n": "3"}),
    # members of archives
    ("a.zip!/b/{n:int}.png", "a.zip!/b/1.png", {"n": "1"}),
    ("a.zip!/b/{n:int}.png", "a/b/1.png", None),
    # what stands in front is absorbed
    ("imagesTr/{n:int}.png", "Task04.tar!/Task04/imagesTr/1.png", {"n": "1"}),
    ("imagesTr/{n:int}.png", "my imagesTr/1.png", None),
    ("/imagesTr/{n:int}.png", "imagesTr/1.png", {"n": "1"}),
    ("/imagesTr/{n:int}.png", "a/imagesTr/1.png", None),
    # Unicode and spaces
    ("naïve – 例 {n:int}.png", "naïve – 例 3.png", {"n": "3"}),
    ("{f}.png", "Ünïcödé 例.png", {"f": "Ünïcödé 例"}),
    ("{f}.png", "two\nlines.png", {"f": "two\nlines"}),
]  # fmt: skip


def captured(template: Template, name: str) -> dict[str, str | None] | None:
    match = template.match(name)
    return None if match is None else {f: match[f] for f in template.fields}


@pytest.mark.parametrize(("text", "name", "said"), MATCHES)
def test_a_template_matches_what_the_language_says(text: str, name: str, said: dict[str, str] | None) -> None:
    assert captured(parse(text), name) == said


@pytest.mark.parametrize(
    ("name", "front"),
    [("x/1.png", ""), ("a/x/1.png", "a/"), ("r.tar!/a b/x/1.png", "r.tar!/a b/"), ("x/x/1.png", "x/")],
)
def test_what_stands_in_front_is_told(name: str, front: str) -> None:
    match = parse("x/{n:int}.png").match(name)
    assert match is not None
    assert match["_at"] == front


def test_a_template_in_the_decomposed_form_matches_composed_names() -> None:
    assert captured(parse("cafe\u0301_{n:int}.png"), "caf\u00e9_3.png") == {"n": "3"}


def test_what_a_template_knows() -> None:
    template = parse("images{split:Tr|Val}/word_{n:4d}[_{part:int}]_{part}.nii.gz")
    assert template.fields == ("split", "n", "part")
    assert template.enumerated == {"split": ("Tr", "Val")}
    assert template.whole_numbers == {"part"}
    assert template.specs == {"split": "Tr|Val", "n": "4d", "part": "int"}
    assert template.ending == ".nii.gz"
    assert not template.anchored
    assert parse("/x.png").anchored


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{n", "not closed"),
        ("{n:~a{2}", "not closed"),
        ("a[b", "not closed"),
        ("a]b", "not opened"),
        ("a}b", "not opened"),
        ("[a]]b", "not closed"),
        ("{}", "not a field name"),
        ("{7n}", "not a field name"),
        ("{a b}", "not a field name"),
        ("{n:~[}", "regular expression"),
        ("{n:~(}.png", "regular expression"),
        ("{n:~(a|b)}", "must not hold groups"),
        ("{n:~(?P<m>a)}", "must not hold groups"),
    ],
)
def test_what_is_not_well_formed_is_refused_and_quoted(text: str, said: str) -> None:
    with pytest.raises(LayoutError, match=said) as caught:
        parse(text)
    assert text in str(caught.value)


# --- backwards -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "name"),
    [
        ("images{split:Tr|Ts}/word_{n:4d}.nii.gz", {"split": "Tr", "n": 7}, "imagesTr/word_0007.nii.gz"),
        ("{n:int}.png", {"n": 7}, "7.png"),
        ("{n:int}_mask[_{part:int}].png", {"n": 3}, "3_mask.png"),
        ("{n:int}_mask[_{part:int}].png", {"n": 3, "part": 2}, "3_mask_2.png"),
        ("{n:4d}[_0000].nii.gz", {"n": "0001"}, "0001.nii.gz"),
        ("**/{id}.png", {}, "{id}.png"),
        ("/a[[1]]/{{b}}/{id}.png", {"id": "x"}, "a[1]/{b}/x.png"),
    ],
)
def test_a_template_is_read_backwards(text: str, values: dict[str, object], name: str) -> None:
    assert parse(text).render(values) == name


plain = st.text(string.ascii_letters + string.digits + " -_.()+$^é例", min_size=1, max_size=6)
SPECS = {
    "": plain.filter(lambda s: s.strip(".")),
    "int": st.integers(0, 10**9).map(str),
    "4d": st.integers(0, 9999).map(lambda n: f"{n:04d}"),
    "hex": st.text("0123456789abcdefABCDEF", min_size=1, max_size=8),
    "word": st.text(string.ascii_letters + "_0123456789", min_size=1, max_size=8),
    "uid": st.lists(st.integers(0, 999).map(str), min_size=1, max_size=4).map(".".join),
    "Tr|Ts|Val.2": st.sampled_from(["Tr", "Ts", "Val.2"]),
    r"~[A-Z]\d{2}": st.from_regex(re.compile(r"[A-Z]\d{2}", re.ASCII), fullmatch=True),
}


@st.composite
def templates(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A template of fields that a slash keeps apart, and a value for each."""
    parts: list[str] = []
    values: dict[str, str] = {}
    for n in range(draw(st.integers(1, 4))):
        known = list(values)
        if known and draw(st.integers(0, 4)) == 0:
            parts.append("{" + draw(st.sampled_from(known)) + "}")
            continue
        spec = draw(st.sampled_from(list(SPECS)))
        values[f"f{n}"] = draw(SPECS[spec])
        field = f"{{f{n}:{spec}}}" if spec else f"{{f{n}}}"
        parts.append(f"[x{field}y]" if draw(st.integers(0, 4)) == 0 else draw(plain) + field)
    ending = draw(st.sampled_from([".png", ".nii.gz", "", " (x).dcm", "+.a"]))
    return "/".join(parts) + ending, values


@given(templates(), st.sampled_from(["", "a/", "r.zip!/", "a b/c/"]))
def test_what_is_rendered_matches_with_the_same_values(made: tuple[str, dict[str, str]], front: str) -> None:
    text, values = made
    template = parse(text)
    name = front + template.render(values)
    assert captured(template, name) == values


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.sampled_from(["", "a/", "r.zip!/"]))
def test_optional_parts_may_be_left_out_each_by_itself(there: list[bool], front: str) -> None:
    template = parse("".join(f"[f{n}_{{f{n}:int}}/]" for n in range(len(there))) + "x_{id:4d}[ ({part:int})].png")
    values = {f"f{n}": str(n) for n, is_there in enumerate(there) if is_there} | {"id": "0001"}
    found = captured(template, front + template.render(values))
    assert found is not None
    assert {f: v for f, v in found.items() if v is not None} == values


@given(st.text(string.ascii_letters + "[]{}*/.:|~ 0d", max_size=14))
def test_any_text_is_a_template_or_an_error_of_ours(text: str) -> None:
    try:
        template = parse(text)
    except LayoutError:
        return
    template.match(text)
    template.render({})


@given(st.text(string.ascii_letters + string.digits + " -_.()+$^é例/!", max_size=20))
def test_plain_text_matches_itself_alone(text: str) -> None:
    assume(text.strip("/"))
    template = parse("/" + text.removeprefix("/"))
    assert template.match(text.removeprefix("/")) is not None
    assert template.match(text + "x") is None
