"""``make attacks``: every hostile archive, and what became of it, as a table: ``python -m tests.access.attacks.run``.

Rows that are alike but for the kind of archive are one. Exit code 1 when something was written outside or before a
refusal, when more memory or time was taken than the attack allows, or when an error was not one of ours.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tests.access.attacks.all import GROUPS, warm
from tests.access.attacks.setting import Attack, Outcome, attempt


class Table:
    """Runs attacks, prints a line for those that fared alike."""

    def __init__(self, only: str) -> None:
        self.n_bad = self.n_done = 0
        self._only = re.compile(only)
        print(f"{'attack':46} {'MB':>4} {'s':>4}  what became of it")

    def run(self, attack: Attack) -> None:
        if not self._only.search(f"{attack.kind}: {attack.what}"):
            return
        with tempfile.TemporaryDirectory(prefix="medshelf-attack-") as folder:
            try:
                found = attempt(attack, Path(folder))
                told = _told(attack, found)
            except AssertionError as error:
                self.n_bad += 1
                found, told = Outcome(), f"WRONG: {error}"
        self.n_done += 1
        self._row(attack, found, told)

    def _row(self, attack: Attack, found: Outcome, told: str) -> None:
        what = f"{attack.kind}: {attack.what}"
        print(f"{what:46} {found.peak_bytes / 1e6:4.0f} {found.seconds:4.1f}  {told}", flush=True)


def _told(attack: Attack, found: Outcome) -> str:
    if not attack.refused:
        lies = "" if attack.becomes is None else ": " + ", ".join(map(repr, sorted(attack.becomes)[:3]))
        return f"harmless{lies}"
    reason = re.search(attack.refused, found.error)
    assert reason
    begin = max(0, reason.start() - 30)
    return f"refused: {found.error[begin : reason.end() + 30]!r}" + (f"; the rest: {found.rest}" if found.rest else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="only attacks like this, as 'kind: what'")
    args = parser.parse_args()
    warm()
    table = Table(args.only)
    for title, group in GROUPS.items():
        print(f"--- {title}")
        for attack in group():
            table.run(attack)
    good = "nothing was written outside, or before a refusal"
    print(f"{table.n_done} attacks; {f'{table.n_bad} WRONG' if table.n_bad else good}")
    return 1 if table.n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
