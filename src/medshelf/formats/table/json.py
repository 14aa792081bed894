"""Rows from JSON and JSON lines, and the small path language that says where in a document they are.

A path is a subset of JSONPath (RFC 9535): ``$`` the document, ``name`` or ``.name`` or ``['name']`` a
member, ``[3]`` an item, ``[1:]`` a slice, ``[*]`` all items of a list, ``.*`` all members of an object.
Examples: ``$[*]``, ``training[*]``, ``[1:]``, ``$.*``, ``annotations[*].box``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from medshelf.errors import FormatError, Truncated

KEY_COLUMN = "_key"
"""Column that holds the name of a member where rows are the members of an object."""
VALUE_COLUMN = "_value"
"""Column that holds a row that is no object but a plain value."""

_STEP = re.compile(
    r"\[(?P<start>-?\d*):(?P<stop>-?\d*)\]|\[(?P<item>-?\d+)\]|(?P<items>\[\*\])"
    r"|(?P<members>\.\*)|\['(?P<quoted>[^']*)'\]|\.?(?P<name>[^.\[\]*$']+)"
)


def load_json(text: str, where: object) -> Any:
    """Parse one JSON document; a name given twice in one object is an error, not a silent loss.

    Raises
    ------
    FormatError
        Not JSON (with line and column), a repeated name, or too deep (`Truncated` where it ends early).
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        early = error.pos >= len(text.rstrip()) or "Unterminated string" in error.msg
        raise (Truncated if early else FormatError)(
            "this is not valid JSON",
            where=where,
            why=f"line {error.lineno}, column {error.colno}: {error.msg}",
        ) from error
    except RecursionError as error:
        raise FormatError("the JSON is nested too deep", where=where) from error
    except ValueError as error:
        raise FormatError("the JSON can't be read", where=where, why=str(error)) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # add returns None
        raise ValueError(f"an object has the name {twice!r} twice")
    return found


