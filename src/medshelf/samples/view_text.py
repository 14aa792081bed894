"""Draw questions and answers, beside a picture or alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from medshelf.samples import picture
from medshelf.samples.sample import Sample

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MARGIN, WIDTH, HEADER = 24, 900, 78
_LINE = 21
_ANSWER: picture.Colour = (128, 214, 92)
_LONGEST = 900
"""Characters of a context that are drawn."""

Line = tuple[str, int, picture.Colour]


def draw_text(sample: Sample, questions: Sequence[Mapping[str, object]]) -> Picture:
    """Draw a case that is text alone."""
    from PIL import Image as pil

    lines = [line for question in questions[:4] for line in lines_of(question, WIDTH - 2 * MARGIN)]
    canvas = pil.new("RGB", (WIDTH, HEADER + _LINE * len(lines) + MARGIN), picture.BACKGROUND)
    title = f"{sample.dataset}  ·  {sample.case}"
    picture.write(canvas, (MARGIN, 16), picture.shortened(title, 20, WIDTH - 2 * MARGIN), 20)
    told = "text without an image" + (f"  ·  split {sample.split}" if sample.split else "")
    picture.write(canvas, (MARGIN, 46), told, 14, picture.DIM)
    _write_lines(canvas, lines, MARGIN, HEADER, canvas.height)
    return canvas


def write_questions(
    canvas: Picture, questions: Sequence[Mapping[str, object]], at: tuple[int, int], room: tuple[int, int]
) -> None:
    """Write as many questions and answers as fit into (width, height) pixels, and how many do not."""
    left, top = at
    lines: list[Line] = []
    shown = 0
    for question in questions:
        more = [*lines_of(question, room[0])]
        if shown and (len(lines) + len(more) + 1) * _LINE > room[1]:
            break
        lines += more
        shown += 1
    if shown < len(questions):
        lines.append((f"and {len(questions) - shown} more questions", 15, picture.DIM))
    _write_lines(canvas, lines, left, top, top + room[1])


def lines_of(question: Mapping[str, object], width: int) -> Iterator[Line]:
    """Yield the lines of one question: context, question, options, answer."""
    context = question.get("context")
    if context:
        text = " ".join(str(c) for c in context) if isinstance(context, list | tuple) else str(context)
        text = text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
        yield from ((line, 15, picture.DIM) for line in picture.wrapped(text, 15, width))
        yield "", 15, picture.DIM
    yield from ((line, 16, picture.TEXT) for line in picture.wrapped(str(question["question"]), 16, width))
    for name, option in _options(question.get("options")):
        yield from ((line, 15, picture.DIM) for line in picture.wrapped(f"{name}  {option}", 15, width))
    answer = question.get("answer")
    if answer is not None:
        yield from ((line, 16, _ANSWER) for line in picture.wrapped(str(answer), 16, width))
    yield "", 15, picture.DIM


def _options(options: object) -> Iterator[tuple[str, object]]:
    if isinstance(options, Mapping):
        yield from ((str(name), option) for name, option in options.items())
    elif isinstance(options, list | tuple):
        yield from (("ABCDEFGHIJ"[n % 10], option) for n, option in enumerate(options))


def _write_lines(canvas: Picture, lines: Sequence[Line], left: int, top: int, bottom: int) -> None:
    for n, (text, size, colour) in enumerate(lines):
        if top + (n + 1) * _LINE <= bottom:
            picture.write(canvas, (left, top + n * _LINE), text, size, colour)
