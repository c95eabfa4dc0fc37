"""Actors: anything with an inbox. Reads a peer's actor document, writes ours.

`read_actor` takes only what the actor's own origin vouches for (FEP-fe34): a document is an actor's when its id is the
URL it was fetched from, and its inbox, collections and keys are on that origin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from federation.document import BIO_LENGTH, MAX_ALIASES, MAX_FIELDS, NAME_LENGTH, Document, timestamp
from federation.errors import KeyNotOwned, Malformed, NotAuthorized
from federation.keys import KeyAlgorithm, algorithm_of, decode_multikey, encode_multikey, load_public, public_pem
from federation.origins import host_of, is_web_uri, same_document, same_origin
from federation.parts import Emoji, read_image, read_tags, write_tags
from federation.vocabulary import ACTOR_CONTEXT, ACTOR_TYPES

MAX_KEYS = 10
_MAX_PEM = 10_000  # characters
_MAX_USERNAME = 255
_NOT_IN_USERNAME = frozenset('@/\\?#:<>"&')


@dataclass(frozen=True)
class PublicKeyRecord:
    """A public key as an actor lists it: its id, the actor who owns it, and the key as PEM (SubjectPublicKeyInfo)."""

    key_id: str
    owner: str
    algorithm: KeyAlgorithm
    pem: str


@dataclass(frozen=True)
class RemoteActor:
    """A peer's actor. Every URL but `url`, `icon`, `image`, `also_known_as`, `moved_to` is on the origin of `id`."""

    id: str
    type: str
    preferred_username: str
    name: str | None
    summary: str | None
    inbox: str
    shared_inbox: str | None
    outbox: str | None
    followers: str | None
    following: str | None
    featured: str | None
    url: str | None
    icon: str | None
    image: str | None
    fields: tuple[tuple[str, str], ...]
    public_keys: tuple[PublicKeyRecord, ...]
    manually_approves_followers: bool
    discoverable: bool
    indexable: bool
    also_known_as: tuple[str, ...]
    moved_to: str | None
    published: datetime | None
    moderators: str | None
    webfinger: str | None
    emojis: tuple[Emoji, ...]
    raw: Document

    def key(self, key_id: str) -> PublicKeyRecord | None:
        """Return the key this actor lists under `key_id`, or None: then the key is not theirs."""
        return next((key for key in self.public_keys if key.key_id == key_id), None)


def read_actor(document: Document, fetched_from: str) -> RemoteActor:
    """Return the actor in a document that was read at `fetched_from` (the final URL, after redirects).

    Raises NotAuthorized when the id is not that URL, or inbox or outbox are on another origin; KeyNotOwned when a key
    says it belongs to another origin; Malformed when it is no actor, or has no id, no inbox, or an impossible name.
    Keys that do not parse or belong to another actor of the origin are left out.
    Source: FEP-fe34, FEP-521a, FEP-2c59, FEP-5feb, ActivityPub 4.1.
    """
    kind = next((name for name in document.types if name in ACTOR_TYPES), None)
    if kind is None:
        raise Malformed("not an actor", code="not_an_actor")
    actor_id = document.id
    if actor_id is None:
        raise Malformed("the actor has no id", code="no_id")
    if not same_document(actor_id, fetched_from):
        raise NotAuthorized("the actor's id is not the URL it was read from", code="id_differs_from_url")
    inbox = _own(document, "inbox", actor_id)
    if inbox is None:
        raise Malformed("the actor has no inbox", code="no_inbox")
    endpoints = document.document("endpoints")
    shared_inbox = endpoints.uri("sharedInbox") if endpoints else None
    return RemoteActor(
        id=actor_id,
        type=kind,
        preferred_username=_username(document, actor_id),
        name=document.text("name", NAME_LENGTH),
        summary=document.text("summary", BIO_LENGTH),
        inbox=inbox,
        shared_inbox=shared_inbox if shared_inbox and same_origin(shared_inbox, actor_id) else None,
        outbox=_own(document, "outbox", actor_id),
        followers=_own_or_none(document, "followers", actor_id),
        following=_own_or_none(document, "following", actor_id),
        featured=_own_or_none(document, "featured", actor_id),
        url=document.link("url"),
        icon=read_image(document, "icon"),
        image=read_image(document, "image"),
        fields=_fields(document),
        public_keys=_keys(document, actor_id),
        manually_approves_followers=document.flag("manuallyApprovesFollowers"),
        discoverable=document.flag("discoverable"),
        indexable=document.flag("indexable"),
        also_known_as=document.uris("alsoKnownAs", MAX_ALIASES),
        moved_to=document.uri("movedTo"),
        published=document.time("published"),
        moderators=_moderators(document, kind, actor_id),
        webfinger=document.text("webfinger", 512),
        emojis=read_tags(document).emojis,
        raw=document,
    )


