"""Run the commands and the Python that pages show, and compare what comes out with what they print.

A page is run from top to bottom in an empty folder of its own:

* a ```` ```console ```` block: lines that begin with ``$ `` are run by one bash, the lines below are its output;
* a ```` ```python ```` block with ``>>>``: run as a doctest; all such blocks of a page share their names;
* a block behind ``<!-- file: NAME -->`` is written to that file; one behind ``<!-- not run -->`` is left alone;
* a block behind ``<!-- needs: NAME -->`` is run where that program or package is installed.

In an output, a line ``…`` stands for any lines, and times are not compared. A command that fails must be followed by
``$ echo $?``, so that the page shows that it knows.
"""

from __future__ import annotations

import atexit
import contextlib
import doctest
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_BLOCK = re.compile(
    r"(?:<!-- (?P<order>file|needs|not run)(?:: (?P<what>\S+))? -->\n)?"
    r"^```(?P<kind>\w+)[^\n]*\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TIME = re.compile(r"\b\d+\.\d+ s\b")
_SECONDS = 300


@dataclass(frozen=True)
class Difference:
    """An output that is not what the page says."""

    line: int
    command: str
    page: str
    real: str
    failed: bool = False
    """The command itself failed, and the page does not expect that."""

    def __str__(self) -> str:
        told = "fails" if self.failed else "gives something else than the page says"
        real, page = self.real.rstrip(), self.page.rstrip()
        return f"line {self.line}: `{self.command}` {told}:\n{real}\n--- the page says:\n{page}"


def has_code(text: str) -> bool:
    """Return whether a page shows anything that is run."""
    return any(m["kind"] == "console" or ">>>" in m["body"] for m in _BLOCK.finditer(text))


def run_page(text: str) -> tuple[str, list[Difference]]:
    """Run a page; return it with the outputs as they are now, and what differed.

    Parameters
    ----------
    text : str
        Markdown.
    """
    differences: list[Difference] = []
    pieces: list[str] = []
    at = 0
    with tempfile.TemporaryDirectory() as place, contextlib.closing(Interpreter(_below(place))) as session:
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start("body")) + 1
            body, found = _run_block(match, line, Path(place, "page"), session)
            differences += found
            pieces += [text[at : match.start("body")], body]
            at = match.end("body")
    return "".join([*pieces, text[at:]]), differences


def _below(place: str) -> Path:
    folder = Path(place, "page")
    folder.mkdir()
    return folder


def _run_block(
    match: re.Match[str], line: int, folder: Path, session: Interpreter
) -> tuple[str, list[Difference]]:
    body: str = match["body"]
    if match["order"] == "not run" or (match["order"] == "needs" and not _installed(match["what"])):
        return body, []
    if match["order"] == "file":
        place = folder / match["what"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(body, encoding="utf-8")
        return body, []
    if match["kind"] == "console":
        return _run_console(body, line, folder)
    if match["kind"] == "python" and ">>>" in body:
        return _run_python(body, line, session)
    return body, []


def _installed(name: str) -> bool:
    return shutil.which(name, path=_environment()["PATH"]) is not None or importlib.util.find_spec(name) is not None


# --- console -------------------------------------------------------------------------------


def _run_console(body: str, line: int, folder: Path) -> tuple[str, list[Difference]]:
    steps = list(_steps(body))
    results = _shell([re.sub(r"\n> ", "\n", command) for command, _, _ in steps], folder)
    out: list[str] = []
    differences = []
    for n, ((command, shown, offset), (real, code)) in enumerate(zip(steps, results, strict=True)):
        expected = n + 1 < len(steps) and steps[n + 1][0].strip() == "echo $?"
        if code and not expected:
            differences.append(Difference(line + offset, command, shown, real, failed=True))
        if _like(shown, real):
            real = shown
        elif not code or expected:
            differences.append(Difference(line + offset, command, shown, real))
        out.append(f"$ {command}\n{real}")
    return "".join(out), differences


def _steps(body: str) -> Iterator[tuple[str, str, int]]:
    """Yield each command with the lines that go on with it, its output, and its line in the block."""
    command, shown, start = None, "", 0
    for n, text in enumerate(body.splitlines(keepends=True)):
        if text.startswith("$ "):
            if command is not None:
                yield command, shown, start
            command, shown, start = text[2:].rstrip("\n"), "", n
        elif text.startswith("> ") and command is not None and not shown:
            command += "\n" + text.rstrip("\n")
        else:
            shown += text
    if command is not None:
        yield command, shown, start


def _shell(commands: Sequence[str], folder: Path) -> list[tuple[str, int]]:
    mark = "=====end of output====="
    kept = folder.with_name(folder.name + ".env")
    lines = [f"{command}\n__code=$?; echo; echo '{mark}' $__code; (exit $__code)" for command in commands]
    script = "\n".join(["exec 2>&1", f"[ -f {kept} ] && . {kept}", *lines, f"export -p > {kept}", ""])
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=_environment(), capture_output=True, text=True,
        timeout=_SECONDS, check=False,
    )  # fmt: skip
    parts = re.split(rf"\n?{mark} (\d+)\n", done.stdout)
    return [(_tidy(parts[2 * n]), int(parts[2 * n + 1])) for n in range(len(commands))]


