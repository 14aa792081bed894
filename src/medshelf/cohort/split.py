"""Folds by patient: no patient's cases stand in training and validation at once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A case as the split sees it."""

    id: str
    patient: str
    """Unique over all datasets."""
    stratum: str
    """Cases of one stratum (a dataset) are spread evenly over the folds."""


def folds(members: Sequence[Member], n_folds: int, seed: int = 0) -> list[dict[str, list[str]]]:
    """Deal cases into folds by patient.

    Deterministic: the same members, number and seed give the same folds on any machine, in any order.

    Parameters
    ----------
    members : sequence of Member
    n_folds : int
        Fewer are made when there are fewer patients.
    seed : int
        Changes who goes where.

    Returns
    -------
    list of dict
        As nnU-Net's ``splits_final.json``: ``{"train": [ids], "val": [ids]}`` for each fold. Empty when there is
        only one patient.
    """
    patients: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        patients[member.patient].append(member)
    n_folds = min(n_folds, len(patients))
    if n_folds < 2:
        return []
    of_patient = _deal(patients, n_folds, seed)
    ids = sorted(member.id for member in members)
    fold_of = {member.id: of_patient[member.patient] for member in members}
    return [
        {"train": [i for i in ids if fold_of[i] != n], "val": [i for i in ids if fold_of[i] == n]}
        for n in range(n_folds)
    ]


def _deal(patients: Mapping[str, list[Member]], n_folds: int, seed: int) -> dict[str, int]:
    """Give every patient to the fold that has fewest cases of its stratum, large patients first."""
    load: dict[tuple[str, int], int] = defaultdict(int)
    total = [0] * n_folds
    fold_of: dict[str, int] = {}
    for name in sorted(patients, key=lambda p: (-len(patients[p]), _shuffled(p, seed))):
        stratum = min(member.stratum for member in patients[name])
        fold = min(range(n_folds), key=lambda n: (load[stratum, n], total[n], n))
        fold_of[name] = fold
        load[stratum, fold] += len(patients[name])
        total[fold] += len(patients[name])
    return fold_of


def _shuffled(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()
