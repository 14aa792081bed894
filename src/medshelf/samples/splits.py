"""Partitions of a dataset that a field, a table or a record tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medshelf.model.case import Case
from medshelf.model.layout import Split
from medshelf.samples.assemble import Assembler
from medshelf.samples.lookup import told


def with_split(rule: Split, assembler: Assembler, case: Case, row: Mapping[str, Any] | None) -> Case:
    """Return a case with the part that a rule gives it; where nothing tells, it has none."""
    sample = assembler.sample(case, row)
    value = told(rule.of, case.fields, sample.tables, sample.records)
    return replace(case, split=None if value is None else rule.map.get(str(value), str(value)))
