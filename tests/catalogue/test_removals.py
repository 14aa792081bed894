"""A file that is gone is reported, wherever names can show it; of the rest it is counted how much is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.layout.variants import layouts_of
from tests.catalogue.removals import BY_NAME, figures, removals


def test_removing_a_file_is_reported_where_names_can_show_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        removal
        for record in shelf.records()
        if record.layout is not None
        for number, variant in enumerate(layouts_of(record))
        for removal in removals(record, variant, tmp_path / f"{record.id}-{number}" / "data")
    ]
    with capsys.disabled():
        print(f"\n{len(found)} files taken from the twins of all layouts\n{figures(found)}")
    wanted = [one for one in found if one.reason in BY_NAME]
    assert {one.reason for one in wanted} == set(BY_NAME)
    silent = [f"{one.layout}: {one.name} ({one.reason})" for one in wanted if one.shown != "names"]
    assert not silent, "\n".join(silent)
