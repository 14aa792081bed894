"""A file on its way: its bytes, which of them are there, and what a later process must know to go on.

Up to `SMALL_BYTES` it lives in memory. Beyond, it lies beside its place as ``NAME.part``, with a note
``NAME.part.json`` that never holds an address with a signature. Bytes are on the disk before the note names them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from medshelf.access.download.identity import Identity
from medshelf.access.download.note import Note, note_of, read_note, write_note
from medshelf.access.download.owner import Owner
from medshelf.access.download.records import Source
from medshelf.access.download.room import told
from medshelf.access.download.spans import Spans
from medshelf.access.download.spool import Spool
from medshelf.errors import AccessError, DiskFull, MedshelfError

PART_ENDINGS = ("", ".json", ".json.new", ".owner")
"""What may follow ``NAME.part`` in the names of files that a part consists of."""
_ROOM_BYTES = 64 << 10
"""What a part gives up on a full disk, so that its note can be written."""
_WAKE_BYTES = 1 << 20
"""Who follows the bytes is woken each time so many more are there."""


class Part:
    """The bytes of one file until it is whole; several threads may write.

    Attributes
    ----------
    identity : Identity
        The state of the file at the host that the bytes belong to.
    best : int
        Most bytes that were ever there; more than that is progress.
    dropped : bool
        Whether the work ended before the part was whole: nobody needs to follow it any more.
    """

    def __init__(self, target: Path, source: Source, *, on_disk: Callable[[], None]) -> None:
        self.target = target
        self.source = source
        self.identity = Identity(source.file.size_bytes)
        self.best = 0
        self.ended = False
        self.dropped = False
        self._spans = Spans()
        self._epoch = 0
        self._place = f"{target}.part"
        self._spool = Spool(self._place, before=self._begin, after=on_disk)
        self._owner: Owner | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._saving = threading.Lock()

    # --- what is there ---------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """Where the bytes lie when they are on the disk."""
        return Path(self._place)

    @property
    def size(self) -> int | None:
        """How many bytes the whole has, None while nobody has said."""
        return self.identity.size_bytes

    @property
    def in_memory(self) -> bool:
        """Whether nothing of it is on the disk."""
        return self._spool.in_memory

    @property
    def there(self) -> int:
        """How many bytes have come."""
        with self._lock:
            return self._spans.total

    def gap(self, start: int, stop: int | None) -> tuple[int, int | None] | None:
        """Return the first missing span within [start, stop), None when there is none."""
        with self._lock:
            return self._spans.gap(start, stop)

    def gaps(self, stop: int, most: int | None = None, start: int = 0) -> list[tuple[int, int]]:
        """Return all that is missing within [start, stop), in pieces of `most` bytes at the most."""
        with self._lock:
            return self._spans.gaps(stop, most, start)

    def read(self, at: int, n_bytes: int) -> bytes:
        """Return bytes that are there."""
        return self._spool.read(at, n_bytes)

    def piece(self, at: int, most_bytes: int) -> bytes:
        """Return some of the bytes from a place on, as they are had at the least cost."""
        return self._spool.piece(at, most_bytes)

    def followed(self, at: int, epoch: int) -> tuple[int, int, bool]:
        """Wait until more than `at` bytes are there without a gap, or the part is restarted, or has ended.

        Returns
        -------
        (int, int, bool)
            Bytes without a gap, how often the part was restarted, whether no more will come.
        """
        with self._lock:
            while not (self.ended or self._epoch != epoch or self._spans.front >= at + _WAKE_BYTES):
                self._changed.wait()
            return self._spans.front, self._epoch, self.ended

    # --- change ----------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up what an earlier process left, where it is known to belong to this file.

        Raises
        ------
        AccessError
            That process still runs, or the part was not made by this program.
        """
        if not os.path.exists(self._place):
            return
        if not note_of(self.path).exists():
            raise AccessError(
                "a file that is not ours is in the way", where=self.path, hint="Move it away, then run again"
            )  # fmt: skip
        self._own()
        note = read_note(self.path)
        if note is None or not note.fits(self.source, self._size_on_disk()):
            self._spool.open()
            return
        self._spans = Spans(note.done)
        self.best = self._spans.total
        self.identity = note.identity_for(self.source)
        self._spool.open(fresh=False)

    def adopt(self, identity: Identity) -> None:
        """Complete what is known about the state of the file; the caller has compared the two."""
        mine = self.identity
        self.identity = Identity(
            mine.size_bytes if mine.size_bytes is not None else identity.size_bytes,
            mine.etag or identity.etag, mine.modified or identity.modified,
        )  # fmt: skip

    def write(self, at: int, data: bytes) -> None:
        """Put bytes where they belong.

        Raises
        ------
        DiskFull, AccessError
        """
        self._spool.write(at, data)
        with self._lock:
            before = self._spans.front
            self._spans.add(at, at + len(data))
            self.best = max(self.best, self._spans.total)
            if self._spans.front // _WAKE_BYTES != before // _WAKE_BYTES:
                self._changed.notify_all()

    def restart(self, identity: Identity | None = None) -> None:
        """Forget all bytes; the note says so first, and never speaks of bytes of another state."""
        with self._saving:
            if self._spool.is_open:
                self._note_nothing()
            self._spool.cut()
            with self._lock:
                self._spans = Spans()
                self._epoch += 1
                self._changed.notify_all()
        stated = self.source.file.size_bytes
        found = identity or Identity()
        self.identity = Identity(stated if stated is not None else found.size_bytes, found.etag, found.modified)

    def end(self, *, dropped: bool = False) -> None:
        """No more bytes will come; who follows them finishes, at once when the part is dropped."""
        with self._lock:
            self.ended = True
            self.dropped = self.dropped or dropped
            self._changed.notify_all()

    # --- on the disk -----------------------------------------------------------------------

    def save(self) -> None:
        """Bring the bytes to the disk, then note which are there.

        Raises
        ------
        DiskFull, AccessError
            Also when that failed once before: the system tells of bytes that it lost a single time (fsync(2)).
        """
        with self._saving:
            if not self._spool.is_open:
                return
            with self._lock:
                done, identity = tuple(self._spans), self.identity
            self._spool.sync()
            self._note(identity, done)

    def sync(self) -> None:
        """Bring the bytes to the disk, errors as in `save`; the note says nothing of them yet."""
        with self._saving:
            self._spool.sync()

    def publish(self) -> None:
        """Give the whole file its name.

        Raises
        ------
        DiskFull, AccessError
            As in `Spool.publish`.
        """
        self._spool.publish(self.target, self.size)
        if self._spool.is_open:
            note_of(self.path).unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what is on the disk."""
        if self._spool.is_open:
            self.path.unlink(missing_ok=True)
            note_of(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; whoever follows its bytes must have finished."""
        self._spool.close()
        if self._owner is not None:
            self._owner.release()

    def keep(self) -> None:
        """Note what is there, for a later process, whatever ended this one; nobody writes any more."""
        try:
            self.save()
        except DiskFull:  # the note needs room, too: the last bytes make it
            with suppress(MedshelfError, OSError):
                self._shorten()
                self.save()
        except MedshelfError:
            pass  # a note that can't be written loses progress alone: the next call fetches those bytes anew

    def _begin(self) -> None:
        """Own the part and say so, before its file is made: a part without a note is not ours."""
        if self._owner is None:
            self._own()
        self._note_nothing()

    def _own(self) -> None:
        self._owner = Owner(self.path.with_name(f"{self.path.name}.owner"))
        self._owner.take()

    def _shorten(self) -> None:
        stop = max(0, self._size_on_disk() - _ROOM_BYTES)
        self._spool.cut(stop)
        with self._lock:
            self._spans = self._spans.before(stop)

    def _note_nothing(self) -> None:
        self._note(Identity(), ())

    def _note(self, identity: Identity, done: Iterable[tuple[int, int]]) -> None:
        try:
            write_note(self.path, Note.made(self.source, identity, done))
        except OSError as error:
            raise told(error, self.path) from error

    def _size_on_disk(self) -> int:
        return os.stat(self._place).st_size
