"""Names of structures: what they say, and what is no name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.model.structure import Structure, parse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("liver", Structure("liver")),
        ("kidney.left", Structure("kidney", "left")),
        ("vertebra.L3", Structure("vertebra", "L3")),
        ("tooth.11", Structure("tooth", "11")),
        ("liver/neoplasm", Structure("liver", None, "neoplasm")),
        ("hippocampus:anterior", Structure("hippocampus", None, None, "anterior")),
        ("kidney.right/cyst:wall", Structure("kidney", "right", "cyst", "wall")),
        ("brain/neoplasm:enhancing", Structure("brain", None, "neoplasm", "enhancing")),
        ("rib.left.7", Structure("rib", "left.7")),
        ("cell#instance", Structure("cell", None, None, None, True)),
        ("lung.left/nodule:solid#instance", Structure("lung", "left", "nodule", "solid", True)),
    ],
)
def test_a_name_is_read_and_written_alike(text: str, said: Structure) -> None:
    assert parse(text) == (said,)
    assert str(said) == text


def test_alternatives_are_kept_in_order() -> None:
    assert parse("prostate|uterus") == (Structure("prostate"), Structure("uterus"))


@pytest.mark.parametrize("text", ["vertebra.{i}", "vertebra.T{i}", "lung_lobe:part_{i}"])
def test_places_for_a_count_are_allowed_where_a_member_stands(text: str) -> None:
    if ":" in text:
        with pytest.raises(ValueError, match="structure"):
            parse(text)
    else:
        assert str(parse(text)[0]) == text


@pytest.mark.parametrize(
    "text", ["", "Liver", "left kidney", "kidney.", "kidney.Left side", "/tumour", "liver//x", "liver|", "liver:", "7"]
)
def test_what_is_no_name_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"structure\[\.side\]"):
        parse(text)


words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
sides = st.sampled_from(["left", "right", "L3", "11", "T12", "left.7"])


@given(st.builds(Structure, words, st.none() | sides, st.none() | words, st.none() | words, st.booleans()))
def test_every_structure_survives_being_written(structure: Structure) -> None:
    assert parse(str(structure)) == (structure,)
