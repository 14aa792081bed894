"""What can go wrong with one request, as the loops of this package tell it apart. None of these leaves the package."""

from __future__ import annotations

from medshelf.errors import AccessError, MedshelfError


class Trouble(Exception):
    """Base; `error` is what a user is told when it does not pass."""

    def __init__(self, error: MedshelfError) -> None:
        super().__init__(str(error))
        self.error = error


class Again(Trouble):
    """It may pass: a broken connection, a busy host. `wait_s` is what the host asks for."""

    def __init__(self, error: MedshelfError, wait_s: float | None = None) -> None:
        super().__init__(error)
        self.wait_s = wait_s


class Refused(Trouble):
    """The address is not served to us (400, 401, 403): it may have run out, or a person has to do something."""

    def __init__(self, error: MedshelfError, status: int) -> None:
        super().__init__(error)
        self.status = status


class StartOver(Trouble):
    """What is here does not go together with what the host has now; `ranges` is False where it knows no ranges."""

    def __init__(self, why: str, *, ranges: bool = True) -> None:
        super().__init__(AccessError("the file at the host is not the one that was begun", why=why))
        self.ranges = ranges


class Wrong(Trouble):
    """What came is not the file; `tainted` where the bytes on disk are wrong, too, and must go."""

    def __init__(self, error: MedshelfError, *, tainted: bool = False) -> None:
        super().__init__(error)
        self.tainted = tainted


class Stopped(Exception):
    """Somebody ended the work; what is here is kept."""
