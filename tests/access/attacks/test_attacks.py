"""Every hostile archive that takes no more than seconds; `make attacks` runs the others too, and prints the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.access.attacks.all import attacks, warm
from tests.access.attacks.setting import Attack, attempt

warm()


@pytest.mark.parametrize("attack", [a for a in attacks() if not a.slow], ids=lambda a: f"{a.kind}: {a.what}")
def test_what_became_of_it(attack: Attack, tmp_path: Path) -> None:
    attempt(attack, tmp_path)
