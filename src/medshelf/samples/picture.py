"""Drawing with Pillow: colours, text, legends, outlines and scale bars."""

from __future__ import annotations

import colorsys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Colour = tuple[int, int, int]

BACKGROUND: Colour = (17, 20, 25)
TEXT: Colour = (236, 239, 243)
DIM: Colour = (152, 161, 173)

_PALETTE: tuple[Colour, ...] = (
    (255, 107, 107), (78, 205, 196), (255, 209, 102), (116, 149, 255), (199, 125, 255), (128, 214, 92),
    (255, 159, 67), (72, 190, 255), (255, 133, 192), (196, 180, 132), (0, 200, 140), (226, 226, 120),
)  # fmt: skip
"""Bright on grey, and told apart by most people with a colour deficiency as long as there are few."""

ALPHA = 0.32
"""How much of an overlay's colour covers the image inside of its outline."""


def colour_of(number: int) -> Colour:
    """Return the colour of entry `number` (from 1) of an overlay; distinct for any number of entries."""
    if 1 <= number <= len(_PALETTE):
        return _PALETTE[number - 1]
    turn = (number * 0.618033988749895) % 1
    red, green, blue = colorsys.hsv_to_rgb(turn, 0.55 + 0.3 * (number % 3) / 2, 0.95 - 0.2 * (number % 2))
    return round(red * 255), round(green * 255), round(blue * 255)


def colours_up_to(highest: int) -> np.ndarray:
    """Return (highest + 1, 3) uint8 colours by number; number 0 is black and never used."""
    return np.array([(0, 0, 0), *(colour_of(n) for n in range(1, highest + 1))], np.uint8)


# --- pixels --------------------------------------------------------------------------------


def windowed(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return grey values (uint8): `low` and below is black, `high` and above white; no number is black."""
    scaled = (np.nan_to_num(values.astype(np.float32), nan=low) - low) * (255 / max(high - low, 1e-6))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def resized(values: np.ndarray, size: tuple[int, int], *, smooth: bool) -> np.ndarray:
    """Resize a (rows, columns[, 3]) uint8 picture to (width, height), smoothly or by the nearest pixel."""
    from PIL import Image as pil

    method = pil.Resampling.LANCZOS if smooth else pil.Resampling.NEAREST
    return np.asarray(pil.fromarray(np.ascontiguousarray(values)).resize(size, method))


def resized_numbers(numbers: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a (rows, columns) array of numbers to (width, height) by the nearest pixel."""
    columns = ((np.arange(size[0]) + 0.5) * numbers.shape[1] / size[0]).astype(int)
    rows = ((np.arange(size[1]) + 0.5) * numbers.shape[0] / size[1]).astype(int)
    return numbers[rows[:, None], columns[None, :]]


def painted(picture: np.ndarray, numbers: np.ndarray, *, thickness: int = 2) -> np.ndarray:
    """Paint an overlay: translucent inside, its outline in the full colour.

    Parameters
    ----------
    picture : (rows, columns, 3) uint8 array
        What is painted on.
    numbers : (rows, columns) integer array
        0 for nothing, else the number of an entry.
    thickness : int
        Of the outline, in pixels, inside of the marked area.
    """
    if not numbers.any():
        return picture
    colours = colours_up_to(int(numbers.max()))[numbers]
    inside = numbers > 0
    out = picture.astype(np.float32)
    out[inside] = (1 - ALPHA) * out[inside] + ALPHA * colours[inside]
    edge = outline(numbers, thickness)
    out[edge] = colours[edge]
    return out.astype(np.uint8)


def outline(numbers: np.ndarray, thickness: int) -> np.ndarray:
    """Return where an entry borders on something else, within `thickness` pixels and inside of the entry."""
    edge = np.zeros(numbers.shape, bool)
    padded = np.pad(numbers, thickness, mode="edge")
    rows, columns = numbers.shape
    for step in range(1, thickness + 1):
        for down, right in ((step, 0), (-step, 0), (0, step), (0, -step)):
            top, left = thickness + down, thickness + right
            edge |= padded[top : top + rows, left : left + columns] != numbers
    return edge & (numbers > 0)


# --- text ----------------------------------------------------------------------------------


@cache
def font(size: int) -> Any:
    """Return the font that comes with Pillow, at a size in pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


_SUBSTITUTES = str.maketrans({
    "×": "x", "→": "->", "µ": "u", "–": "-", "—": "-", "≥": ">=", "≤": "<=", "²": "2", "³": "3", "•": "·", "′": "'",
    "″": '"', "½": "1/2", "ß": "ss", "ø": "o", "α": "alpha", "β": "beta", "γ": "gamma",
})  # fmt: skip


def drawable(text: str) -> str:
    """Return a text in the letters that the font of Pillow has: those of English, without accents."""
    plain = unicodedata.normalize("NFKD", text.translate(_SUBSTITUTES))
    kept = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if c.isascii() or c in "°·…±“”’" else "?" for c in kept)


def width_of(text: str, size: int) -> int:
    """Return how wide a line of text is, in pixels."""
    return int(np.ceil(font(size).getlength(drawable(text))))


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Break a text into lines no wider than `width` pixels; words that are longer are broken."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if width_of(longer, size) <= width or not line:
                line = longer
            else:
                lines.append(line)
                line = word
            while width_of(line, size) > width and len(line) > 1:
                fits = next(n for n in range(len(line), 0, -1) if width_of(line[:n], size) <= width or n == 1)
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line)
    return lines


def shortened(text: str, size: int, width: int) -> str:
    """Return a text cut to a width, with dots where something is left out."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def write(canvas: Picture, at: tuple[float, float], text: str, size: int, colour: Colour = TEXT, anchor: str = "la",
          *, halo: bool = False) -> None:  # fmt: skip
    """Write a line; with a halo it can be read on any picture."""
    from PIL import ImageDraw

    around = {"stroke_width": 2, "stroke_fill": (0, 0, 0)} if halo else {}
    ImageDraw.Draw(canvas).text(at, drawable(text), colour, font(size), anchor, **around)


