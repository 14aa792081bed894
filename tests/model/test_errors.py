"""Errors: what they say, which built-in ones they are as well, and that they travel between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from medshelf import errors
from medshelf.errors import (
    CatalogueError,
    FormatError,
    MedshelfError,
    NotAVolume,
    NotFound,
    RecipeError,
    Truncated,
    UnknownDataset,
    need,
)

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, MedshelfError)
]


def made(kind: type[MedshelfError]) -> MedshelfError:
    extra = {NotAVolume: {"reason": "gap"}, errors.Impostor: {"kind": "web-page"}}.get(kind, {})
    return kind("it is short", where="a/b.nii", why="3 of 5 bytes", hint="Fetch it again", **extra)


def test_there_are_as_many_as_the_docstring_lists() -> None:
    assert errors.__doc__ is not None
    assert {kind.__name__ for kind in ALL} == {w for w in errors.__doc__.split() if w in dir(errors)}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_says_where_what_why_and_what_next(kind: type[MedshelfError]) -> None:
    assert str(made(kind)) == "a/b.nii: it is short (3 of 5 bytes). Fetch it again"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling_whole(kind: type[MedshelfError]) -> None:
    error = made(kind)
    error.add_note("in the task 7")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert copy.__notes__ == ["in the task 7"]


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (UnknownDataset, KeyError), (errors.UnknownTerm, ValueError), (RecipeError, ValueError),
        (errors.MissingExtra, ImportError), (NotFound, FileNotFoundError), (FormatError, ValueError),
        (Truncated, FormatError), (errors.Unsupported, FormatError), (NotAVolume, FormatError),
        (errors.Impostor, FormatError),
    ],
)  # fmt: skip
def test_those_who_catch_built_in_errors_catch_ours(kind: type[MedshelfError], other: type[Exception]) -> None:
    with pytest.raises(other):
        raise made(kind)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_exit_codes_are_as_documented(kind: type[MedshelfError]) -> None:
    assert kind.exit_code in range(1, 7)
    assert errors.__doc__ is not None
    line = next((x for x in errors.__doc__.splitlines() if f" {kind.__name__} " in x and "exit" in x), None)
    if line is not None:
        assert kind.exit_code == int(line.rsplit("exit", 1)[1])


def test_what_is_not_known_is_left_out() -> None:
    assert str(MedshelfError("it is short")) == "it is short"
    assert str(MedshelfError("it is short", hint="Go on")) == "it is short. Go on"
    assert str(MedshelfError("it is short", where="x")) == "x: it is short"


@pytest.mark.parametrize("kind", [CatalogueError, RecipeError])
def test_problems_stand_one_a_line(kind: type[CatalogueError] | type[RecipeError]) -> None:
    error = kind("two things are wrong", where="r.toml", problems=["r.toml:1 a", "r.toml:9 b"])
    assert str(error).splitlines() == ["r.toml: two things are wrong", "  r.toml:1 a", "  r.toml:9 b"]
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_the_reason_of_a_refused_stack_travels() -> None:
    error = NotAVolume("slices are missing", reason="missing-slices", where="s")
    assert pickle.loads(pickle.dumps(error)).reason == "missing-slices"


def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(errors.MissingExtra, match=r"package 'no_such_package'.*pip install 'medshelf\[torch\]'"):
        need("no_such_package.inner", "torch")
    assert need("json", "torch").dumps([1]) == "[1]"
