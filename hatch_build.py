"""Bake the shelf into the wheel, so that an installed medshelf never has to."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BakeShelf(BuildHookInterface):  # type: ignore[type-arg]
    """Adds ``medshelf/_shelf/shelf.sqlite`` to wheels; refuses to build one with a record that is wrong."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        from medshelf.catalogue.shelf import bake

        place = Path(tempfile.mkdtemp())
        os.environ["MEDSHELF_CACHE_DIR"] = str(place)  # not the builder's own cache, nor the package that finds it
        baked = place / "shelf.sqlite"
        bake(baked, root / "catalogue", strict=True)
        build_data["force_include"][str(baked)] = "medshelf/_shelf/shelf.sqlite"
