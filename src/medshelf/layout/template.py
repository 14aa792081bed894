"""Templates: a file name with named fields, read forwards to match and backwards to render.

The grammar is in docs/reference/layout-language.md. Parsing gives a `Template`, which knows its
fields, the values of enumerated ones, a compiled regular expression and how to render itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from medshelf.errors import LayoutError

_SPECS = {"int": r"[0-9]{1,255}", "hex": r"[0-9a-fA-F]+", "word": r"\w+", "uid": r"[0-9.]+", "": r"[^/]+?"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_ENDING = re.compile(r"(\.nii|\.tar|\.ome)?\.[A-Za-z0-9]{1,5}$")


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text."""

    text: str


@dataclass(frozen=True, slots=True)
class Star:
    """``*``, ``**/`` or a final ``**``."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """``{name}`` or ``{name:spec}``."""

    name: str
    spec: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """The words of an enumerated field, else nothing."""
        plain = self.spec in _SPECS or self.spec.startswith("~") or re.fullmatch(r"\d+d", self.spec)
        return () if plain else tuple(self.spec.split("|"))

    @property
    def pattern(self) -> str:
        """Regular expression of one value."""
        if self.spec in _SPECS:
            return _SPECS[self.spec]
        if self.spec.startswith("~"):
            return f"(?:{self.spec[1:]})"
        if re.fullmatch(r"\d+d", self.spec):
            return rf"[0-9]{{{self.spec[:-1]}}}"
        words = sorted(self.values, key=len, reverse=True)
        return "(?:" + "|".join(re.escape(word) for word in words) + ")"


@dataclass(frozen=True, slots=True)
class Optional:
    """``[…]``."""

    parts: tuple[Part, ...]


Part = Text | Star | Field | Optional


@dataclass(frozen=True)
class Template:
    """A parsed template."""

    text: str
    parts: tuple[Part, ...] = field(repr=False)
    anchored: bool = False
    """True when it begins at the top of the release."""

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, in order, each once."""
        return tuple(dict.fromkeys(f.name for f in _fields(self.parts)))

    @cached_property
    def whole_numbers(self) -> frozenset[str]:
        """Fields that are compared as numbers."""
        return frozenset(f.name for f in _fields(self.parts) if f.spec == "int")

    @cached_property
    def enumerated(self) -> dict[str, tuple[str, ...]]:
        """Enumerated fields and their values."""
        return {f.name: f.values for f in _fields(self.parts) if f.values}

    @cached_property
    def specs(self) -> dict[str, str]:
        """The spec of each field (of its first occurrence that has one)."""
        found: dict[str, str] = {}
        for f in _fields(self.parts):
            if not found.get(f.name):
                found[f.name] = f.spec
        return found

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Compiled expression for a whole name; group ``_at`` is what stands in front."""
        seen: set[str] = set()
        body = _regex(self.parts, seen, last=True)
        front = "(?P<_at>)" if self.anchored else "(?P<_at>(?:.*/)?)"
        if not self.anchored and self.parts and isinstance(self.parts[0], Optional):
            front = "(?P<_at>(?:.*?/)??)"  # an optional folder is the template's, not what stands in front
        return re.compile(front + body, re.DOTALL)  # group 1 is _at, then the fields in order

    @cached_property
    def ending(self) -> str:
        """The literal end, lower case: a quick test before the expression is tried."""
        last = self.parts[-1] if self.parts else Text("")
        return last.text.lower() if isinstance(last, Text) else ""

    def match(self, name: str) -> re.Match[str] | None:
        """Return the match of a whole name, or None."""
        if self.ending and name[-len(self.ending) :].lower() != self.ending:
            return None
        return self.regex.fullmatch(name)

    def render(self, values: Mapping[str, object]) -> str:
        """Return the name with these field values; a field that has none stands as ``{name}``."""
        return "".join(_render(part, values) for part in self.parts)


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Parse a template.

    Raises
    ------
    LayoutError
        What is wrong with it, and where.
    """
    body = unicodedata.normalize("NFC", text.removeprefix("/"))
    parts, _ = _parse(body, 0, closing=False)
    while parts and parts[0] == Star("**/") and not text.startswith("/"):
        parts = parts[1:]
    template = Template(text, parts, anchored=text.startswith("/"))
    try:
        _ = template.regex
    except re.error as error:
        raise LayoutError("a regular expression in the template is wrong", where=text, why=str(error)) from error
    if template.regex.groups != len(template.fields) + 1:
        raise LayoutError("a {field:~regex} must not hold groups", where=text, hint="Write (?:…)")
    return template


