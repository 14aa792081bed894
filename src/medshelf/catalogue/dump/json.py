"""One JSON file with everything that the records say, by id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from medshelf.catalogue.structure_json import to_plain
from medshelf.model.dataset import Record


def write(records: Sequence[Record], place: Path) -> None:
    """Write the file."""
    text = json.dumps({one.id: to_plain(one) for one in records}, indent=1, ensure_ascii=False)
    place.write_text(text + "\n", encoding="utf-8")
