"""``Key: value`` files as ACDC has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.errors import AccessError, FormatError
from medshelf.formats.keyval import read_keyval, write_keyval
from medshelf.model.blob import LocalFile

INFO = "ED: 1\nES: 12\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\nWeight: 95.0\n"


def read(folder: Path, text: str | bytes, **how: str) -> dict[str, str]:
    path = folder / "Info.cfg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_keyval(LocalFile(path), **how)


def test_an_acdc_file_gives_strings_in_order(tmp_path: Path) -> None:
    found = read(tmp_path, INFO)
    assert list(found.items())[:3] == [("ED", "1"), ("ES", "12"), ("Group", "DCM")]
    assert found["Height"] == "184.0"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(tmp_path: Path, end: str) -> None:
    assert read(tmp_path, INFO.replace("\n", end))["Weight"] == "95.0"


def test_values_may_hold_the_separator_and_comments_are_skipped(tmp_path: Path) -> None:
    assert read(tmp_path, "# made by hand\n\ntime: 12:30\nurl : http://x\n") == {
        "time": "12:30",
        "url": "http://x",
    }


def test_another_separator(tmp_path: Path) -> None:
    assert read(tmp_path, "a=1\nb = 2", sep="=") == {"a": "1", "b": "2"}


def test_a_line_without_a_separator_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2"):
        read(tmp_path, "ED: 1\nES 12\n")


def test_a_key_with_two_values_is_an_error_and_with_one_value_twice_is_not(tmp_path: Path) -> None:
    assert read(tmp_path, "a: 1\na: 1\n") == {"a": "1"}
    with pytest.raises(FormatError, match="line 2.*second value"):
        read(tmp_path, "a: 1\na: 2\n")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "Info.cfg"
    write_keyval(path, {"ED": 1, "Group": "NOR", "empty": ""})
    assert read_keyval(LocalFile(path)) == {"ED": "1", "Group": "NOR", "empty": ""}
    with pytest.raises(ValueError):
        write_keyval(path, {"a:b": 1})


def test_bad_files_are_errors(tmp_path: Path) -> None:
    for data in (b"", b"<html>no</html>", b"\x89PNG\r\n\x1a\n\0\0"):
        with pytest.raises(FormatError):
            read(tmp_path, data)
    with pytest.raises(AccessError):
        read_keyval(LocalFile(tmp_path))
