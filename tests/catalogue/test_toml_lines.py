"""The line of a TOML file on which something stands."""

from __future__ import annotations

import pytest

from medshelf.catalogue.toml_lines import line_of

TEXT = '''\
id = "x"
summary = """
[facts]
id = "no"
"""
"quoted key" = 1
a.b = 2

[facts]
year = { value = 2020 }

[facts.cases]    # a comment
value = 10
'odd key' = 3

[[licences]]
id = "one"

[[licences]]
id = "two"
note = \'\'\'one line\'\'\'
note2 = \'\'\'
[[licences]]
\'\'\'
sources = [
  "a",
]

[errata]
x = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 1),
        (("summary",), 2),
        (("quoted key",), 6),
        (("a", "b"), 7),
        (("facts",), 9),
        (("facts", "year"), 10),
        (("facts", "year", "value"), 10),
        (("facts", "cases"), 12),
        (("facts", "cases", "value"), 13),
        (("facts", "cases", "odd key"), 14),
        (("facts", "cases", "nowhere"), 12),
        (("facts", "nowhere"), 9),
        (("licences", 0, "id"), 17),
        (("licences", 1), 19),
        (("licences", 1, "id"), 20),
        (("licences", 1, "sources", 0), 25),
        (("errata", "x"), 30),
        (("nowhere",), 1),
        ((), 1),
    ],
)
def test_a_path_is_found_on_its_line_or_on_that_of_what_holds_it(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_line_ends_of_windows_and_odd_separators_do_not_shift_lines() -> None:
    assert line_of('a = 1\r\n\r\n[b]\r\nc = 2\r\n', ("b", "c")) == 4
    assert line_of('a = "x\u2028y\x0b"\nb = 2\n', ("b",)) == 2


def test_an_empty_file_has_a_first_line() -> None:
    assert line_of("", ("a",)) == 1
