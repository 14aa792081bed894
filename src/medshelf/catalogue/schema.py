"""JSON Schemas of the catalogue's files, generated from the model, for editors that complete and check TOML.

``python -m medshelf.catalogue.schema`` writes them to ``catalogue/schema``; a test compares them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medshelf.catalogue.place import catalogue_root
from medshelf.model.dataset import Access, Erratum, Record
from medshelf.model.layout import Layout

_OF_THE_FILES = {"drop": "Parts of the preset or of the inherited layout to leave out.", "with": "Values for a preset."}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each kind of file, by the name of the schema's file."""
    from pydantic import TypeAdapter

    dataset = TypeAdapter(Record).json_schema()
    for elsewhere in ("access", "layout", "errata"):
        dataset["properties"].pop(elsewhere)
    dataset["required"].remove("access")
    errata = TypeAdapter(tuple[Erratum, ...]).json_schema()
    definitions = errata.pop("$defs")
    layout = TypeAdapter(Layout).json_schema()
    _open_layout(layout)
    found = {
        "dataset": dataset,
        "access": TypeAdapter(Access).json_schema(),
        "layout": layout,
        "errata": {"type": "object", "properties": {"errata": errata}, "$defs": definitions},
    }
    return {f"{name}.schema.json": {"title": f"{name}.toml of medshelf", **schema} for name, schema in found.items()}


def _open_layout(schema: dict[str, Any]) -> None:
    """Allow what a layout's file may say besides the model: presets supply and variants inherit required keys."""
    for definition in (schema, schema.get("$defs", {}).get("Layout", {})):
        if "properties" in definition:
            definition["properties"]["drop"] = {"type": "array", "items": {"type": "string"}}
            definition["properties"]["with"] = {"type": "object", "additionalProperties": {"type": "string"}}
            definition["required"] = []
            for name, said in _OF_THE_FILES.items():
                definition["properties"][name]["description"] = said


def write_schemas(folder: Path | None = None) -> list[Path]:
    """Write the schemas and return their paths."""
    place = folder or catalogue_root() / "schema"
    place.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas().items():
        (place / name).write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(place / name)
    return written


if __name__ == "__main__":
    write_schemas()