def is_json_lines(text: str) -> bool:
    """Whether the first line is one complete JSON object and more follow."""
    first, _, rest = text.lstrip().partition("\n")
    if not first.startswith("{") or not rest.lstrip().startswith("{"):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def json_lines(text: str, where: object) -> list[dict[str, Any]]:
    """Return one row for each line of JSON.

    Raises
    ------
    FormatError
        A line that is not one JSON value, with its number.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return [_row(None, load_json(line, f"{where}, line {number}"), where) for number, line in lines]


def rows_at(document: Any, records: str | None, where: object) -> list[dict[str, Any]]:
    """Return the rows that a path finds in a document.

    Parameters
    ----------
    document : Any
        Parsed JSON.
    records : str or None
        A path, see the module. None stands for ``$[*]`` when the document is a list, and ``$.*`` when it
        is an object of objects.
    where : object
        What to name in an error.

    Returns
    -------
    list of dict
        Objects as they are. Members found by ``.*`` get their name as ``_key``; what is no object
        becomes ``{"_value": ...}``.

    Raises
    ------
    FormatError
        The path is wrong or finds nothing of the kind, or no path is given and none is obvious.
    """
    path = _default_path(document, where) if records is None else records
    found: list[tuple[str | None, Any]] = [(None, document)]
    for step in steps_of(path, where):
        found = [pair for key, value in found for pair in _walk(key, value, step, path, where)]
    if len(found) == 1 and isinstance(found[0][1], list) and not path.endswith("]"):
        raise FormatError(
            f"the path {path!r} finds a list, not a record", where=where, hint=f"Use records='{path}[*]'"
        )
    return [_row(key, value, where) for key, value in found]


def _default_path(document: Any, where: object) -> str:
    if isinstance(document, list):
        return "$[*]"
    if isinstance(document, dict) and document and all(isinstance(v, dict) for v in document.values()):
        return "$.*"
    hint = "Name them with records"
    if isinstance(document, dict):
        lists = [f"{name}[*]" for name, value in document.items() if isinstance(value, list)]
        hint += ", such as " + " or ".join(lists[:5] or ["$.*"])
    raise FormatError("this JSON does not say which part holds the rows", where=where, hint=hint)


def steps_of(path: str, where: object = None) -> list[re.Match[str]]:
    """Take a path apart.

    Raises
    ------
    FormatError
        It is no path, or has ``.*`` twice.
    """
    rest = path.removeprefix("$")
    steps: list[re.Match[str]] = []
    place = 0
    while place < len(rest):
        step = _STEP.match(rest, place)
        if step is None:
            raise FormatError(f"{path!r} is no path to records", where=where, why=f"at {rest[place:]!r}")
        steps.append(step)
        place = step.end()
    if sum(step["members"] is not None for step in steps) > 1:
        raise FormatError(f"{path!r} has '.*' twice; a row has one key only", where=where)
    return steps


def _walk(
    key: str | None, value: Any, step: re.Match[str], path: str, where: object
) -> Iterator[tuple[str | None, Any]]:
    name = _name_in(step)
    if name is not None or step["members"]:
        if not isinstance(value, dict):
            raise _no_step(step, path, value, where)
        if step["members"]:
            yield from value.items()
        elif name in value:
            yield key, value[name]
        else:
            raise FormatError(
                f"the path {path!r} names {name!r}, which is not there",
                where=where,
                why="there are " + ", ".join(map(repr, list(value)[:10])),
            )
    elif not isinstance(value, list):
        raise _no_step(step, path, value, where)
    elif step["items"]:
        yield from ((key, item) for item in value)
    elif step["item"] is not None:
        place = int(step["item"])
        if not -len(value) <= place < len(value):
            raise _no_step(step, path, value, where)
        yield key, value[place]
    else:
        start, stop = (int(step[end]) if step[end] else None for end in ("start", "stop"))
        yield from ((key, item) for item in value[start:stop])


def _no_step(step: re.Match[str], path: str, value: Any, where: object) -> FormatError:
    size = f" of {len(value)}" if isinstance(value, (list, dict)) else ""
    return FormatError(
        f"the path {path!r} does not fit this JSON",
        where=where,
        why=f"{step.group()!r} meets a {type(value).__name__}{size}",
    )


def _row(key: str | None, value: Any, where: object) -> dict[str, Any]:
    record = value if isinstance(value, dict) else {VALUE_COLUMN: value}
    if key is None:
        return record
    if KEY_COLUMN in record:
        raise FormatError(f"a record already has a member {KEY_COLUMN!r}", where=where)
    return {KEY_COLUMN: key, **record}


def write(path: Path | str, rows: Iterable[Mapping[str, Any]], records: str) -> None:
    """Write rows as a JSON document in which `records` finds them again.

    Raises
    ------
    ValueError
        A path that can't be written: one with an item by its number, or with two wildcards.
    """
    steps = steps_of(records)
    many = [n for n, step in enumerate(steps) if _name_in(step) is None]
    if len(many) != 1 or steps[many[0]]["item"] is not None:
        raise ValueError(f"rows can't be written at the path {records!r}")
    values = [dict(row) for row in rows]
    keys = [row.pop(KEY_COLUMN, None) for row in values]
    items: list[Any] = [row[VALUE_COLUMN] if set(row) == {VALUE_COLUMN} else row for row in values]
    for step in reversed(steps[many[0] + 1 :]):
        items = [{_name_in(step): item} for item in items]
    inside = _container(steps[many[0]], keys, items)
    for step in reversed(steps[: many[0]]):
        inside = {_name_in(step): inside}
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(inside, stream, ensure_ascii=False, indent=1)


def _name_in(step: re.Match[str]) -> str | None:
    return step["quoted"] if step["quoted"] is not None else step["name"]


def _container(step: re.Match[str], keys: list[Any], items: list[Any]) -> Any:
    """The list or object in which `step` finds `items`."""
    if step["members"]:
        return dict(zip(keys, items, strict=True))
    if step["items"]:
        return items
    if step["stop"] or (step["start"] or "0").startswith("-"):
        raise ValueError(f"rows can't be written at {step.group()!r}")
    return [{} for _ in range(int(step["start"] or 0))] + items


def write_lines(path: Path | str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line."""
    with open(path, "w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)
