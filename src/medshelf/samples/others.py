"""Images that other datasets hold: their releases opened beside one that draws on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from medshelf.access.joined_tree import JoinedTree
from medshelf.access.tree import Tree, open_tree
from medshelf.errors import LayoutError
from medshelf.layout.match import Matched, match_names
from medshelf.model.layout import Layout


def with_others(
    dataset: str, layout: Layout, tree: Tree, matched: Matched, others: Mapping[str, str | os.PathLike[str]]
) -> tuple[Tree, Matched]:
    """Return the tree and the matches of a release together with those of the datasets that it draws on.

    Parameters
    ----------
    dataset : str
        Id of the dataset that draws on others.
    layout : Layout
        Its layout, whose slots name the others by `Slot.dataset`.
    tree, matched : Tree, Matched
        Its own files.
    others : mapping of str to path
        Places by id.

    Raises
    ------
    LayoutError
        No slot names one of the ids.
    NotFound, AccessError
        A place can't be opened.
    """
    named = {slot.dataset for slot in layout.files.values() if slot.dataset is not None}
    unknown = sorted(set(others) - named)
    if unknown:
        raise LayoutError(
            f"{dataset} draws on nothing from {', '.join(unknown)}",
            hint=f"It draws on: {', '.join(sorted(named)) or 'no other dataset'}",
        )
    trees = {name: open_tree(place) for name, place in others.items()}
    joined = JoinedTree(tree, trees)
    files = dict(matched.files)
    for name in trees:
        slots = {key: slot for key, slot in layout.files.items() if slot.dataset == name}
        theirs = replace(layout, files=slots, tables={}, ignore=())
        found = match_names(theirs, joined.names_of(name))
        files |= {key: [*files.get(key, []), *refs] for key, refs in found.files.items()}
    return joined, replace(matched, files=files)
