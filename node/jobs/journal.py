"""What a worker has leased and what peers have taken, in a file that outlives the worker.

Results are recorded many to a transaction, which takes a moment. A worker killed in that moment would have its deliveries
sent again; so each 2xx is noted here first, by one write() of some microseconds. Whoever delivers next reads the notes
of the dead, records what was taken and frees what was not begun (promise G7). Nothing is synced to the disk: after a
power cut leases expire, and what was not recorded is sent once more, with the same id.

A line is `leased LANE LEASE_NO DELIVERY RULES_VERSION REASON...`, `begun DELIVERY` or `taken DELIVERY STATUS`. Its writer
holds a lock on the file, so a file that can be locked belongs to nobody.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from node.actions.tries import Claim, Lease
from node.database import is_passing

LARGEST = 1 << 17
"""Bytes after which a file is written anew with what is still open."""

log = logging.getLogger("courtyard.delivery")


class Journal:
    """The file of one process. Threads may share it. A disk that takes no more costs the protection, not the delivery."""

    def __init__(self, folder: Path) -> None:
        """Make a file in `folder`, which is made when it is missing."""
        self._path = folder / f"{_machine()}{os.getpid()}-{uuid.uuid4().hex[:8]}.journal"
        self._file: int | None = None
        self._open: dict[int, str] = {}
        self._size = 0
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            young = self._path.with_suffix(".new")  # it gets its name when it is locked: nobody takes it for an orphan
            self._file = os.open(young, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            young.rename(self._path)
        except OSError as error:
            _complain(error)

    def leased(self, claims: Iterable[Claim]) -> None:
        """Note what is leased, before any of it is sent."""
        with self._lock:
            lines = {
                one.delivery_id: f"leased {one.lane_id} {one.lease_no} {one.delivery_id} {one.rules_version} {one.reasons}\n"
                for one in claims
            }
            self._open.update(lines)
            self._write("".join(lines.values()))

    def begun(self, claim: Claim) -> None:
        """Note that it is about to be sent: from now on the peer may have read it."""
        self._add(claim, f"begun {claim.delivery_id}\n")

    def taken(self, claim: Claim, status: int) -> None:
        """Note that the peer has taken it, at once."""
        self._add(claim, f"taken {claim.delivery_id} {status}\n")

    def _add(self, claim: Claim, line: str) -> None:
        with self._lock:
            self._open[claim.delivery_id] = self._open.get(claim.delivery_id, "") + line
            self._write(line)

    def recorded(self, claims: Iterable[Claim]) -> None:
        """Forget what the database knows now."""
        with self._lock:
            for one in claims:
                self._open.pop(one.delivery_id, None)
            if self._size > LARGEST or (not self._open and self._size):
                self._begin_anew()

    def close(self) -> None:
        """Remove the file, unless something in it is still open."""
        with self._lock:
            if self._file is not None and not self._open:
                self._path.unlink(missing_ok=True)

    def _begin_anew(self) -> None:
        self._size = 0
        if self._file is not None:
            try:
                os.ftruncate(self._file, 0)
            except OSError as error:
                _complain(error)
        self._write("".join(self._open.values()))

    def _write(self, text: str) -> None:
        if self._file is not None:
            try:
                self._size += os.write(self._file, text.encode())
            except OSError as error:
                _complain(error)


def _complain(error: OSError) -> None:
    log.warning("the delivery journal cannot be written (%s): a crash now would repeat deliveries", error.strerror)


def _machine() -> str:
    """Return how this machine's files begin: a lock says nothing about a process on another one."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", os.uname().nodename) + "-"


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a dead worker left: leases by delivery, the status with which a peer took one, and which were begun."""

    leases: dict[int, Lease] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)

    def parts(self, most: int) -> Iterator[Orphan]:
        """Return the same in pieces of at most `most` deliveries, for one transaction each."""
        numbers = sorted(self.leases.keys() | self.taken.keys())
        for start in range(0, len(numbers), most):
            some = set(numbers[start : start + most])
            leases = {number: lease for number, lease in self.leases.items() if number in some}
            taken = {number: status for number, status in self.taken.items() if number in some}
            yield Orphan(leases, taken, self.begun & some)


@contextmanager
def orphans(folder: Path) -> Iterator[Orphan | None]:
    """Give what the dead of this machine left, in one; None when there is nothing.

    The files are removed when the block ends well. They stay when the database was away, for the next one to read; after
    any other error they are set aside as `.bad`, so that they stop nobody for ever: then leases expire.
    """
    held: list[tuple[int, Path]] = []
    try:
        for path in sorted(folder.glob(f"{_machine()}*.journal")):
            file = _locked(path)
            if file is not None:
                held.append((file, path))
        if not held:
            yield None
            return
        found = Orphan()
        for file, _ in held:
            _read(found, os.pread(file, 64 * LARGEST, 0).decode(errors="replace"))
        try:
            yield found
        except Exception as error:
            if not is_passing(error):
                for _, path in held:
                    path.rename(path.with_suffix(".bad"))
            raise
        for _, path in held:
            path.unlink(missing_ok=True)
    finally:
        for file, _ in held:
            os.close(file)


def _locked(path: Path) -> int | None:
    """Open and lock a file that nobody holds; None for all others."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:
            return file
    except OSError:
        pass
    os.close(file)
    return None


def _read(found: Orphan, text: str) -> None:
    for line in text[: text.rfind("\n") + 1].splitlines():  # a process may have been killed while it wrote the last
        match line.split():
            case ["leased", lane, number, delivery, rules, *reasons] if (lane + number + delivery + rules).isdecimal():
                lease = Lease(int(lane), int(number), int(delivery), int(rules), " ".join(reasons))
                before = found.leases.get(lease.delivery_id)
                if before is None or before.lease_no < lease.lease_no:
                    found.leases[lease.delivery_id] = lease
                    found.begun.discard(lease.delivery_id)  # an earlier try, which came to its end
            case ["begun", delivery] if delivery.isdecimal():
                found.begun.add(int(delivery))
            case ["taken", delivery, status] if (delivery + status).isdecimal():
                found.taken[int(delivery)] = int(status)
            case _:
                continue
