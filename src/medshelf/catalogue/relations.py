"""The neighbourhood of a dataset: what is a version of it, shares its images, labels them, or was made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from medshelf.catalogue import shelf

_INVERSE = {
    "version-of": "has-version",
    "part-of": "has-part",
    "derived-from": "source-of",
    "same-images-as": "same-images-as",
    "overlaps": "overlaps",
    "labels-for": "labelled-by",
    "mirror-of": "mirrored-by",
}
"""What a relation is called when it is read from its other end."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One tie between two datasets: the first <kind> the second."""

    id: str
    kind: str
    to: str
    name: str
    """Name of the second."""
    mapping: str | None
    """Which cases correspond, where known."""
    sources: tuple[str, ...]
    """Titles of the sources that say so."""
    distance: int
    """1 for a tie of the dataset that was asked for, 2 for one of its neighbours."""

    def as_dict(self) -> dict[str, Any]:
        """Return the tie as plain values, for JSON."""
        return asdict(self)


def related(name: str, depth: int = 1) -> list[Edge]:
    """Return the ties of a dataset, and of its neighbours up to `depth` steps away, each dataset reached once.

    Parameters
    ----------
    name : str
        An id or another name.
    depth : int
        1 for its own ties.

    Raises
    ------
    UnknownDataset
        With the nearest ids.
    """
    start = shelf.resolve(name)
    seen, border, found = {start}, [start], list[Edge]()
    for distance in range(1, depth + 1):
        reached: list[str] = []
        for here in border:
            for kind, to, mapping, sources in _ties().get(here, ()):
                if to not in seen or (distance == 1 and here == start):
                    found.append(Edge(here, kind, to, _name(to), mapping, sources, distance))
                    reached += [to] if to not in seen else []
                    seen.add(to)
        border = reached
    return found


_Tie = tuple[str, str, str | None, tuple[str, ...]]


@cache
def _ties() -> dict[str, tuple[_Tie, ...]]:
    """Return, by id, the ties that its record and those of others state: kind, other, mapping, sources."""
    found: dict[str, dict[tuple[str, str], _Tie]] = {}
    for one, tie in _stated():
        found.setdefault(one, {}).setdefault(tie[:2], tie)
    for one, (kind, to, mapping, sources) in _stated():
        other = (_INVERSE[kind], one)
        found.setdefault(to, {}).setdefault(other, (*other, mapping, sources))
    return {one: tuple(ties.values()) for one, ties in found.items()}


def _stated() -> Iterator[tuple[str, _Tie]]:
    for record in shelf.records():
        for relation in record.relations:
            titles = tuple(record.sources[s].title for s in relation.sources)
            yield record.id, (relation.kind, relation.to, relation.mapping, titles)


def _name(one: str) -> str:
    return shelf.load(one).name if one in shelf.ids() else one


def as_mermaid(edges: list[Edge]) -> str:
    """Return the ties as a Mermaid flowchart, which GitHub and many editors draw."""
    names = {edge.id: shelf.load(edge.id).name for edge in edges} | {edge.to: edge.name for edge in edges}
    nodes = [f'  {_node(one)}["{label.replace(chr(34), "")}"]' for one, label in names.items()]
    arrows = [f"  {_node(e.id)} -- {e.kind} --> {_node(e.to)}" for e in edges]
    return "\n".join(["flowchart LR", *nodes, *arrows])


def _node(one: str) -> str:
    return "d_" + one.replace("-", "_")
