"""Fixtures of this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from medshelf.cli.app import main
from tests.twins import data, twins

__all__ = ["data", "twins"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command here, and checks that no traceback is shown."""

    def command(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        assert "Traceback" not in said.err + said.out
        assert "did not foresee" not in said.err
        return Done(code, said.out, said.err)

    return command
