"""Several trees as one: a release, and beside it others whose names begin with ``@id/``."""

from __future__ import annotations

from collections.abc import Mapping

from medshelf.access.tree import Tree
from medshelf.model.blob import Blob


class JoinedTree(Tree):
    """A tree and others beside it; picklable as they are."""

    def __init__(self, main: Tree, others: Mapping[str, Tree]) -> None:
        names = [*main.names]
        problems = [*main.problems]
        for key, tree in others.items():
            names += [f"@{key}/{name}" for name in tree.names]
            problems += tree.problems
        super().__init__(main.where, tuple(names), problems=tuple(problems))
        self._main = main
        self._others = dict(others)

    @property
    def has_bytes(self) -> bool:
        return self._main.has_bytes

    def names_of(self, other: str) -> list[str]:
        """Return the names of one of the others, as they are called here."""
        return [f"@{other}/{name}" for name in self._others[other].names]

    def blob(self, name: str) -> Blob:
        """Return the blob behind a name; errors as in `Tree.blob`."""
        if name.startswith("@"):
            key, _, inner = name[1:].partition("/")
            if key in self._others:
                return self._others[key].blob(inner)
        return self._main.blob(name)
