"""One example for every word of the layout language: from a record where one uses it, else made for the page."""

from __future__ import annotations

import json
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generate.attributes import attributes, in_words
from generate.keys import LAYOUT
from generate.markdown import plain
from medshelf.catalogue.place import catalogue_root
from medshelf.layout.lint import OPERATIONS
from medshelf.model import layout as layouts

SOURCE = "docs/generate/words.py and the records"

_LONGEST = 110
"""Characters that a line of an example may have."""
_BEST = 45
"""Characters of a line that says enough and is taken in at a glance."""

_HEADS: Mapping[str, type] = {
    "fields": layouts.FieldRule, "files": layouts.Slot, "tables": layouts.TableSlot, "targets": layouts.Target,
    "splits": layouts.Split,
}  # fmt: skip
_SINGLE: Mapping[str, type] = {
    "split": layouts.Split, "rows": layouts.Rows, "expect": layouts.Expect, "example": layouts.Example,
}  # fmt: skip

_NESTED: Mapping[str, type] = {"classes": layouts.InstanceClasses, "map_from": layouts.MapFrom}

_TEMPLATE_WORDS: Mapping[str, tuple[str, str]] = {
    "{f}": (r"(?<!\{)\{\w+\}(?!\})", "any text inside one name"),
    "{f:int}": (r"\{\w+:int\}", "digits, compared as a number"),
    "{f:4d}": (r"\{\w+:\d+d\}", "exactly so many digits"),
    "{f:a|b}": (r"\{\w+:[^{}~|]+\|[^{}]+\}", "one of the words"),
    "{f:word}": (r"\{\w+:word\}", "letters, digits and `_`"),
    "{f:hex}": (r"\{\w+:hex\}", "hexadecimal digits"),
    "{f:uid}": (r"\{\w+:uid\}", "digits and dots"),
    "{f:~regex}": (r"\{\w+:~", "a regular expression"),
    "the same field again": (r"\{(\w+)[:}].*\{\1\}", "the same text again"),
    "*": (r"(?<!\*)\*(?![*/])", "any text inside one name"),
    "**/": (r"\*\*/", "any number of folders"),
    "[…]": (r"(?<!\[)\[[^\[\]]*\](?!\])", "an optional part"),
    "a.zip!/b": (r"!/", "a member of an archive"),
    "/…": (r"^/", "anchored at the top of the release"),
}
_KINDS: Mapping[str, tuple[type, str]] = {
    "role": (layouts.Slot, "roles of files"), "kind": (layouts.Slot, "kinds of masks"),
}  # fmt: skip
_LABEL_KEYS: Mapping[str, tuple[str, str]] = {
    "a value": (r"-?\d+", "an integer"),
    "a range": (r"\d+-\d+", "several values, numbered by `{i}`; grey values in a mask of kind `bands`"),
    "a colour": (r"#[0-9a-fA-F]{6}", "red, green, blue"),
    "a name": (r"[A-Za-z]\w*", "a segment, a class, a file"),
    "an expression": (r"~.*", "all names that match"),
}


@dataclass(frozen=True)
class Use:
    """One place of the catalogue where a word stands."""

    dataset: str
    head: str
    """Table, as it is written."""
    cls: type
    key: str
    value: Any

    @property
    def line(self) -> str:
        return f"{self.key} = {toml(self.value)}"


def toml(value: Any) -> str:
    """Return a value as TOML in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_bare(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return f"'{value}'" if "\\" in value and "'" not in value else json.dumps(value, ensure_ascii=False)
    return str(value)


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key) else json.dumps(key, ensure_ascii=False)


@cache
def _layouts() -> list[tuple[str, Mapping[str, Any]]]:
    paths = sorted((catalogue_root() / "datasets").glob("*/layout.toml"))
    return [(path.parent.name, tomllib.loads(path.read_text(encoding="utf-8"))) for path in paths]


@cache
def _uses() -> list[Use]:
    """Return every key of every layout of the catalogue, with the table in which it stands."""
    return [use for dataset, layout in _layouts() for use in _of_layout(dataset, layout)]


def _of_layout(dataset: str, layout: Mapping[str, Any]) -> Iterator[Use]:
    for key, value in layout.items():
        yield Use(dataset, "", layouts.Layout, key, value)
        if key in _SINGLE and isinstance(value, Mapping):
            yield from _of_table(dataset, key, _SINGLE[key], value)
        if key in _HEADS:
            for name, inner in value.items():
                yield from _of_table(dataset, f"{key}.{_bare(name)}", _HEADS[key], inner)


def _of_table(dataset: str, head: str, cls: type, table: Mapping[str, Any]) -> Iterator[Use]:
    for key, value in table.items():
        yield Use(dataset, head, cls, key, value)
        if key in _NESTED and isinstance(value, Mapping):
            yield from _of_table(dataset, f"{head}.{key}", _NESTED[key], value)


def _best(found: Sequence[Use]) -> Use | None:
    """Return the use whose line is of the best length."""
    return min(found, key=lambda use: (abs(len(use.line) - _BEST), use.dataset), default=None)


@cache
def made() -> Mapping[str, Mapping[str, str]]:
    """Return the examples that no record gives: by section and word."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def example(section: str, word: str, found: Sequence[Use]) -> str:
    """Return the example of a word as Markdown.

    Raises
    ------
    LookupError
        Neither a record nor ``words.toml`` has one.
    """
    best = _best(found)
    if best is not None:
        head = f"[{best.head}]\n" if best.head else ""
        return f"```toml\n# {best.dataset}\n{head}{best.line}\n```\n"
    text = made().get(section, {}).get(word)
    if text is None:
        raise LookupError(f"no record uses {section}.{word}: give an example in words.toml")
    return f"```toml\n# made for this page\n{text.strip()}\n```\n"