def _parse(text: str, at: int, *, closing: bool) -> tuple[tuple[Part, ...], int]:
    parts: list[Part] = []
    literal = ""
    while at < len(text):
        char = text[at]
        if text[at : at + 2] in ("[[", "{{", "]]", "}}"):
            literal += char
            at += 2
            continue
        if char == "]" and closing:
            break
        if char in "]}":
            raise LayoutError(f"the bracket {char} at character {at} is not opened", where=text, hint="Double it")
        if char not in "{[*":
            literal += char
            at += 1
            continue
        if literal:
            parts.append(Text(literal))
            literal = ""
        part, at = _parse_special(text, at)
        parts.append(part)
    if literal:
        parts.append(Text(literal))
    return tuple(parts), at


def _parse_special(text: str, at: int) -> tuple[Part, int]:
    if text[at] == "*":
        for star in ("**/", "**", "*"):
            if text.startswith(star, at):
                return Star(star), at + len(star)
    if text[at] == "[":
        inner, end = _parse(text, at + 1, closing=True)
        if end >= len(text):
            raise LayoutError("an optional part [ is not closed", where=text)
        return Optional(inner), end + 1
    depth, end = 0, at
    while end < len(text):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            break
        end += 1
    else:
        raise LayoutError("a field { is not closed", where=text)
    name, _, spec = text[at + 1 : end].partition(":")
    if not _NAME.fullmatch(name):
        raise LayoutError(f"{name!r} is not a field name", where=text)
    return Field(name, spec), end + 1


def _fields(parts: tuple[Part, ...]) -> Iterator[Field]:
    for part in parts:
        if isinstance(part, Field):
            yield part
        elif isinstance(part, Optional):
            yield from _fields(part.parts)


def _regex(parts: tuple[Part, ...], seen: set[str], *, last: bool) -> str:
    out = []
    for n, part in enumerate(parts):
        at_end = last and n == len(parts) - 1
        if isinstance(part, Text):
            out.append(_literal(part.text, at_end))
        elif isinstance(part, Star):
            out.append({"*": "[^/]*", "**/": "(?:[^/]+/)*", "**": ".*"}[part.text])
        elif isinstance(part, Optional):
            out.append(f"(?:{_regex(part.parts, seen, last=False)})?")
        elif part.name in seen:
            out.append(f"(?P={part.name})")
        else:
            seen.add(part.name)
            out.append(f"(?P<{part.name}>{part.pattern})")
    return "".join(out)


def _literal(text: str, at_end: bool) -> str:
    ending = _ENDING.search(text) if at_end else None
    if ending is None:
        return re.escape(text)
    return re.escape(text[: ending.start()]) + f"(?i:{re.escape(ending[0])})"


def _render(part: Part, values: Mapping[str, object]) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Star):
        return "any" if part.text == "*" else ""
    if isinstance(part, Optional):
        names = {f.name for f in _fields(part.parts)}
        filled = names and all(values.get(name) is not None for name in names)
        return "".join(_render(p, values) for p in part.parts) if filled else ""
    value = values.get(part.name)
    if value is None:
        return f"{{{part.name}}}"
    if re.fullmatch(r"\d+d", part.spec) and str(value).isdigit():
        return str(value).zfill(int(part.spec[:-1]))
    return str(value)