def key_owner(document: Document, key_id: str) -> str | None:
    """Return the actor said to own `key_id` by the document found there: an actor, its stub, or a bare key.

    It is only a claim: the owner's own actor must be read at its id and list the key (`RemoteActor.key`).
    """
    if document.is_a(*ACTOR_TYPES):
        return document.id
    for key in (document, *document.documents("publicKey", MAX_KEYS)):
        if key.id == key_id:
            return key.uri("owner") or key.uri("controller")
    return None


def actor_document(
    *,
    id: str,
    type: str,
    preferred_username: str,
    inbox: str,
    outbox: str,
    public_keys: Sequence[PublicKeyRecord],
    name: str | None = None,
    summary: str | None = None,
    url: str | None = None,
    followers: str | None = None,
    following: str | None = None,
    featured: str | None = None,
    shared_inbox: str | None = None,
    icon: tuple[str, str] | None = None,
    image: tuple[str, str] | None = None,
    fields: Sequence[tuple[str, str]] = (),
    manually_approves_followers: bool = False,
    discoverable: bool = False,
    indexable: bool = False,
    published: datetime | None = None,
    updated: datetime | None = None,
    also_known_as: Sequence[str] = (),
    moved_to: str | None = None,
    webfinger: str | None = None,
    moderators: str | None = None,
    posting_restricted_to_mods: bool | None = None,
    emojis: Sequence[Emoji] = (),
) -> dict[str, Any]:
    """Return the document of one of our actors; what is None is left out.

    `summary` and field values are HTML. `icon` and `image` are (URL, media type). `webfinger` is `name@host`
    (FEP-2c59). The first RSA key is `publicKey`, all others are Multikeys in `assertionMethod` (FEP-521a).
    """
    written: dict[str, Any] = {
        "@context": ACTOR_CONTEXT,
        "id": id,
        "type": type,
        "preferredUsername": preferred_username,
        "name": name,
        "summary": summary,
        "url": url,
        "inbox": inbox,
        "outbox": outbox,
        "followers": followers,
        "following": following,
        "featured": featured,
        "endpoints": {"sharedInbox": shared_inbox} if shared_inbox else None,
        "icon": _image(icon),
        "image": _image(image),
        "published": timestamp(published) if published else None,
        "updated": timestamp(updated) if updated else None,
        "movedTo": moved_to,
        "webfinger": webfinger,
        "moderators": moderators,
        "attributedTo": moderators,  # FEP-1b12 as Lemmy and PieFed read it
        "postingRestrictedToMods": posting_restricted_to_mods,
    }
    written = {key: value for key, value in written.items() if value is not None}
    written["manuallyApprovesFollowers"] = manually_approves_followers
    written["discoverable"] = discoverable
    written["indexable"] = indexable
    if also_known_as:
        written["alsoKnownAs"] = list(also_known_as)
    if fields:
        written["attachment"] = [{"type": "PropertyValue", "name": key, "value": value} for key, value in fields]
    if emojis:
        written["tag"] = write_tags(emojis=emojis)
    return written | _write_keys(public_keys)


