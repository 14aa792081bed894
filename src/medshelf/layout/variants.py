"""Choose which repackaging of a dataset a list of names is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medshelf.errors import LayoutError
from medshelf.layout.match import Matched, match_names
from medshelf.model.dataset import Record
from medshelf.model.layout import Layout

_SAMPLE = 5000


def layouts_of(record: Record) -> dict[str, Layout]:
    """Return the layout of a record as released (named ``""``) and of its variants.

    Raises
    ------
    LayoutError
        The record states no layout.
    """
    if record.layout is None:
        raise LayoutError(
            "nobody has described the files of this dataset yet",
            where=record.id,
            hint="See CONTRIBUTING for how to add a layout",
        )
    return {"": record.layout, **record.layout.variants}


def choose(
    layouts: Mapping[str, Layout], names: Sequence[str], variant: str | None = None
) -> tuple[str, Matched]:
    """Return the name of the layout that explains most of the names, and the match with it.

    Raises
    ------
    LayoutError
        `variant` is not one of them.
    """
    if variant is not None:
        if variant not in layouts:
            known = ", ".join(repr(n) for n in layouts)
            raise LayoutError(f"there is no variant {variant!r}", hint=f"Known: {known}")
        return variant, match_names(layouts[variant], names)
    if len(layouts) == 1:
        return "", match_names(layouts[""], names)
    sample = names if len(names) <= _SAMPLE else names[:: len(names) // _SAMPLE]
    matches = {name: match_names(layout, sample) for name, layout in layouts.items()}
    best = max(layouts, key=lambda name: _fit(layouts[name], matches[name]))
    return best, matches[best] if len(sample) == len(names) else match_names(layouts[best], names)


def _fit(layout: Layout, matched: Matched) -> tuple[float, float, int]:
    """How well a layout explains names: share of required slots seen, names matched, and specificity."""
    explained = sum(len(refs) for refs in matched.files.values()) + sum(map(len, matched.tables.values()))
    required = [n for n, s in layout.files.items() if not s.optional]
    seen = sum(name in matched.files for name in required) / max(1, len(required))
    share = explained / max(1, explained + len(matched.extra))
    return (round(share * seen, 6), share, -len(layout.files))
