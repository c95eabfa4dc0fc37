"""Fetch pictures through the guarded client, know them by their first bytes, keep them on disk up to a limit."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from federation.client import Check, Client
from federation.errors import FederationError, FetchFailed
from federation.origins import host_of
from node import slots

LARGEST = 8 * 1024 * 1024
"""Bytes of one picture."""
MOST_BYTES = 512 * 1024 * 1024
"""On disk in all; the least recently written go first."""
FAILED_FOR = 300.0
_MOST_FAILURES = 5_000
_SWEEP_EVERY = 50

TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})

log = logging.getLogger("courtyard.media")


class NotAPicture(Exception):
    """What the server sent is no picture of a kind that we show."""


class Unavailable(Exception):
    """It cannot be had, at least for now."""


def sniff(body: bytes) -> str | None:
    """Return the media type that a file's first bytes prove, or None. SVG is none of them: it is a document."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    if body[4:8] == b"ftyp" and body[8:12] in (b"avif", b"avis"):
        return "image/avif"
    return None


class Pictures:
    """The store of one process. Thread-safe; processes may share the folder."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES, held: slots.Slots | None = None) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._slots = held or slots.Slots(8)
        self._failed: OrderedDict[str, tuple[float, type[Exception]]] = OrderedDict()
        self._lock = threading.Lock()
        self._written = 0

    def get(self, url: str, client: Client, *, own_host: str, check: Check | None = None) -> tuple[bytes, str]:
        """Return the picture at `url` and its media type. Raises NotAPicture and Unavailable."""
        path = self._path(url)
        with suppress(OSError):
            body = path.read_bytes()
            media_type = sniff(body)
            if media_type is not None:
                return body, media_type
        self._check_failure(url)
        try:
            body, media_type = self._fetch(url, client, own_host, check)
        except (NotAPicture, Unavailable) as error:
            self._note_failure(url, type(error))
            raise
        self._keep(path, body)
        return body, media_type

    def _fetch(self, url: str, client: Client, own_host: str, check: Check | None) -> tuple[bytes, str]:
        try:
            if host_of(url) == own_host:
                raise NotAPicture("a picture of ours is not fetched through ourselves")
            try:
                with self._slots.hold(host_of(url)):
                    body = client.get_bytes(url, LARGEST, ("image/*",), check=check).body
            except slots.Busy as error:
                raise Busy from error
        except FetchFailed as error:
            raise (NotAPicture if error.reason == "media_type" else Unavailable) from error
        except FederationError as error:
            raise Unavailable from error
        media_type = sniff(body)
        if media_type is None:
            raise NotAPicture(url)
        return body, media_type

    def _path(self, url: str) -> Path:
        name = hashlib.sha256(url.encode()).hexdigest()
        return self._folder / name[:2] / name

    def _keep(self, path: Path, body: bytes) -> None:
        """Write it; a full disk or quota stops the keeping and nothing else (case D13)."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(body)
                os.replace(temporary, path)
            except OSError:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            log.warning("a picture could not be kept: %s", error.strerror)
            return
        with self._lock:
            self._written += 1
            is_due = self._written % _SWEEP_EVERY == 1
        if is_due:
            self.sweep()

    def sweep(self) -> None:
        """Remove the oldest pictures until nine tenths of the limit are left."""
        files = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self._most_bytes:
            return
        for _, size, path in sorted(files, key=lambda entry: entry[0]):
            with suppress(OSError):
                path.unlink()
                total -= size
            if total <= self._most_bytes * 9 // 10:
                break

    def _check_failure(self, url: str) -> None:
        with self._lock:
            entry = self._failed.get(url)
        if entry is not None and time.monotonic() - entry[0] < FAILED_FOR:
            raise entry[1]

    def _note_failure(self, url: str, kind: type[Exception]) -> None:
        if kind is Busy:
            return
        with self._lock:
            self._failed[url] = (time.monotonic(), kind)
            while len(self._failed) > _MOST_FAILURES:
                self._failed.popitem(last=False)


class Busy(Unavailable):
    """Too many pictures are being fetched right now."""