def page() -> str:
    """Return the page: all attributes of the model, then the words that stand inside values."""
    parts = [
        "# Words of the layout language\n",
        "Every word with one example, from the records where one uses it. What the words do together is told in the",
        "[layout language](layout-language.md).\n",
        *_templates(), *_attributes(), *_values(), *_labels(), *_operations(),
    ]  # fmt: skip
    return "\n".join(parts)


def _templates() -> Iterator[str]:
    yield "## In templates\n"
    paths = [
        Use(use.dataset, use.head, use.cls, use.key, text)
        for use in _uses()
        if use.key == "path" and use.cls is layouts.Slot
        for text in ([use.value] if isinstance(use.value, str) else use.value)
    ]
    for word, (pattern, meaning) in _TEMPLATE_WORDS.items():
        seen = (lambda text: text) if "~" in word else _without_expressions
        found = [use for use in paths if re.search(pattern, seen(use.value))]
        yield f"**`{word}`** — {meaning}\n" if "{" in word or len(word) < 9 else f"**{word}** — {meaning}\n"
        yield example("In templates", word, found)


def _without_expressions(template: str) -> str:
    """Return a template without the regular expressions in it, whose signs mean something else."""
    return re.sub(r"~(?:[^{}]|\{[\d,]+\})*", "~", template)


def _attributes() -> Iterator[str]:
    for cls in LAYOUT:
        yield f"## {cls.__name__}\n"
        for one in attributes(cls):
            found = [use for use in _uses() if use.cls is cls and use.key == one.name and not _is_table(use)]
            yield f"**`{one.name}`** — {in_words(one.hint)}. {plain(one.doc)}\n"
            yield example(cls.__name__, one.name, found)


def _is_table(use: Use) -> bool:
    """True for what is written as a table of its own and would not fit into a line."""
    return isinstance(use.value, Mapping) and (use.cls is layouts.Layout or len(use.line) > _LONGEST)


def _values() -> Iterator[str]:
    for key, (cls, title) in _KINDS.items():
        yield f"## {title.capitalize()}\n"
        for word in _words_of(cls, key):
            found = [use for use in _uses() if use.cls is cls and use.key == key and use.value == word]
            whole = [Use(u.dataset, u.head, u.cls, "", _beside(u)) for u in found]
            yield f"**`{word}`**\n"
            yield _slot_example(title, word, whole)


def _words_of(cls: type, key: str) -> tuple[str, ...]:
    hint = typing.get_type_hints(cls)[key]
    return typing.get_args(hint)


def _beside(use: Use) -> Mapping[str, Any]:
    """Return the slot in which a word stands, without what is beside the point."""
    kind, _, name = use.head.partition(".")
    layout = dict(_layouts())[use.dataset]
    slot = layout[kind][name.strip('"')]
    return {k: v for k, v in slot.items() if k in ("role", "path", "reader", "kind", "label", "labels")}


def _slot_example(title: str, word: str, found: Sequence[Use]) -> str:
    whole = [use for use in found if "path" in use.value]
    if not whole:
        return example(title.capitalize(), word, [])
    best = min(whole, key=lambda use: len(toml(use.value)))
    lines = "\n".join(f"{k} = {toml(v)}" for k, v in best.value.items())
    return f"```toml\n# {best.dataset}\n[{best.head}]\n{lines}\n```\n"


def _labels() -> Iterator[str]:
    yield "## Keys of label maps\n"
    entries = [
        Use(dataset, f"labels.{name}", layouts.Layout, _bare(key), value)
        for dataset, layout in _layouts()
        for name, labels in layout.get("labels", {}).items()
        for key, value in labels.items()
    ]
    for word, (pattern, meaning) in _LABEL_KEYS.items():
        found = [use for use in entries if re.fullmatch(pattern, use.key.strip('"'))]
        yield f"**{word}** — {meaning}\n"
        yield example("Keys of label maps", word, found)


def _operations() -> Iterator[str]:
    yield "## Operations\n"
    steps = [
        Use(use.dataset, use.head, use.cls, "ops", [step])
        for use in _uses()
        if use.cls is layouts.Slot and use.key == "ops"
        for step in use.value
    ]
    for word in sorted(OPERATIONS):
        yield f"**`{word}`** — {_said_of(word)}\n"
        yield example("Operations", word, [use for use in steps if word in use.value[0]])


def _said_of(operation: str) -> str:
    from medshelf.samples.operate import OPERATIONS as carried_out

    return plain((carried_out[operation].__doc__ or "").strip().partition("\n")[0])
