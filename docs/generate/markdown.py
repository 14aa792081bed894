"""Small pieces of Markdown, and the way from a docstring to them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_ROLE = re.compile(r"``([^`]+)``")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table without its empty columns; cells are Markdown already."""
    cells = [[" ".join(str(c).split()) for c in row] for row in rows]
    kept = [n for n in range(len(head)) if any(row[n] for row in cells) or n == 0]
    lines = [_row([head[n] for n in kept]), _row(["---"] * len(kept)), *(_row([row[n] for n in kept]) for row in cells)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def _cell(text: str) -> str:
    """Return a cell whose upright strokes end no cell, in GitHub's Markdown or in Python's."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(_stroked(p) if p.startswith("`") and "|" in p else p.replace("|", "&#124;") for p in parts)


def _stroked(span: str) -> str:
    return f"<code>{escape(span.strip('`'), quote=False).replace('|', '&#124;')}</code>"


def code(text: object) -> str:
    """Return text as code in a line."""
    return f"`{text}`"


def plain(text: str) -> str:
    """Return a line or paragraph of a docstring as Markdown; angle brackets outside of code are kept."""
    parts = re.split(r"(`[^`]*`)", _ROLE.sub(r"`\1`", text).strip())
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in parts)


def prose(text: str) -> str:
    """Return the body of a docstring as Markdown: paragraphs, lists, definitions and tables."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "\n\n".join(_block(block) for block in _joined(blocks)) + "\n"


def _joined(blocks: Sequence[str]) -> list[str]:
    """Keep the lines of a table with a blank line in it together; drop what is empty."""
    return [block for block in blocks if block.strip()]


def _block(block: str) -> str:
    lines = block.splitlines()
    if lines[0].startswith("===="):
        return _simple_table(lines)
    if len(lines) > 1 and re.fullmatch(r"-{3,}", lines[1]):
        rest = "\n".join(lines[2:])
        return f"**{lines[0]}**" + (f"\n\n{plain(rest)}" if rest else "")
    if not lines[0].startswith((" ", "* ")) and any(line.startswith("    ") for line in lines[1:]):
        return _definitions(lines)
    return plain(block)


def _definitions(lines: Sequence[str]) -> str:
    out: list[str] = []
    for line in lines:
        if line.startswith(" ") and out:
            out[-1] += " " + line.strip()
        else:
            out.append(f"* {line.strip()}:")
    return plain("\n".join(out))


def _simple_table(lines: Sequence[str]) -> str:
    starts = [m.start() for m in re.finditer("=+", lines[0])]
    cells = [
        [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines
        if not line.startswith("====")
    ]
    return table(cells[0], [[plain(c) for c in row] for row in cells[1:]]).rstrip()


@dataclass(frozen=True)
class Doc:
    """A docstring in numpydoc form, taken apart."""

    summary: str = ""
    body: str = ""
    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Section to (what stands at its margin, what stands indented below)."""


def parse_doc(text: str | None) -> Doc:
    """Take a docstring apart."""
    clean = inspect.cleandoc(text or "")
    head, *rest = _SECTION.split(clean)
    summary, _, body = head.partition("\n\n")
    sections = {rest[n]: _items(rest[n + 1]) for n in range(0, len(rest), 2)}
    return Doc(plain(" ".join(summary.split())), prose(body) if body.strip() else "", sections)


def _items(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith(" "):
            found.append((line.strip(), []))
        elif found:
            found[-1][1].append(line)
    return [(head, plain(inspect.cleandoc("\n".join(below)))) for head, below in found]
