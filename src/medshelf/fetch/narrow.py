"""A part of a dataset: files by their names, or by the split, case and channel that the layout reads from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from medshelf.access.tree import Tree
from medshelf.errors import NotFound
from medshelf.layout.fields import fill
from medshelf.layout.join import join
from medshelf.layout.match import Matched, holds_nothing
from medshelf.layout.variants import choose, layouts_of
from medshelf.model.case import Case
from medshelf.model.dataset import Record
from medshelf.model.layout import Slot
from medshelf.samples.open import open as open_dataset


def by_pattern(
    names: Iterable[str], include: Sequence[str], exclude: Sequence[str], *, may_be_none: bool = False
) -> set[str]:
    """Return the names that fit one of `include`, or all without any, and none of `exclude`.

    Patterns are those of a shell; each is compared with the whole name and with its last part.

    Raises
    ------
    NotFound
        Nothing is left, and it may not be so.
    """
    every = list(names)
    kept = {n for n in every if (not include or _fits(n, include)) and not _fits(n, exclude)}
    if every and not kept and not may_be_none:
        raise NotFound("no file fits the patterns", why=f"there are {', '.join(every[:5])}")
    return kept


def _fits(name: str, patterns: Sequence[str]) -> bool:
    last = name.rpartition("/")[2]
    return any(fnmatchcase(name, p) or fnmatchcase(last, p) or fnmatchcase(name, f"*/{p}") for p in patterns)


def is_seen(record: Record, names: Sequence[str]) -> bool:
    """Return whether names show the cases of a record: each kind of file that a case must have is among them."""
    variant, matched = choose(layouts_of(record), names)
    layout = layouts_of(record)[variant]
    return not holds_nothing(layout, matched) and all(
        slot.optional or name in matched.files for name, slot in layout.files.items()
    )


def by_case(
    record: Record, tree: Tree, *, split: str | None, cases: int | None, channel: str | None
) -> set[str]:
    """Return the names that belong to some cases, and those that belong to no case, such as tables.

    Of what lies in archives only what the layout knows is taken.

    Parameters
    ----------
    record : Record
    tree : Tree
        Names; the bytes of tables are read where a split is asked for that these tell.
    split : str, optional
        Only cases of this split.
    cases : int, optional
        Only so many of them, the first ones in the natural order of their ids.
    channel : str, optional
        Of the images, only those of this channel; masks and tables stay.

    Raises
    ------
    LayoutError
        The record has no layout.
    NotFound
        The names are not those of the layout, as where a host serves archives, or no case is of that kind.
    """
    names = tree.names
    variant, matched = choose(layouts_of(record), names)
    layout = layouts_of(record)[variant]
    found = _cases(record, variant, tree, join(layout, matched).cases, split)
    if not found:
        closed = "; ".join(f"{problem.path}: {problem.message}" for problem in tree.problems[:3])
        raise NotFound(
            "a part can't be chosen by split, case or channel", where=record.id,
            why=closed or "the host's files are not those of the layout", hint="Choose whole files: --include PATTERN",
        )  # fmt: skip
    chosen = [case for case in found if split is None or case.split == split]
    if not chosen:
        known = sorted({case.split for case in found if case.split})
        hint = f"Known: {', '.join(known)}" if known else "Neither names nor tables tell one"
        raise NotFound(f"no file is of a case of split {split!r}", where=record.id, hint=hint)
    kept = _files(chosen[:cases], layout.files, channel, record.id)
    dropped = {ref.name for refs in matched.files.values() for ref in refs} - kept
    strange = {name for name in names if "!/" in name} - _known(matched)
    return set(names) - dropped - strange - _sidecars(matched, dropped)


def _known(matched: Matched) -> set[str]:
    """Return the names that the layout gives a use; what it is told to ignore has none."""
    every = (*matched.files.values(), *matched.tables.values(), matched.sidecars)
    return {ref.name for refs in every for ref in refs}


def _cases(record: Record, variant: str, tree: Tree, found: Sequence[Case], split: str | None) -> Sequence[Case]:
    """Return the cases with their splits, which a table may tell that has to be read."""
    if split is None or not tree.has_bytes or any(case.split is not None for case in found):
        return found
    return open_dataset(record, tree, variant=variant).cases


def _files(cases: Sequence[Case], slots: dict[str, Slot], channel: str | None, dataset: str) -> set[str]:
    kept: set[str] = set()
    channels: set[str] = set()
    for case in cases:
        for name, refs in case.files.items():
            slot = slots.get(name)
            for ref in refs:
                called = _channel(name, slot, {**case.fields, **ref.fields})
                channels.add(called or "")
                if channel is None or called is None or called == channel:
                    kept.add(ref.name)
    if channel is not None and channel not in channels:
        known = ", ".join(sorted(channels - {""}))
        raise NotFound(f"no image is of channel {channel!r}", where=dataset, hint=f"Known: {known}")
    return kept


def _channel(name: str, slot: Slot | None, fields: dict[str, object]) -> str | None:
    """Return the channel of an image file; None for what is no image."""
    if slot is None or slot.role != "image":
        return None
    return fill(slot.channel, fields) if slot.channel else name


def _sidecars(matched: Matched, dropped: set[str]) -> set[str]:
    """Return the data files that go with headers that were dropped."""
    stems = {name.rpartition(".")[0] for name in dropped}
    return {ref.name for ref in matched.sidecars if ref.name.rpartition(".")[0] in stems}
