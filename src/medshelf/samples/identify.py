"""Identify what lies at a place."""

from __future__ import annotations

import os

from medshelf.access.tree import open_tree
from medshelf.catalogue.shelf import records
from medshelf.layout.identify import Identity, identify_names


def identify(where: str | os.PathLike[str], *, most: int = 5) -> Identity:
    """Say which dataset of the shelf a folder, an archive or a text file of names is.

    Parameters
    ----------
    where : path
        What to look at; only names are read.
    most : int
        Number of guesses to return.

    Returns
    -------
    Identity
        `dataset` is None when it is none of the shelf; `guesses` holds the scores of the runners-up.
    """
    return identify_names(open_tree(where).names, records(), most=most)
