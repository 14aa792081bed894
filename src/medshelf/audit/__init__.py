"""Look at the files of a dataset and report what is wrong with them: `medshelf.audit.run.audit`.

The verb and this package share a name, and Python puts a package into its parent as soon as any of its modules
is imported. So the package can be called, and ``medshelf.audit(...)`` means the verb in either case.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from medshelf.audit.run import audit

        return audit(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
