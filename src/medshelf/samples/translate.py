"""Ids that a table of the release translates: read before names are joined into cases."""

from __future__ import annotations

from dataclasses import replace

from medshelf.access.tree import Tree
from medshelf.layout.match import match_names
from medshelf.model.dataset import Record
from medshelf.model.layout import FieldRule, Layout
from medshelf.samples.tables import Table


def translated(record: Record, tree: Tree) -> Record:
    """Return a record whose fields know what its tables translate (``map_from``).

    Where there are no bytes, or no such table, the record stays as it is: then nobody can tell.

    Raises
    ------
    FormatError
        The table can't be read.
    """
    layout = record.layout
    if layout is None or not tree.has_bytes or not any(map(_asks, (layout, *layout.variants.values()))):
        return record
    variants = {name: _filled(one, tree) for name, one in layout.variants.items()}
    return replace(record, layout=replace(_filled(layout, tree), variants=variants))


def _asks(layout: Layout) -> bool:
    return any(rule.map_from is not None for rule in layout.fields.values())


def _filled(layout: Layout, tree: Tree) -> Layout:
    if not _asks(layout):
        return layout
    matched = match_names(layout, tree.names)
    fields: dict[str, FieldRule] = {}
    for name, rule in layout.fields.items():
        found: dict[str, str] = {}
        if rule.map_from is not None:
            source = rule.map_from
            refs = tuple(matched.tables.get(source.table, ()))
            for _, row in Table(source.table, layout.tables[source.table], refs, tree).rows:
                known, meant = row.get(source.column), row.get(source.gives)
                if known not in (None, "") and meant not in (None, ""):
                    found[str(known).strip()] = str(meant).strip()
        fields[name] = replace(rule, map={**found, **rule.map})
    return replace(layout, fields=fields)
