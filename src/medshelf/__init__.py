"""medshelf: one shelf for every public medical dataset.

The Python names are the verbs of the command line: `find`, `show`, `plan`, `get`, `add`, `open`,
`read`, `check`, `identify`, `audit`, `build` and `twin`. Nothing heavy is imported before one of them is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medshelf.audit.run import audit
    from medshelf.catalogue.search import find
    from medshelf.catalogue.shelf import load as show
    from medshelf.errors import MedshelfError
    from medshelf.export.build import build
    from medshelf.fetch.add import add
    from medshelf.fetch.get import get
    from medshelf.fetch.plan import plan
    from medshelf.samples.check import check
    from medshelf.samples.dataset import Dataset
    from medshelf.samples.identify import identify
    from medshelf.samples.open import open
    from medshelf.samples.read import read
    from medshelf.samples.sample import Sample
    from medshelf.samples.twin import twin

_WHERE = {
    "find": "medshelf.catalogue.search:find",
    "show": "medshelf.catalogue.shelf:load",
    "plan": "medshelf.fetch.plan:plan",
    "get": "medshelf.fetch.get:get",
    "add": "medshelf.fetch.add:add",
    "open": "medshelf.samples.open:open",
    "read": "medshelf.samples.read:read",
    "check": "medshelf.samples.check:check",
    "identify": "medshelf.samples.identify:identify",
    "twin": "medshelf.samples.twin:twin",
    "audit": "medshelf.audit.run:audit",
    "build": "medshelf.export.build:build",
    "Dataset": "medshelf.samples.dataset:Dataset",
    "Sample": "medshelf.samples.sample:Sample",
    "MedshelfError": "medshelf.errors:MedshelfError",
}

__all__ = [
    "Dataset", "MedshelfError", "Sample", "add", "audit", "build", "check", "find", "get", "identify", "open",
    "plan", "read", "show", "twin",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'medshelf' has no attribute {name!r}")
    module, _, attribute = _WHERE[name].partition(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
