"""Identify what lies at a place."""

from __future__ import annotations

import os
from pathlib import Path

from medshelf.access.tree import open_tree
from medshelf.catalogue.shelf import records
from medshelf.layout.identify import Identity, identify_names


def identify(where: str | os.PathLike[str], *, most: int = 5) -> Identity:
    """Say which dataset of the shelf a folder, an archive or a text file of names is.

    Parameters
    ----------
    where : path
        What to look at; only names are read, that of the folder or archive itself too.
    most : int
        Number of guesses to return.

    Returns
    -------
    Identity
        `dataset` is None when it is none of the shelf; `guesses` holds the scores of the runners-up.
    """
    tree = open_tree(where)
    called = Path(where).resolve().name if tree.has_bytes else ""
    return identify_names(tree.names, records(), most=most, called=called)
