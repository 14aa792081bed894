"""Fields: from what a template captured to what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping

from medshelf.model.layout import FieldRule

FieldValue = str | int


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
