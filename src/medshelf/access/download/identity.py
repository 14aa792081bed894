"""Which state of a file a host serves: so that bytes of two states are never joined."""

from __future__ import annotations

from dataclasses import dataclass

from medshelf.access.web import Answer


@dataclass(frozen=True, slots=True)
class Identity:
    """What a host says about the state of a file; None for what it does not say."""

    size_bytes: int | None = None
    etag: str | None = None
    modified: str | None = None

    @property
    def validator(self) -> str | None:
        """What If-Range may hold: a strong ETag, else the date (RFC 9110, 13.1.5: a weak one must not be used)."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.modified

    @property
    def is_known(self) -> bool:
        """Whether a change would show."""
        return bool(self.etag or self.modified)

    def differs_from(self, other: Identity) -> str | None:
        """Return what shows that the two are not the same state, or None; what one of them lacks shows nothing."""
        pairs = [("size", self.size_bytes, other.size_bytes), ("ETag", self.etag, other.etag)]
        if not (self.etag and other.etag):
            pairs.append(("Last-Modified", self.modified, other.modified))
        for what, ours, theirs in pairs:
            if ours is not None and theirs is not None and ours != theirs:
                return f"{what} was {ours}, is {theirs}"
        return None


def identity_of(answer: Answer) -> Identity:
    """Return what an answer of status 200 or 206 says."""
    span = answer.span if answer.status == 206 else None
    size = span[2] if span else answer.length if answer.status == 200 else None
    return Identity(size, answer.headers.get("etag") or None, answer.headers.get("last-modified") or None)
