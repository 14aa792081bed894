"""Fields: from what a template captured to what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from medshelf.model.case import FieldValue, FileRef, Reading, Texts
from medshelf.model.layout import FieldRule

_KEPT = 1 << 14


@dataclass(frozen=True, slots=True)
class TemplateReading:
    """How the names of one template of a layout are read: a `medshelf.model.case.Reading`."""

    slot: str
    alternative: int
    names: tuple[str, ...]
    whole_numbers: frozenset[str]
    """Fields that are numbers by their spec."""
    rules: Mapping[str, FieldRule]
    """``[fields]`` of the layout."""
    possible: frozenset[str] = field(init=False)
    """Fields that its names may have, those that are made of others included."""

    def __post_init__(self) -> None:
        made = (n for n, r in self.rules.items() if (r.of or n) in self.names or r.default is not None)
        object.__setattr__(self, "possible", frozenset((*self.names, *made)))

    def fields(self, texts: Texts) -> dict[str, FieldValue]:
        """Return what the texts of its fields mean."""
        return derive(dict(zip(self.names, texts, strict=True)), self.whole_numbers, self.rules)

    def getter(self, name: str) -> Callable[[Texts], FieldValue | None]:
        """Return a function that gives one field, as `fields` does, without working out all others."""
        rule = self.rules.get(name)
        source = rule.of if rule is not None and rule.of is not None else name
        at = self.names.index(source) if source in self.names else None
        if rule is None and at is not None and name not in self.whole_numbers:
            return itemgetter(at)
        of = self.rules.get(source)
        if source != name and of is not None and of.of is not None:
            return lambda texts: self.fields(texts).get(name)
        kept: dict[str | None, FieldValue | None] = {}

        def meant(texts: Texts) -> FieldValue | None:
            """All that counts is one text: what it means is kept."""
            text = None if at is None else texts[at]
            if text not in kept:
                if len(kept) >= _KEPT:
                    kept.clear()
                kept[text] = self.fields(texts).get(name)
            return kept[text]

        return meant


class Fields:
    """Some fields, told of many files as `FileRef.fields` tells all."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._pickers: dict[int, tuple[Reading, Callable[[Texts], tuple[FieldValue | None, ...]]]] = {}

    def of(self, ref: FileRef) -> tuple[FieldValue | None, ...]:
        """Return the values of the fields in one file's name; None for one that it does not have."""
        known = self._pickers.get(id(ref.reading))
        if known is None:
            known = self._pickers[id(ref.reading)] = (ref.reading, self._picker(ref.reading))
        return known[1](ref.texts)

    def _picker(self, reading: Reading) -> Callable[[Texts], tuple[FieldValue | None, ...]]:
        getters = [reading.getter(name) for name in self._names]
        if len(getters) > 1 and all(isinstance(get, itemgetter) for get in getters):
            return itemgetter(*(reading.names.index(name) for name in self._names))
        return lambda texts: tuple([get(texts) for get in getters])


def derive(
    captured: Mapping[str, str | None], whole_numbers: frozenset[str], rules: Mapping[str, FieldRule]
) -> dict[str, FieldValue]:
    """Return the values of all fields that can be told from what was captured.

    Parameters
    ----------
    captured : mapping of str to str or None
        Text of each field of the template; None where an optional part is absent.
    whole_numbers : frozenset of str
        Fields that are numbers by their spec.
    rules : mapping of str to FieldRule
        ``[fields]`` of the layout.
    """
    found: dict[str, FieldValue] = {
        name: int(text) if name in whole_numbers else text for name, text in captured.items() if text is not None
    }
    for name, rule in rules.items():
        value = apply(rule, captured.get(rule.of or name), found.get(rule.of or name))
        if value is not None:
            found[name] = value
        elif rule.of is not None:
            found.pop(name, None)
    return found


def apply(rule: FieldRule, text: str | None, value: FieldValue | None = None) -> FieldValue | None:
    """Return what one rule makes of a captured text, or None when there is nothing to say."""
    if text is None:
        return rule.default
    steps = rule.take or rule.replace
    if rule.take:
        match = re.search(rule.take, text)
        if match is None:
            return rule.default
        text = str(match[1])
    for old, new in rule.replace.items():
        text = text.replace(old, new)
    if rule.ranges:
        return _in_range(rule.ranges, text) or rule.default
    if text in rule.map:
        return rule.map[text]
    if rule.int and _is_number(text):
        return int(text)
    return text if steps or value is None else value


def _in_range(ranges: Mapping[str, str], text: str) -> str | None:
    if not _is_number(text):
        return None
    for span, meaning in ranges.items():
        first, _, last = span.partition("-")
        if int(first) <= int(text) <= int(last or first):
            return meaning
    return None


def _is_number(text: str) -> bool:
    """True for digits that are not too many to be a number (and no other signs that Unicode calls digits)."""
    return text.isascii() and text.isdigit() and len(text) < 256


def fill(template: str, values: Mapping[str, object]) -> str | None:
    """Fill ``{field}`` and ``{field:04}`` places of a text; None when a field has no value.

    A number after the colon pads with zeros: ``slice_{slice:04}``.
    """
    missing = False

    def one(match: re.Match[str]) -> str:
        nonlocal missing
        value = values.get(match[1])
        if value is None:
            missing = True
            return ""
        text = str(value)
        return text.zfill(int(match[2])) if match[2] else text

    filled = re.sub(r"\{(\w+)(?::(\d+)d?)?\}", one, template)
    return None if missing else filled