def _write_keys(keys: Sequence[PublicKeyRecord]) -> dict[str, Any]:
    main = next((key for key in keys if key.algorithm == KeyAlgorithm.RSA), None)
    written: dict[str, Any] = {}
    if main is not None:
        written["publicKey"] = {"id": main.key_id, "owner": main.owner, "publicKeyPem": main.pem}
    multikeys = [
        {
            "id": key.key_id,
            "type": "Multikey",
            "controller": key.owner,
            "publicKeyMultibase": encode_multikey(load_public(key.pem)),
        }
        for key in keys
        if key is not main
    ]
    if multikeys:
        written["assertionMethod"] = multikeys
    return written


def _image(picture: tuple[str, str] | None) -> Mapping[str, str] | None:
    return {"type": "Image", "url": picture[0], "mediaType": picture[1]} if picture else None


def _own(document: Document, name: str, actor_id: str) -> str | None:
    """Return the URI; one on another origin would send what is meant for the actor to somebody else."""
    uri = document.uri(name)
    if uri is not None and not same_origin(uri, actor_id):
        raise NotAuthorized(f"the actor's {name} is on another origin", code=f"{name}_of_another_origin")
    return uri


def _own_or_none(document: Document, name: str, actor_id: str) -> str | None:
    uri = document.uri(name)
    return uri if uri and same_origin(uri, actor_id) else None


def _username(document: Document, actor_id: str) -> str:
    """Return the name before the @. Actors of whole servers may have none: then it is their host, as at Mastodon."""
    name = document.text("preferredUsername", _MAX_USERNAME + 1)
    if not name:
        return host_of(actor_id).partition(":")[0]
    if not is_username(name):
        raise Malformed("the actor has an impossible name", code="bad_username")
    return name


def is_username(name: str) -> bool:
    """Return True when `name` can stand before the @ of a handle: printable, without space, @, /, :, < and the like."""
    return 0 < len(name) <= _MAX_USERNAME and name.isprintable() and " " not in name and not _NOT_IN_USERNAME.intersection(name)


def _moderators(document: Document, kind: str, actor_id: str) -> str | None:
    uri = document.uri("moderators") or (document.uri("attributedTo") if kind == "Group" else None)
    return uri if uri and same_origin(uri, actor_id) else None


def _fields(document: Document) -> tuple[tuple[str, str], ...]:
    pairs = ((part.text("name"), part.text("value")) for part in document.documents("attachment") if part.is_a("PropertyValue"))
    return tuple((name, value) for name, value in pairs if name is not None and value is not None)[:MAX_FIELDS]


def _keys(document: Document, actor_id: str) -> tuple[PublicKeyRecord, ...]:
    listed = (
        *((part, "owner") for part in document.documents("publicKey", MAX_KEYS)),
        *((part, "controller") for part in document.documents("assertionMethod", MAX_KEYS) if part.is_a("Multikey")),
    )
    keys: dict[str, PublicKeyRecord] = {}
    for part, owner_name in listed:
        key = _key(part, owner_name, actor_id)
        if key is not None:
            keys.setdefault(key.key_id, key)
    return tuple(keys.values())


def _key(part: Document, owner_name: str, actor_id: str) -> PublicKeyRecord | None:
    key_id = part.id
    if key_id is None:
        return None
    claimed = part.raw.get(owner_name)
    owner = actor_id if claimed is None else part.uri(owner_name)
    if not same_origin(key_id, actor_id) or not is_web_uri(owner) or not same_origin(owner or "", actor_id):
        raise KeyNotOwned("the key belongs to another origin", key_id=key_id, owner=owner or "")
    if owner != actor_id:
        return None
    try:
        if owner_name == "owner":
            key = load_public(part.text("publicKeyPem", _MAX_PEM) or "")
        else:
            key = decode_multikey(part.text("publicKeyMultibase", _MAX_PEM) or "")
    except Malformed:
        return None
    return PublicKeyRecord(key_id, actor_id, algorithm_of(key), public_pem(key))
