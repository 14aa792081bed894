"""XML cannot unfold, fetch or nest without limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.errors import FormatError, Truncated, Unsupported
from medshelf.formats import markup
from medshelf.model.blob import LocalFile

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>"""


def test_a_million_laughs_are_refused() -> None:
    with pytest.raises(Unsupported, match="document type"):
        markup.parse_bytes(LAUGHS, "x.xml")


def test_laughs_in_another_encoding_are_refused_too() -> None:
    with pytest.raises(Unsupported, match="document type"):
        markup.parse_bytes(
            LAUGHS.decode().replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), "x.xml"
        )


def test_files_are_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    data = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode()
    with pytest.raises(Unsupported):
        markup.parse_bytes(data, "x.xml")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Unsupported, match="200 levels"):
        markup.parse_bytes(b"<a>" * 100_000, "x.xml")


def test_a_syntax_error_has_its_line_and_column() -> None:
    with pytest.raises(FormatError, match="line 2, column"):
        markup.parse_bytes(b"<a>\n<b></c></a>", "x.xml")


def test_a_document_that_ends_early_is_truncated() -> None:
    with pytest.raises(Truncated):
        markup.parse_bytes(b"<a>\n<b></b>\n", "x.xml")


def test_an_unknown_encoding_is_an_error() -> None:
    with pytest.raises(FormatError):
        markup.parse_bytes(b'<?xml version="1.0" encoding="klingon"?><a/>', "x.xml")


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"<a>" + b" " * 100 + b"</a>")
    with pytest.raises(Unsupported, match="limit 50"):
        markup.parse(LocalFile(path), limit_bytes=50)


def test_numbers_must_be_finite_numbers() -> None:
    root = markup.parse_bytes(b"<a><n> 1.5 </n><i>inf</i><e/></a>", "x")
    assert markup.number_at(root, "n", "x") == 1.5
    for path in ("i", "e", "missing"):
        with pytest.raises(FormatError, match=path):
            markup.number_at(root, path, "x")