def _environment() -> dict[str, str]:
    """The caller's environment with this Python's programs first, and nothing that changes how output looks."""
    odd = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PYTHONWARNINGS", "MEDSHELF_CATALOGUE")
    kept = {k: v for k, v in os.environ.items() if k not in odd}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept | {"PATH": path, "LC_ALL": "C.UTF-8", "MEDSHELF_CACHE_DIR": _cache_folder()}


@cache
def _cache_folder() -> str:
    """A cache of our own, so that a page with a catalogue of its own disturbs nobody."""
    folder = tempfile.mkdtemp(prefix="medshelf-docs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.rstrip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _like(shown: str, real: str) -> bool:
    """True when an output is what a page says, where ``…`` alone on a line stands for any lines."""
    one, other = (_TIME.sub("0 s", t.strip("\n")) for t in (shown, real))
    pieces = re.split(r"(?m)^…$\n?", one + "\n")
    return re.fullmatch(".*".join(re.escape(p) for p in pieces), other + "\n", re.DOTALL) is not None


# --- Python --------------------------------------------------------------------------------


class Interpreter:
    """A fresh Python that runs doctests one after the other, as a user's session would."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", __file__], cwd=folder, env=_environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, body: str) -> list[tuple[int, int, str, bool]]:
        """Run a block; return (line, lines of output on the page, real output, failed) of what differs."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(body) + "\n")
        self._process.stdin.flush()
        return [tuple(found) for found in json.loads(self._process.stdout.readline())]

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=_SECONDS)


class _Runner(doctest.DocTestRunner):
    """Collects what differs instead of printing it."""

    def __init__(self) -> None:
        super().__init__(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        self.found: list[tuple[int, int, str, bool]] = []

    def report_failure(self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str) -> None:
        self._add(example, got, failed=got.startswith("Traceback"))

    def report_unexpected_exception(self, out: Any, test: Any, example: doctest.Example, exc_info: Any) -> None:
        self._add(example, f"{exc_info[0].__name__}: {exc_info[1]}\n", failed=True)

    def _add(self, example: doctest.Example, got: str, *, failed: bool) -> None:
        start = example.lineno + example.source.count("\n")
        self.found.append((start, example.want.count("\n"), got, failed))


def _serve() -> None:
    """Run the blocks that come in on stdin, and answer with what differed."""
    sys.path[0] = ""
    names: dict[str, Any] = {"__name__": "__main__"}
    for line in sys.stdin:
        test = doctest.DocTestParser().get_doctest(json.loads(line), {}, "page", "page", 0)
        test.globs = names
        runner = _Runner()
        with contextlib.redirect_stdout(io.StringIO()):
            runner.run(test, out=lambda text: None, clear_globs=False)
        print(json.dumps(runner.found), flush=True)


def _run_python(body: str, line: int, session: Interpreter) -> tuple[str, list[Difference]]:
    lines = body.splitlines(keepends=True)
    differences = []
    for start, count, got, failed in reversed(session.run(body)):
        want = "".join(lines[start : start + count])
        differences.append(Difference(line + start - 1, lines[start - 1][4:].strip(), want, got, failed))
        if not failed:
            lines[start : start + count] = got.splitlines(keepends=True)
    return "".join(lines), differences[::-1]


if __name__ == "__main__":
    _serve()
