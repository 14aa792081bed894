"""A part of a dataset: files by their names, or by the split, case and channel that the layout reads from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from medshelf.errors import NotFound
from medshelf.layout.fields import fill
from medshelf.layout.join import join
from medshelf.layout.match import Matched, holds_nothing
from medshelf.layout.variants import choose, layouts_of
from medshelf.model.case import Case
from medshelf.model.dataset import Record
from medshelf.model.layout import Slot


def by_pattern(names: Iterable[str], include: Sequence[str], exclude: Sequence[str]) -> set[str]:
    """Return the names that fit one of `include`, or all without any, and none of `exclude`.

    Patterns are those of a shell; each is compared with the whole name and with its last part.

    Raises
    ------
    NotFound
        Nothing is left.
    """
    every = list(names)
    kept = {n for n in every if (not include or _fits(n, include)) and not _fits(n, exclude)}
    if every and not kept:
        raise NotFound("no file fits the patterns", why=f"there are {', '.join(every[:5])}")
    return kept


def _fits(name: str, patterns: Sequence[str]) -> bool:
    last = name.rpartition("/")[2]
    return any(fnmatchcase(name, p) or fnmatchcase(last, p) or fnmatchcase(name, f"*/{p}") for p in patterns)


def by_case(
    record: Record, names: Sequence[str], *, split: str | None, cases: int | None, channel: str | None
) -> set[str]:
    """Return the names that belong to some cases, and those that belong to no case, such as tables.

    Parameters
    ----------
    record : Record
    names : sequence of str
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
    variant, matched = choose(layouts_of(record), names)
    layout = layouts_of(record)[variant]
    if holds_nothing(layout, matched):
        raise NotFound(
            "a part can't be chosen by split, case or channel", where=record.id,
            why="the host's files are not those of the layout: archives, probably, of which only the bytes tell more",
            hint="Choose whole files: --include PATTERN",
        )  # fmt: skip
    found = join(layout, matched).cases
    chosen = [case for case in found if split is None or case.split == split]
    if not chosen:
        known = sorted({case.split for case in found if case.split})
        hint = f"Known: {', '.join(known)}" if known else "The names tell no split; a table that is not here yet may"
        raise NotFound(f"no file is of a case of split {split!r}", where=record.id, hint=hint)
    kept = _files(chosen[:cases], layout.files, channel, record.id)
    dropped = _files(found, layout.files, None, record.id) - kept
    return set(names) - dropped - _sidecars(matched, dropped)


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
