"""Run lengths: both orders, both ways of counting, and every way to be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medshelf.errors import FormatError
from medshelf.formats.rle import decode_rle, encode_rle

# The example on the data page of SIIM-ACR pneumothorax: 1024 x 1024, relative, counted from 0, by columns
SIIM = "387620 23 996 33 986 43 977 51 968 58 962 65 956 70 952 74 949 76 946 79"


def test_rows_and_columns_differ() -> None:
    assert decode_rle("2 3", (3, 4)).tolist() == [[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert decode_rle("2 3", (3, 4), order="column-major").tolist() == [
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [1, 0, 0, 0],
    ]


def test_a_known_relative_mask_is_one_compact_region() -> None:
    mask = decode_rle(SIIM, (1024, 1024), start=0, order="column-major", relative=True)
    assert mask.sum() == sum(map(int, SIIM.split()[1::2]))
    rows, columns = np.nonzero(mask)
    assert (columns.min(), columns.max()) == (387620 // 1024, 387620 // 1024 + 9)
    assert rows.max() - rows.min() < 90
    assert encode_rle(mask, start=0, order="column-major", relative=True) == SIIM


@pytest.mark.parametrize("text", ["", "  ", "-1", " -1 ", "nan"])
def test_the_ways_to_write_an_empty_mask(text: str) -> None:
    assert not decode_rle(text, (5, 6)).any()
    assert decode_rle(text, (5, 6)).shape == (5, 6)


def test_the_last_pixel_can_be_reached_and_not_passed() -> None:
    assert decode_rle("11 2", (3, 4))[2, 3] == 1
    with pytest.raises(FormatError, match="run 1 leaves the image"):
        decode_rle("11 3", (3, 4))
    with pytest.raises(FormatError, match="from 0 or 1"):
        decode_rle("0 3", (3, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", "pairs"),
        ("1 x", "whole numbers"),
        ("1.5 2", "whole numbers"),
        ("1 0", "no length"),
        ("1 -2", "no length"),
        ("1 3 2 2", "another run"),
        ("5 2 1 5", "another run"),
        ("99999999999999999999 1", "whole numbers"),
        ("9223372036854775807 9223372036854775807", "leaves the image"),
    ],
)
def test_wrong_runs_are_errors(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        decode_rle(text, (3, 4), where="train.csv, row 7")
    assert caught.value.where == "train.csv, row 7"


def test_runs_may_touch_and_come_in_any_order() -> None:
    assert decode_rle("4 2 1 3", (1, 6)).tolist() == [[1, 1, 1, 1, 1, 0]]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="column-major"):
        decode_rle("1 1", (2, 2), order="C")  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 1),
    st.sampled_from(["row-major", "column-major"]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_what_is_encoded_is_decoded(rows, columns, start, order, relative, random) -> None:
    mask = np.array([[random.random() < 0.5 for _ in range(columns)] for _ in range(rows)], np.uint8)
    text = encode_rle(mask, start=start, order=order, relative=relative)
    found = decode_rle(text, (rows, columns), start=start, order=order, relative=relative)
    np.testing.assert_array_equal(found, mask)
    assert found.dtype == np.uint8
