"""Turn records into plain values and back, without the validating library: for records already checked."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def to_plain(value: Any) -> Any:
    """Return dataclasses as dictionaries without the parts that are empty by default, dates as text."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((f, getattr(value, f.name)) for f in fields(value))
        return {f.name: to_plain(part) for f, part in parts if not _empty_by_default(f, part)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def _empty_by_default(one: Field[Any], value: Any) -> bool:
    if value is not None and value not in ((), [], {}):
        return False
    return bool(value == (one.default if one.default_factory is MISSING else one.default_factory()))


def from_plain(kind: Any, value: Any) -> Any:
    """Build a value of the annotated type `kind` from plain values; the inverse of `to_plain`."""
    if value is None:
        return None
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: from_plain(hints[name], v) for name, v in value.items()})
    if origin is Union or origin is types.UnionType:
        return _from_union(arguments, value)
    if origin is tuple:
        item = arguments[0] if arguments else Any
        if len(arguments) == 2 and arguments[1] is not Ellipsis:
            return tuple(from_plain(a, v) for a, v in zip(arguments, value, strict=True))
        return tuple(from_plain(item, v) for v in value)
    if origin in (dict, Mapping) or origin is not None and issubclass(_plain_origin(origin), Mapping):
        return {k: from_plain(arguments[1], v) for k, v in value.items()}
    if kind is date:
        return date.fromisoformat(value)
    return value


def _plain_origin(origin: Any) -> type:
    return origin if isinstance(origin, type) else object


def _from_union(arguments: tuple[Any, ...], value: Any) -> Any:
    for option in arguments:
        if isinstance(value, list) and get_origin(option) is tuple:
            return from_plain(option, value)
        if isinstance(value, dict) and (is_dataclass(option) or get_origin(option) is dict):
            return from_plain(option, value)
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
