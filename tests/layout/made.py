"""Layouts and records made from a few lines of TOML, through the same door as those of the catalogue."""

from __future__ import annotations

import tomllib
from typing import Any

from pydantic import TypeAdapter

from medshelf.catalogue.read import expand_layout
from medshelf.model.dataset import Access, Fact, Facts, Record
from medshelf.model.layout import Layout

_LAYOUT: TypeAdapter[Layout] = TypeAdapter(Layout)


def layout(text: str) -> Layout:
    """Return a layout; family, evidence and sources need not be said."""
    table: dict[str, Any] = {"family": "PAIR3D", "evidence": "page", "sources": [], **tomllib.loads(text)}
    return _LAYOUT.validate_python(expand_layout(table, {}))


def record(of: str | Layout, **facts: Any) -> Record:
    """Return a record called `made` with a layout."""
    unknown = Fact("unknown")
    known = dict.fromkeys(("modality", "dimension", "region", "task", "cases", "year"), unknown)
    described = layout(of) if isinstance(of, str) else of
    return Record("made", "Made", "For tests.", Facts(**known), Access("open"), layout=described, **facts)
