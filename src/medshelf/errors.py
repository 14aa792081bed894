"""Every error that medshelf raises.

MedshelfError
├── CatalogueError        a record is wrong (carries all its problems)
├── UnknownDataset        no such id            (also KeyError)      exit 5
├── UnknownTerm           not in the vocabulary (also ValueError)    exit 2
├── RecipeError           a recipe is wrong     (also ValueError)    exit 2
├── MissingExtra          a package is absent   (also ImportError)   exit 2
├── LayoutError           files don't fit the declared layout        exit 1
├── NotFound              no such file, case or member (also FileNotFoundError)  exit 5
├── AccessError           something can't be opened or fetched       exit 3
│   ├── AccessNeeded      a person has to do something first         exit 3
│   ├── Offline           the network is needed and not allowed      exit 3
│   ├── NotWhole          what came is not what was promised         exit 4
│   └── DiskFull          no room for what is asked                  exit 6
└── FormatError           bytes that are not what they should be     exit 4
    ├── Impostor          something else was saved under the name of a file
    ├── Truncated         the file ends before its data does
    ├── Unsupported       a valid file of a kind that no reader covers
    └── NotAVolume        slices that must not be stacked into one volume

Each says what is wrong, where, why, and what to do next, and keeps these as attributes.
"""

from __future__ import annotations

from collections.abc import Sequence


class MedshelfError(Exception):
    """Base of all errors of medshelf.

    Parameters
    ----------
    what : str
        What is wrong, one sentence without a full stop.
    where : str, optional
        The file, record or case in which it was found.
    why : str, optional
        The cause or the evidence (numbers, expected and found).
    hint : str, optional
        What to do next.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, where: object = None, why: str | None = None, hint: str | None = None
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.why = why
        self.hint = hint
        super().__init__(what, self.where, why, hint)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.why:
            text += f" ({self.why})"
        return f"{text}. {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__))


def _rebuild(cls: type[MedshelfError], state: dict[str, object]) -> MedshelfError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    Exception.__init__(error, *(state.get(k) for k in ("what", "where", "why", "hint")))
    return error


class CatalogueError(MedshelfError):
    """A record of the catalogue is wrong; `problems` lists all that was found."""

    def __init__(self, what: str, *, problems: Sequence[str] = (), **kwargs: object) -> None:
        super().__init__(what, **kwargs)  # type: ignore[arg-type]
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n  ".join([super().__str__(), *self.problems])


class UnknownDataset(MedshelfError, KeyError):
    """No record has this id or alias."""

    exit_code = 5
    __str__ = MedshelfError.__str__


class UnknownTerm(MedshelfError, ValueError):
    """A word that the vocabulary does not hold."""

    exit_code = 2


class RecipeError(MedshelfError, ValueError):
    """A recipe asks for something that can't be; `problems` lists all that was found."""

    exit_code = 2

    def __init__(self, what: str, *, problems: Sequence[str] = (), **kwargs: object) -> None:
        super().__init__(what, **kwargs)  # type: ignore[arg-type]
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n  ".join([super().__str__(), *self.problems])


class MissingExtra(MedshelfError, ImportError):
    """An optional package is needed and absent; the hint names the extra to install."""

    exit_code = 2


class LayoutError(MedshelfError):
    """Files do not fit the layout that a record declares."""


class NotFound(MedshelfError, FileNotFoundError):
    """No such file, folder, archive member or case."""

    exit_code = 5
    __str__ = MedshelfError.__str__
    status: int | None = None
    """What a server answered, when it was one that was asked (HTTP status)."""


class AccessError(MedshelfError):
    """Something exists but can't be opened: permission, lock, or a broken archive."""

    exit_code = 3
    status: int | None = None
    """What a server answered, when it was one that refused (HTTP status)."""


class AccessNeeded(AccessError):
    """A person has to do something first; `steps` says what, in order, with addresses."""

    def __init__(self, what: str, *, steps: Sequence[str] = (), **kwargs: object) -> None:
        super().__init__(what, **kwargs)  # type: ignore[arg-type]
        self.steps = tuple(steps)

    def __str__(self) -> str:
        return "\n  ".join([super().__str__(), *(f"{n}. {step}" for n, step in enumerate(self.steps, 1))])


class Offline(AccessError):
    """The network is needed, and offline mode forbids it."""


class NotWhole(AccessError):
    """What came is cut, changed or something else than was promised; nothing of it was kept as if it were whole."""

    exit_code = 4


class DiskFull(AccessError):
    """There is no room for what is asked."""

    exit_code = 6


class FormatError(MedshelfError, ValueError):
    """Bytes that are not what their name or header says."""

    exit_code = 4


class Impostor(FormatError):
    """Something else was saved under the name of a file; `kind` says what: empty, web-page, stand-in."""

    def __init__(self, what: str, *, kind: str, **kwargs: object) -> None:
        super().__init__(what, **kwargs)  # type: ignore[arg-type]
        self.kind = kind


class Truncated(FormatError):
    """The file ends before its data does."""


class Unsupported(FormatError):
    """A valid file of a kind that no reader covers yet."""


class NotAVolume(FormatError):
    """DICOM slices that must not be stacked; `reason` is a short stable code."""

    def __init__(self, what: str, *, reason: str, **kwargs: object) -> None:
        super().__init__(what, **kwargs)  # type: ignore[arg-type]
        self.reason = reason


def need(module: str, extra: str) -> object:
    """Import `module`, or say which extra brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        The extra of medshelf that installs it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingExtra
        When the package is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"this needs the package '{module.partition('.')[0]}'",
            why=str(error),
            hint=f"Install it with: pip install 'medshelf[{extra}]'",
        ) from error
