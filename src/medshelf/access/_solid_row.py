"""What the packages for 7z and rar share: a member, and their errors in our words."""

from __future__ import annotations

from typing import NamedTuple

from medshelf.access._index import safe_name
from medshelf.access._password import locked, wrong
from medshelf.errors import AccessError, MedshelfError

STEP_BYTES = 1 << 20
_RAR_TOOLS = "Install unrar, unar, 7-Zip or bsdtar, one of which rarfile calls, or unpack it elsewhere"


class Row(NamedTuple):
    """One member that is no folder."""

    name: str
    size: int
    crc32: int | None
    mode: int
    locked: bool
    fault: str
    """Why it is left out, '' for a file."""

    @property
    def kept(self) -> bool:
        """Whether it is listed."""
        return not self.fault and not safe_name(self.name)[1]


class told:
    """Turn whatever the packages raise into our errors."""

    def __init__(self, codec: str, name: str) -> None:
        self.codec = codec
        self.name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MedshelfError) and error.where is None:
            error.where = self.name
        if error is None or isinstance(error, MedshelfError) or not isinstance(error, Exception):
            return
        called = type(error).__name__
        if called == "PasswordRequired":
            raise locked(self.name) from None
        if called in ("RarWrongPassword", "InvalidPassword"):
            raise wrong(self.name) from None
        if called == "RarCannotExec":
            raise AccessError(
                "a compressed rar needs an external program", where=self.name, why="none was found", hint=_RAR_TOOLS
            ) from None
        raise AccessError(
            f"the {self.codec} is damaged, or its password is wrong", where=self.name, why=f"{called}: {error}"[:300],
            hint="Fetch it again, or compare its checksum",
        ) from None  # fmt: skip
