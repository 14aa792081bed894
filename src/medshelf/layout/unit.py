"""Units: the files that make one case, while they are gathered; and the case that comes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from medshelf.layout.fields import fill
from medshelf.model.case import Case, FieldValue, FileRef, Reading
from medshelf.model.layout import Layout

Key = tuple[FieldValue, ...]
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class Unit:
    """The files of one case; there may be a million units, so that a `Case` is only made where one is wanted."""

    key: Key
    fields: dict[str, FieldValue] = field(default_factory=dict)
    """All that its file names say; what is said first counts."""
    refs: list[FileRef] = field(default_factory=list)
    """Its files: those that make it a case, then those that were given to it."""
    n_leads: int = 0
    """How many files make it a case."""
    id: str = ""

    @property
    def split(self) -> str | None:
        """Official split, where names tell."""
        split = self.fields.get("split")
        return None if split is None else str(split)

    def captured(self) -> dict[str, str]:
        """Return what the names of the files that make it a case say, as written."""
        found: dict[str, str] = {}
        for ref in self.refs[: self.n_leads]:
            for name, text in ref.captured.items():
                if text is not None:
                    found.setdefault(name, text)
        return found

    def written(self, layout: Layout, names: tuple[str, ...]) -> tuple[str | None, ...]:
        """Return what the first of its files that says something of a field says, as written, for some fields."""
        first = self.refs[0]
        texts = tuple([first.text(name) for name in names])
        if None not in texts and not layout.files[first.slot].either:
            return texts
        refs = [ref for refs in self.files(layout).values() for ref in refs]
        return tuple(next((t for ref in refs if (t := ref.text(name)) is not None), None) for name in names)

    def at(self) -> str:
        """Return the folders in front of its files: of the first whose name says something, else of the last."""
        leads = self.refs[: self.n_leads]
        return next((ref.at for ref in leads if ref.fields), leads[-1].at if leads else "")

    def files(self, layout: Layout) -> dict[str, list[FileRef]]:
        """Return its files by slot; for ``either``, those of the first alternative that it has."""
        found: dict[str, list[FileRef]] = {}
        for ref in self.refs:
            found.setdefault(ref.reading.slot, []).append(ref)
        for slot, refs in found.items():
            if layout.files[slot].either:
                best = min(ref.alternative for ref in refs)
                found[slot] = [ref for ref in refs if ref.alternative == best]
        return found

    def case(self, layout: Layout) -> Case:
        """Return the case."""
        values = {**self.fields, **self.captured()} if layout.patient else {}
        return Case(
            id=self.id,
            key=self.key,
            fields=self.fields,
            files={slot: tuple(refs) for slot, refs in self.files(layout).items()},
            patient=fill(layout.patient, values) if layout.patient else None,
            split=self.split,
        )


def case_id(layout: Layout, key: Key, values: Mapping[str, object]) -> str:
    """Return the name of the case with this key; `values` are its fields, as written where known."""
    named = fill(layout.case, values) if layout.case else None
    return named if named is not None else "/".join(str(values.get(n, v)) for n, v in zip(layout.key, key, strict=True))


def namer(layout: Layout) -> Callable[[Unit], str]:
    """Return a function that names units, most of them by what the name of their first file says."""
    text = layout.case or "/".join(f"{{{name}}}" for name in layout.key)
    quick: dict[int, Callable[[FileRef], str | None]] = {}

    def name(unit: Unit) -> str:
        reading = unit.refs[0].reading
        if id(reading) not in quick:
            quick[id(reading)] = _by_first(text, reading)
        return quick[id(reading)](unit.refs[0]) or case_id(layout, unit.key, {**unit.fields, **unit.captured()})

    return name


def _by_first(text: str, reading: Reading) -> Callable[[FileRef], str | None]:
    """Return a function that fills a text with what one name says; None where it does not say all."""
    literal = _PLACE.sub("", text)
    names = _PLACE.findall(text)
    if not names or "{" in literal or not set(names) <= set(reading.names):
        return lambda ref: None
    form = _PLACE.sub("%s", text.replace("%", "%%"))
    if len(names) == 1:
        at = reading.names.index(names[0])
        return lambda ref: None if ref.texts[at] is None else form % ref.texts[at]
    pick = itemgetter(*(reading.names.index(name) for name in names))
    return lambda ref: None if None in (texts := pick(ref.texts)) else form % texts
