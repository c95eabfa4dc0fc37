"""Activities: what happened. Reads what a peer sends, and writes ours, one function for each verb.

Reading checks shape only. That the actor signed is `signatures`' business; that an actor speaks of its own things is
checked with `require_own`; what an activity does is the node's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from federation import addressing as addressings
from federation.addressing import Addressing
from federation.document import Document, timestamp
from federation.errors import Malformed, NotAuthorized
from federation.origins import same_origin
from federation.vocabulary import ACTIVITY_TYPES, ACTOR_TYPES, AS2

Target = str | Mapping[str, Any]


@dataclass(frozen=True)
class Activity:
    """A peer's activity. `object` is there when it came embedded; `object_uri` in both cases, if it has an id."""

    id: str | None
    type: str
    actor: str
    object_uri: str | None
    object: Document | None
    target: str | None
    addressing: Addressing
    published: datetime | None
    raw: Document

    @property
    def is_known(self) -> bool:
        """True when the type is one the vocabulary has; anything else is kept raw and ignored (abuse case P10)."""
        return self.type in ACTIVITY_TYPES

    @property
    def claimed_ids(self) -> tuple[str, ...]:
        """The ids this activity makes up: its own, and that of what it creates or updates (abuse case A23).

        None of them may be in our own namespace when a peer sends it.
        """
        made = self.object_uri if self.type in ("Create", "Update") else None
        return tuple(uri for uri in (self.id, made) if uri is not None)


def read_activity(document: Document) -> Activity:
    """Return the activity in a document. Raises Malformed when it has no type or no actor.

    A document with several types is of the first that the vocabulary knows; of several actors the first is taken.
    """
    types = document.types
    if not types:
        raise Malformed("the activity has no type", code="no_type")
    actor = document.uri("actor")
    if actor is None:
        raise Malformed("the activity has no actor", code="no_actor")
    return Activity(
        id=document.id,
        type=next((name for name in types if name in ACTIVITY_TYPES), types[0]),
        actor=actor,
        object_uri=document.uri("object"),
        object=document.document("object"),
        target=document.uri("target"),
        addressing=addressings.read(document),
        published=document.time("published"),
        raw=document,
    )


def require_own(activity: Activity) -> None:
    """Raise NotAuthorized when an actor speaks for somebody else (FEP-fe34, abuse cases A01-A06).

    The activity's id is on its actor's origin. What it creates, updates or deletes is so, too: a created or updated
    post is attributed to the actor, an updated or deleted actor is the actor itself. Whether an object already known
    belongs to the actor only the node can say.
    """
    if activity.id is not None and not same_origin(activity.id, activity.actor):
        raise NotAuthorized("the activity's id is on another origin than its actor", code="id_of_another_origin")
    if activity.type not in ("Create", "Update", "Delete") or activity.object_uri is None:
        return
    if not same_origin(activity.object_uri, activity.actor):
        raise NotAuthorized("the object's id is on another origin than its actor", code="object_of_another_origin")
    embedded = activity.object
    if embedded is None:
        return
    if embedded.is_a(*ACTOR_TYPES):
        if activity.object_uri != activity.actor:
            raise NotAuthorized("an actor document belongs to that actor alone", code="another_actor")
    elif "attributedTo" in embedded.raw and embedded.uri("attributedTo") != activity.actor:
        raise NotAuthorized("the object is attributed to another actor", code="attributed_to_another")