# --- scale bar -----------------------------------------------------------------------------


def bar_length_mm(pixels_per_mm: float, most_pixels: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, … mm (or their fractions) that fits into `most_pixels`."""
    most = most_pixels / pixels_per_mm
    power = 10.0 ** np.floor(np.log10(most))
    return float(next(step * power for step in (5, 2, 1) if step * power <= most))


def scale_bar(canvas: Picture, left: int, bottom: int, pixels_per_mm: float, most_pixels: float) -> tuple[float, int]:
    """Draw a scale bar and say how long it is.

    Returns
    -------
    length_mm : float
    length_pixels : int
    """
    from PIL import ImageDraw

    length = bar_length_mm(pixels_per_mm, most_pixels)
    pixels = round(length * pixels_per_mm)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((left - 1, bottom - 4, left + pixels, bottom), fill=(0, 0, 0))
    draw.rectangle((left, bottom - 3, left + pixels - 1, bottom - 1), fill=TEXT)
    unit = f"{length:g} mm" if length >= 1 else f"{length * 1000:g} µm"
    write(canvas, (left, bottom - 8), unit, 13, anchor="ld", halo=True)
    return length, pixels


# --- legend --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a legend."""

    name: str
    colour: Colour | None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Legend:
    """A list of what is drawn."""

    title: str
    entries: Sequence[Entry] = field(default_factory=tuple)
    more: int = 0
    """Entries that are left out."""

    size = 15
    line = 23

    def height(self) -> int:
        """Return its height in pixels."""
        return self.line * (1 + len(self.entries) + bool(self.more)) + 6

    def width(self) -> int:
        """Return the width that it would like, in pixels."""
        texts = [width_of(f"{e.name}  {e.value}", self.size) + 34 for e in self.entries]
        return max([width_of(self.title, self.size), *texts])

    def draw(self, canvas: Picture, left: int, top: int, width: int) -> None:
        """Draw it with its top left corner at a place."""
        from PIL import ImageDraw

        draw = ImageDraw.Draw(canvas)
        write(canvas, (left, top), shortened(self.title, self.size, width), self.size, DIM)
        for number, entry in enumerate(self.entries, 1):
            y = top + number * self.line + 4
            indent = 0
            if entry.colour is not None:
                draw.rounded_rectangle((left, y + 1, left + 14, y + 15), 3, fill=entry.colour)
                indent = 23
            room = width - indent - (width_of(entry.value, self.size) + 12 if entry.value else 0)
            write(canvas, (left + indent, y), shortened(entry.name, self.size, room), self.size)
            write(canvas, (left + width, y), entry.value, self.size, DIM, "ra")
        if self.more:
            below = top + (len(self.entries) + 1) * self.line + 4
            write(canvas, (left, below), f"and {self.more} more", self.size, DIM)
