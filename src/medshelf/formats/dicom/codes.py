"""Coded concepts and plain values of data sets that pydicom parsed or is to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 section 8)."""

    value: str
    scheme: str
    meaning: str


def code_of(item: Any) -> Code:
    """Take a coded concept from an item."""
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
    return Code(str(value), str(item.get("CodingSchemeDesignator", "")), str(item.get("CodeMeaning", "")))


def first_code(sequence: Any) -> Code | None:
    """Return the first coded concept of a sequence; None where there is none."""
    return code_of(sequence[0]) if sequence else None


def text_of(item: Any, keyword: str) -> str | None:
    """Return a value as text; None where it is absent or empty."""
    value = item.get(keyword)
    return str(value) if value not in (None, "") else None


def items(**values: Any) -> Any:
    """Return a new data set of some attributes, by keyword."""
    from pydicom.dataset import Dataset

    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def coded(code: Code) -> Any:
    """Return an item that holds a coded concept."""
    return items(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)
