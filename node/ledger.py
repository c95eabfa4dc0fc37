"""A line of the ledger as a value: its canonical form, its hash, and what the version of an object is. Pure.

The canonical form is RFC 8785 (JCS): one JSON object with the names that `document` gives, sorted, without white space. All names
are ASCII and all values strings, lists of strings or small integers, so `json.dumps` with sorted names writes exactly that,
and anybody can check an export with a few lines (docs/ledger.md). `hash` is the SHA-256 of the canonical form of all
other names, `previous` among them: that makes the chain. Rows live in `node.models.ledger`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from federation.canonical import canonical
from federation.errors import FederationError
from node.policy import Reason

GENESIS = bytes(32)
"""What the first line remembers as the hash before it."""


class Channel(StrEnum):
    """The way by which it left. Reads by somebody we cannot name are counted by the last four (`node.models.ReadCount`)."""

    DELIVERY = "delivery"
    GET = "get"
    EXPORT = "export"
    WEBHOOK = "webhook"
    MAIL = "mail"
    FEED = "feed"
    PAGE = "page"
    API = "api"
    PUBLIC = "public"
    """An unsigned GET of ActivityStreams JSON."""


class State(StrEnum):
    """What we know of the other side: `taken` 2xx, `refused` it read the bytes and answered something else, `unknown`."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """What left, to whom, by which rule. `reasons` are 'code:subject', `version` is 32 bytes, `size` bytes of the body.

    `kind` is the activity's type, 'Read' for a GET. `answer` is an HTTP status, 0 for none.
    """

    channel: str
    kind: str
    object_uri: str
    post_id: int | None
    version: bytes
    activity_uri: str
    host: str
    verdict: str
    reasons: str
    rules_version: int
    size: int
    answer: int
    state: str
    actor_uri: str = ""


_SPACE = re.compile(r"\s+")
_quoted = json.encoder.encode_basestring
"""A string as JSON, without escapes for what is not ASCII: as RFC 8785 has it."""


def instant(moment: datetime) -> str:
    """Return an aware time as it stands in the canonical form: UTC, always six decimals."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def document(number: int, time: str, row: Any, previous: bytes) -> dict[str, Any]:
    """Return a line as JSON has it, without its hash. `row` is a `Line` or a row of the table; `time` is an `instant`."""
    return {
        "activity": row.activity_uri,
        "actor": row.actor_uri,
        "answer": row.answer,
        "channel": row.channel,
        "host": row.host,
        "kind": row.kind,
        "number": number,
        "object": row.object_uri,
        "post": "" if row.post_id is None else str(row.post_id),
        "previous": previous.hex(),
        "reasons": row.reasons.split(" ") if row.reasons else [],
        "rules": row.rules_version,
        "size": row.size,
        "state": row.state,
        "time": time,
        "verdict": row.verdict,
        "version": row.version.hex(),
    }


def hash_of(
    number: int,
    time: str,
    channel: str,
    kind: str,
    object_uri: str,
    post_id: int | None,
    version: bytes,
    activity_uri: str,
    host: str,
    actor_uri: str,
    verdict: str,
    reasons: str,
    rules_version: int,
    size: int,
    answer: int,
    state: str,
    previous: bytes,
) -> bytes:
    """Return the hash of a line, given in the order of the table's columns: SHA-256 of `document` in canonical form.

    Written out, because every delivery and every line of a check comes by here: a fifth of the time of a dict that is sorted.
    Raises TypeError, ValueError (UnicodeError) or AttributeError for what no line can hold.
    """
    rules = ",".join(map(_quoted, reasons.split(" "))) if reasons else ""
    post = "" if post_id is None else f"{post_id:d}"
    text = (
        f'{{"activity":{_quoted(activity_uri)},"actor":{_quoted(actor_uri)},"answer":{answer:d},"channel":{_quoted(channel)},'
        f'"host":{_quoted(host)},"kind":{_quoted(kind)},"number":{number:d},"object":{_quoted(object_uri)},"post":"{post}",'
        f'"previous":"{previous.hex()}","reasons":[{rules}],"rules":{rules_version:d},"size":{size:d},"state":{_quoted(state)},'
        f'"time":"{time}","verdict":{_quoted(verdict)},"version":"{version.hex()}"}}'
    )
    return sha256(text.encode()).digest()


def version_of(content: bytes | Mapping[str, Any]) -> bytes:
    """Return the hash of what left: of the object in an activity that carries one whole, else of the document itself.

    SHA-256 of the canonical form without `@context`: a delivery and a GET of the same state of a post have the same
    version. What has no canonical form (another's activity, passed on unchanged) is hashed as it is.
    """
    try:
        whole = json.loads(content) if isinstance(content, bytes) else content
        inner = whole.get("object")
        part = inner if isinstance(inner, Mapping) and whole.get("type") in ("Create", "Update") else whole
        return sha256(canonical({name: value for name, value in part.items() if name != "@context"})).digest()
    except (ValueError, AttributeError, FederationError, RecursionError):
        return sha256(content if isinstance(content, bytes) else repr(content).encode()).digest()


def rule_names(reasons: Iterable[Reason]) -> str:
    """Return reasons of the gate as the ledger keeps them: 'code:subject', with spaces between."""
    return " ".join(f"{reason.code}:{_SPACE.sub('_', reason.subject)}" if reason.subject else reason.code for reason in reasons)


def read_rule_names(text: str) -> list[dict[str, str]]:
    """Return what `rule_names` wrote as {'code', 'subject'}, as `node.policy.words.sentence` takes them."""
    parts = (name.partition(":") for name in text.split())
    return [{"code": code, "subject": subject} for code, _, subject in parts]