def write(
    type: str,
    *,
    id: str,
    actor: str,
    object: Target | Sequence[Target] | None = None,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    target: str | None = None,
    content: str | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """Return an activity document. An embedded object's `@context` becomes the activity's; empty members are left out."""
    context: Any = AS2
    if isinstance(object, Mapping):
        context = object.get("@context", AS2)
        object = {name: value for name, value in object.items() if name != "@context"}
    written: dict[str, Any] = {"@context": context, "id": id, "type": type, "actor": actor}
    if published is not None:
        written["published"] = timestamp(published)
    if to:
        written["to"] = list(to)
    if cc:
        written["cc"] = list(cc)
    if audience is not None:
        written["audience"] = audience
    if content is not None:
        written["content"] = content
    if object is not None:
        written["object"] = object if isinstance(object, (str, dict)) else list(object)
    if target is not None:
        written["target"] = target
    return written


def create(
    *,
    id: str,
    actor: str,
    object: Mapping[str, Any],
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """Something new: the whole object embedded."""
    return write("Create", id=id, actor=actor, object=object, to=to, cc=cc, published=published, audience=audience)


def update(
    *,
    id: str,
    actor: str,
    object: Mapping[str, Any],
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """A new state of an object or actor: the whole of it embedded (ActivityPub 6.3)."""
    return write("Update", id=id, actor=actor, object=object, to=to, cc=cc, published=published, audience=audience)


def delete(
    *,
    id: str,
    actor: str,
    object: Target,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """The end of an object (its tombstone or id) or of an actor (its id)."""
    return write("Delete", id=id, actor=actor, object=object, to=to, cc=cc, published=published, audience=audience)


def follow(
    *,
    id: str,
    actor: str,
    object: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """A wish to follow the actor `object`; addressed to it when nothing else is said."""
    return write("Follow", id=id, actor=actor, object=object, to=to or (object,), cc=cc, published=published)


def accept(
    *,
    id: str,
    actor: str,
    object: Target,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """Yes to `object`, the Follow (or other wish), best embedded."""
    return write("Accept", id=id, actor=actor, object=object, to=to, cc=cc, published=published)


def reject(
    *,
    id: str,
    actor: str,
    object: Target,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """No to `object`, the Follow (or other wish); also withdraws an earlier yes."""
    return write("Reject", id=id, actor=actor, object=object, to=to, cc=cc, published=published)


def undo(
    *,
    id: str,
    actor: str,
    object: Target,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """Takes back the actor's own activity `object`, best embedded."""
    return write("Undo", id=id, actor=actor, object=object, to=to, cc=cc, published=published)


def like(
    *,
    id: str,
    actor: str,
    object: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    content: str | None = None,
) -> dict[str, Any]:
    """A like of `object`; with `content` an emoji reaction that others read as a like (FEP-c0e0)."""
    return write("Like", id=id, actor=actor, object=object, to=to, cc=cc, published=published, content=content)


def announce(
    *,
    id: str,
    actor: str,
    object: Target,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """A boost of the object named, or a Group passing on an activity (FEP-1b12)."""
    return write("Announce", id=id, actor=actor, object=object, to=to, cc=cc, published=published, audience=audience)


def block(
    *,
    id: str,
    actor: str,
    object: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """A block of the actor `object`; ActivityPub 6.9 wants it not to be delivered to it."""
    return write("Block", id=id, actor=actor, object=object, to=to, cc=cc, published=published)


def flag(
    *,
    id: str,
    actor: str,
    object: Sequence[str],
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
    content: str | None = None,
) -> dict[str, Any]:
    """A report. `object` is the actor reported and then its posts; `content` is what the reporter wrote, as text."""
    uris = [object] if isinstance(object, str) else list(object)
    return write("Flag", id=id, actor=actor, object=uris, to=to, cc=cc, published=published, content=content)


def add(
    *,
    id: str,
    actor: str,
    object: Target,
    target: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """`object` goes into the actor's collection `target`, such as `featured`."""
    return write("Add", id=id, actor=actor, object=object, target=target, to=to, cc=cc, published=published)


def remove(
    *,
    id: str,
    actor: str,
    object: Target,
    target: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """`object` leaves the actor's collection `target`."""
    return write("Remove", id=id, actor=actor, object=object, target=target, to=to, cc=cc, published=published)


def move(
    *,
    id: str,
    actor: str,
    object: str,
    target: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    published: datetime | None = None,
) -> dict[str, Any]:
    """The actor `object` (itself) has moved to the actor `target`, which lists it in alsoKnownAs (FEP-7628)."""
    return write("Move", id=id, actor=actor, object=object, target=target, to=to, cc=cc, published=published)
