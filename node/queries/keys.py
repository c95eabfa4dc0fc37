"""Keys: others' to verify with, our own to sign with."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.signatures import SigningKey, VerifyKey
from node.models import Actor, ActorKey
from node.uris import node_actor_uri


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A peer's key as we keep it, with what the door must know of its owner."""

    key: VerifyKey
    actor_id: int
    host: str
    is_suspended: bool


def known(session: Session, key_id: str) -> KnownKey | None:
    """Return the remote key of this id. Keys of our own actors never verify an inbound request."""
    row = session.execute(
        select(ActorKey.algorithm, ActorKey.public_pem, Actor.id, Actor.uri, Actor.host, Actor.suspended_at, Actor.deleted_at)
        .join(Actor, Actor.id == ActorKey.actor_id)
        .where(ActorKey.key_id == key_id, Actor.host != "")
    ).first()
    if row is None:
        return None
    algorithm, pem, actor_id, uri, host, suspended_at, deleted_at = row
    return KnownKey(VerifyKey(key_id, uri, algorithm, pem), actor_id, host, suspended_at is not None or deleted_at is not None)


def signing(session: Session, actor_id: int) -> dict[str, SigningKey]:
    """Return our actor's signing keys by algorithm ('rsa', 'ed25519')."""
    rows = session.execute(
        select(ActorKey.key_id, ActorKey.algorithm, ActorKey.private_pem).where(
            ActorKey.actor_id == actor_id, ActorKey.private_pem.is_not(None)
        )
    )
    return {algorithm: SigningKey(key_id, algorithm, pem) for key_id, algorithm, pem in rows if pem}


def node_key(session: Session, origin: str) -> SigningKey | None:
    """Return the node actor's RSA key, with which this node signs what it fetches; None before the first start."""
    actor_id = session.scalar(select(Actor.id).where(Actor.uri == node_actor_uri(origin)))
    return None if actor_id is None else signing(session, actor_id).get("rsa")
