"""Where the catalogue's data lie: in a checkout, or inside the installed package."""

from __future__ import annotations

import os
from pathlib import Path

from medshelf.errors import CatalogueError


def catalogue_root() -> Path:
    """Return the folder that holds ``datasets/`` and ``vocabulary/``.

    The environment variable ``MEDSHELF_CATALOGUE`` comes first, then the checkout that this
    package is run from, then the copy inside the installed package.

    Raises
    ------
    CatalogueError
        None of them is there.
    """
    named = os.environ.get("MEDSHELF_CATALOGUE")
    package = Path(__file__).resolve().parents[1]
    places = [Path(named)] if named else [package.parents[1] / "catalogue", package / "_shelf"]
    for place in places:
        if (place / "datasets").is_dir():
            return place
    raise CatalogueError(
        "the catalogue is missing",
        where=", ".join(map(str, places)),
        hint="Install medshelf again, or set MEDSHELF_CATALOGUE to a folder that holds datasets/",
    )
