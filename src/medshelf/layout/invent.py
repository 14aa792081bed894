"""Invent values for the fields of a template: what a twin's files are called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from medshelf.errors import LayoutError

_TOKEN = re.compile(
    r"\\(?P<escape>.)|\[(?P<set>[^\]]+)\]|\(\?:(?P<group>[^()]*)\)|(?P<any>\.)|(?P<char>[^\\\[\](){}*+?.|^$])"
)
_PLAIN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_. ,"
_TIMES = re.compile(r"\{(\d+)(?:,(\d*))?\}|([*+?])")


def invent(name: str, spec: str, number: int, examples: Sequence[str] = ()) -> str:
    """Return a value of a field that differs from number to number.

    Parameters
    ----------
    name, spec : str
        The field, as in ``{name:spec}``.
    number : int
        From 0; equal numbers give equal values.
    examples : sequence of str
        Values to use first; the last one is counted on from when they run out.

    Raises
    ------
    LayoutError
        The spec is a regular expression too rich to invent for, and there is no example.
    """
    if examples:
        return _after(examples, number)
    if spec == "int":
        return str(number + 1)
    if re.fullmatch(r"\d+d", spec):
        return str(number + 1).zfill(int(spec[:-1]))
    if spec == "hex":
        return hashlib.sha256(f"{name}{number}".encode()).hexdigest()[:16]
    if spec == "uid":
        return f"1.2.826.0.1.3680043.9.{number + 1}"
    if spec.startswith("~"):
        return _from_regex(spec[1:], number, name)
    return f"{name}{number + 1:03d}"


def _after(examples: Sequence[str], number: int) -> str:
    if number < len(examples):
        return examples[number]
    last = examples[-1]
    digits = re.search(r"(\d+)(\D*)$", last)
    if digits is None:
        return f"{last}" if len(examples) == 1 else examples[number % len(examples)]
    bumped = str(int(digits[1]) + number - len(examples) + 1).zfill(len(digits[1]))
    return last[: digits.start()] + bumped + digits[2]


def _from_regex(pattern: str, number: int, name: str) -> str:
    """Write something that a simple expression matches: literals, sets, groups of words and counts.

    The number is written, digit by digit from the end, into the places that allow a choice.
    """
    out: list[str] = []
    choices: list[tuple[int, str]] = []
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            break
        alphabet = _alphabet(token)
        times, at = _times(pattern, token.end(), 3 if alphabet else 1)
        for _ in range(times):
            if alphabet:
                choices.append((len(out), alphabet))
            out.append(alphabet[0] if alphabet else _token(token))
    left = number + 1
    for place, alphabet in reversed(choices):
        left, digit = divmod(left, len(alphabet))
        out[place] = alphabet[digit]
    value = "".join(out)
    if re.fullmatch(pattern, value) is None or (left and number):
        raise LayoutError(
            f"no value can be invented for {{{name}:~{pattern}}}",
            hint=f"Give some under [example.fields] {name} = [\"…\"]",
        )
    return value


def _times(pattern: str, at: int, free: int) -> tuple[int, int]:
    """Return how often a token stands, and where the next one begins; `free` is taken for + and *."""
    count = _TIMES.match(pattern, at)
    if count is None:
        return 1, at
    if count[1]:
        return int(count[1]), count.end()
    return (0 if count[3] == "?" else free), count.end()


def _alphabet(token: re.Match[str]) -> str:
    """Return the characters that a token allows, when it allows a choice."""
    if token["escape"] == "d":
        return "0123456789"
    if token["set"] is not None:
        return "".join(c for c in _PLAIN if re.fullmatch(f"[{token['set']}]", c))
    return ""


def _token(token: re.Match[str]) -> str:
    if token["escape"] is not None:
        return {"w": "a", "s": " "}.get(token["escape"], token["escape"])
    if token["group"] is not None:
        return token["group"].split("|")[0]
    return "x" if token["any"] else token["char"]
