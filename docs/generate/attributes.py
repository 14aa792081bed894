"""What a class says of its attributes: the docstrings under them, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, Literal, Union

from generate.markdown import code, plain, table


@dataclass(frozen=True)
class Attribute:
    """One attribute of a class."""

    name: str
    hint: Any
    """Its type, resolved."""
    written: str
    """Its type as the source has it."""
    required: bool
    default: Any
    doc: str


def attributes(cls: type) -> list[Attribute]:
    """Return the public fields of a dataclass, in order."""
    docs, hints, written = attribute_docs(cls), _hints(cls), _written(cls)
    found = []
    for name in getattr(cls, "_fields", ()):  # a named tuple
        found.append(Attribute(name, hints[name], written[name], True, None, docs.get(name, "")))
    for one in fields(cls) if is_dataclass(cls) else ():
        if one.name.startswith("_"):
            continue
        default = one.default if one.default is not MISSING else None
        if one.default_factory is not MISSING:
            default = one.default_factory()
        required = one.default is MISSING and one.default_factory is MISSING
        found.append(
            Attribute(one.name, hints[one.name], written[one.name], required, default, docs.get(one.name, ""))
        )
    return found


def _hints(cls: type) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except NameError:  # a name that is imported for type checking alone
        return dict.fromkeys(inspect.get_annotations(cls), Any)


def _written(cls: type) -> Mapping[str, str]:
    nodes = (n for n in class_node(cls).body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name))
    return {n.target.id: ast.unparse(n.annotation) for n in nodes}  # type: ignore[union-attr]


@cache
def module_tree(module: str) -> ast.Module:
    """Return the parsed source of an imported module."""
    return ast.parse(inspect.getsource(sys.modules[module]))


def class_node(cls: type) -> ast.ClassDef:
    """Return the definition of a class."""
    for node in ast.walk(module_tree(cls.__module__)):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            return node
    raise LookupError(cls)


def attribute_docs(cls: type) -> dict[str, str]:
    """Return the text under each attribute of a class."""
    return texts_below(class_node(cls).body)


def texts_below(body: Iterable[ast.stmt]) -> dict[str, str]:
    """Return the text that stands under each assignment."""
    nodes = list(body)
    found = {}
    for node, after in zip(nodes, nodes[1:], strict=False):
        named = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(named, ast.Name) and told and isinstance(after.value.value, str):  # type: ignore[attr-defined]
            found[named.id] = plain(" ".join(inspect.cleandoc(after.value.value).split()))  # type: ignore[attr-defined]
    return found


# --- tables of keys ------------------------------------------------------------------------


def key_table(cls: type) -> str:
    """Return the keys of one table of a TOML file: name, what it holds, what it means."""
    rows = []
    for one in attributes(cls):
        need = "required" if one.required else _default(one.default)
        rows.append((code(one.name), in_words(one.hint), need, one.doc or _of_table(one.hint)))
    return table(("Key", "Holds", "Default", "Meaning"), rows)


def _of_table(hint: Any) -> str:
    """Return what the table says of itself that a key holds, for keys that say nothing of their own."""
    classes = [a for a in (hint, *typing.get_args(hint)) if is_dataclass(a)]
    return plain(inspect.cleandoc(classes[0].__doc__ or "").partition("\n\n")[0]) if classes else ""


def _default(value: Any) -> str:
    if value is None or value == () or value == {}:
        return ""
    if isinstance(value, tuple):
        return " ".join(code(v) for v in value)
    return code(str(value).lower() if isinstance(value, bool) else value)


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", date: "date", Any: "any"}


def in_words(hint: Any) -> str:
    """Return a type as a person who writes TOML would say it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + " ".join(code(a) for a in arguments)
    if origin is Union or origin is types.UnionType:
        said = [in_words(a) for a in arguments if a is not type(None)]
        return "number" if set(said) == {"number", "whole number"} else " or ".join(said)
    if origin is tuple:
        return f"list of {in_words(arguments[0])}".replace("list of one of", "any of")
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return f"table of {in_words(arguments[1])}"
    return _LINKS.get(hint.__name__, f"[{hint.__name__}](#{hint.__name__.lower()})")


_LINKS = {"Layout": "[Layout](layout-language.md#layout)"}
"""Tables that are explained on a page of their own."""
