"""Who a document says it is for: `to`, `cc` and `audience` as they stand on the wire.

Who may see something is computed elsewhere; this only reads and writes what is written. `bto` and `bcc` are never
read from a peer, and never sent to one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from federation.document import Document
from federation.origins import is_web_uri
from federation.vocabulary import PUBLIC, PUBLIC_NAMES

MAX_RECIPIENTS = 200  # in each of to, cc and audience; leaving some out only ever narrows


@dataclass(frozen=True)
class Addressing:
    """The recipients named by a document. The public collection is always spelled `PUBLIC`."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        """True when it is for everybody, and wants to be found (ActivityPub 5.6)."""
        return PUBLIC in self.to

    @property
    def is_unlisted(self) -> bool:
        """True when everybody may read it, but it is not for public timelines."""
        return PUBLIC in self.cc and PUBLIC not in self.to

    @cached_property
    def _everyone(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.to, *self.cc, *self.audience)))

    def everyone(self) -> tuple[str, ...]:
        """Return all that are named, `PUBLIC` too, each once."""
        return self._everyone

    def names(self, uri: str) -> bool:
        """Return True when `uri` (an actor, a collection, or PUBLIC) is one of the recipients."""
        return uri in self._everyone


def read(document: Document) -> Addressing:
    """Return the addressing of an activity or object. Never raises; what is not a URI is left out."""
    raw = document.raw
    return Addressing(to=_recipients(raw.get("to")), cc=_recipients(raw.get("cc")), audience=_recipients(raw.get("audience")))


def strip_private(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy without `bto` and `bcc`, also inside its `object` (ActivityPub 6: removed before delivery)."""
    stripped = {name: value for name, value in document.items() if name not in ("bto", "bcc")}
    if "object" in stripped:
        stripped["object"] = _strip(stripped["object"])
    return stripped


def _strip(value: Any) -> Any:
    if isinstance(value, Mapping):
        return strip_private(value)
    if isinstance(value, (list, tuple)):
        return [_strip(item) for item in value]
    return value


def _recipients(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    values: Iterable[Any] = value if isinstance(value, list) else (value,)
    found: dict[str, None] = {}
    for item in values:
        uri = item.get("id") if isinstance(item, dict) else item
        if isinstance(uri, str) and uri in PUBLIC_NAMES:
            found[PUBLIC] = None
        elif is_web_uri(uri):
            found[uri] = None
        if len(found) == MAX_RECIPIENTS:
            break
    return tuple(found)
