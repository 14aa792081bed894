"""Mutants: bytes changed in the ways in which bytes go wrong, and in those that hurt readers most."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
"""Values at which integers of some width change their meaning."""
_WORDS = (b"-1", b"0", b"99999999999", b"1e308", b"nan", b"inf", b"\n", b",", b"<", b"{", b"\"", b"\0", b"/")
_HEADER_BYTES = 600
"""Where most formats keep what everything else depends on."""


def mutant(seeds: Sequence[bytes], number: int) -> bytes:
    """Return mutant `number`: always the same for the same seeds.

    Parameters
    ----------
    seeds : sequence of bytes
        Files that are right.
    number : int
        From 0.
    """
    rng = random.Random(number)
    data = bytearray(seeds[number % len(seeds)])
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6, 12))):
        rng.choice(_CHANGES)(data, rng, seeds)
    return bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    """Return a place, more often than not near the beginning or the end, where directories stand."""
    size = len(data) + 1
    reach = rng.choice((min(size, _HEADER_BYTES), size))
    at = rng.randrange(reach)
    return size - 1 - at if reach < size and rng.random() < 0.3 else at


def _bit(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    if at < len(data):
        data[at] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    data[at : at + 1] = bytes([rng.choice((0, 255, 127, 128, rng.randrange(256)))])


def _number(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at, width = _place(data, rng), rng.choice("BHIQ")
    value = rng.choice(_NUMBERS) % (1 << 8 * struct.calcsize(width))
    data[at : at + struct.calcsize(width)] = struct.pack(rng.choice("<>") + width, value)


def _word(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    data[at : at + rng.choice((0, 1, 4))] = rng.choice(_WORDS)


def _taken_out(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 8, 64, 512))]


def _put_in(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at = _place(data, rng)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))


def _twice(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at, size = _place(data, rng), rng.choice((4, 16, 128))
    data[at:at] = data[at : at + size]


def _spliced(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    at = _place(data, rng)
    data[at : at + rng.choice((8, 64, 256))] = other[at : at + rng.choice((8, 64, 256))]


def _cut(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    if rng.random() < 0.4:
        del data[_place(data, rng) :]


_CHANGES = (_bit, _byte, _byte, _number, _number, _word, _taken_out, _put_in, _twice, _spliced, _cut)
