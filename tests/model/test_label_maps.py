"""Label maps: values, ranges, bands, colours and names."""

from __future__ import annotations

from medshelf.model.labels import Band, State, bands_of, colours_of, named, structures_of, values_of


def test_values_are_written_out_from_numbers_and_ranges() -> None:
    mapping = {"0": "background", "1": "liver", "8-10": "vertebra.T{i}", "-3": "air", "20-21": "bone"}
    assert values_of(mapping) == {
        0: "background", 1: "liver", 8: "vertebra.T1", 9: "vertebra.T2", 10: "vertebra.T3", -3: "air",
        20: "bone", 21: "bone",
    }  # fmt: skip


def test_names_colours_and_expressions_are_no_values() -> None:
    assert values_of({"Liver": "liver", "#ff0000": "spleen", "~Tumor_\\d+": "liver/neoplasm", "1.5": "x"}) == {}


def test_bands_hold_both_ends_and_single_greys() -> None:
    assert bands_of({"55-70": "liver", "126": "kidney.left", "x-9": "no", "": "no"}) == (
        Band(55, 70, "liver"), Band(126, 126, "kidney.left"),
    )  # fmt: skip


def test_colours_are_six_hexadecimal_digits() -> None:
    mapping = {"#ff0000": "artery", "#00FF7f": "vein", "#f00": "no", "ff0000": "no"}
    assert colours_of(mapping) == {(255, 0, 0): "artery", (0, 255, 127): "vein"}


def test_a_name_is_found_by_itself_before_an_expression() -> None:
    mapping = {"~Tumor.*": "liver/neoplasm", "Tumor": "brain/neoplasm", "Liver": "liver"}
    assert named(mapping, "Tumor") == "brain/neoplasm"
    assert named(mapping, "Tumor_2") == "liver/neoplasm"
    assert named(mapping, "A Tumor_2") is None
    assert named(mapping, "liver") is None


def test_structures_are_listed_once_in_the_order_of_the_map() -> None:
    mapping = {"2": "spleen", "1": "liver", "3": "spleen", "4-5": "rib.left.{i}"}
    assert structures_of(mapping) == ("spleen", "liver", "rib.left.1", "rib.left.2")


def test_absent_and_not_annotated_are_two_things() -> None:
    assert len(set(State)) == 4
    assert State.ABSENT != State.NOT_ANNOTATED
    assert State("absent") is State.ABSENT
