"""Actors, posts and activities at their own ids. What a reader may not see is answered exactly like what is not there."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from federation.vocabulary import MEDIA_TYPE
from node import activitystreams
from node.activitypub import blueprint
from node.activitypub.disclosing import recorded
from node.activitypub.problems import NotThere
from node.activitypub.readers import Reader, insist_open, read_reader
from node.database import db
from node.models import Activity, Actor, Post
from node.negotiation import PREFIX
from node.policy import Audience
from node.queries import published
from node.queries.audience import may_see
from node.runtime import current_node
from node.uris import node_actor_uri


def answer(document: dict[str, Any] | bytes, *, is_public: bool, status: int = 200) -> Response:
    """Return an ActivityStreams response. What is not for everybody is kept by no cache (L13)."""
    body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    response = Response(body, status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "public, max-age=60" if is_public else "private, no-store"
    response.headers["Vary"] = "Accept, Signature"
    return response


@blueprint.get("/actor")
def node_actor() -> Response:
    """Answer with the node's own actor, to anybody: two closed nodes must be able to meet (FEP-2677, FEP-d556)."""
    node = current_node()
    actor = published.actor_by_uri(db.session(), node_actor_uri(node.settings.origin))
    if actor is None:
        raise NotThere
    return answer(activitystreams.actor_document(db.session(), actor, node.settings), is_public=True)


@blueprint.get(PREFIX + "/users/<name>")
def actor_document(name: str) -> Response:
    """Answer with a member's actor: whole for those the gate lets in, without profile while the node is closed."""
    node = current_node()
    reader = read_reader()
    actor = find_actor(name)
    is_minimal = reader.rules.mode == "closed"
    document = activitystreams.actor_document(db.session(), actor, node.settings, is_minimal=is_minimal)
    return answer(document, is_public=not reader.is_signed)


@blueprint.get(PREFIX + "/users/<name>/posts/<int:post_id>")
def post_document(name: str, post_id: int) -> Response:
    """Answer with a post, or with its Tombstone to those who could have had it."""
    node = current_node()
    reader = read_reader()
    insist_open(reader.rules)
    session = db.session()
    post = published.local_post(session, post_id)
    if post is None or post.author.username != name:
        raise NotThere
    if post.deleted_at is not None:
        if Audience(post.audience) not in (Audience.PUBLIC, Audience.UNLISTED):
            raise NotThere
        return answer(activitystreams.post_object(post, node.settings), is_public=True, status=410)
    if not may_see(session, reader.viewer, post, reader.rules, node.now()):
        raise NotThere
    is_public = Audience(post.audience) in (Audience.PUBLIC, Audience.UNLISTED) and not reader.is_signed
    document = activitystreams.post_object(post, node.settings)
    return answer(recorded(reader, document, [(post, document)]), is_public=is_public)


@blueprint.get("/activities/<int:activity_id>")
def activity_document(activity_id: int) -> Response:
    """Answer with an activity about a post its reader may see; follows, likes and the like are nobody else's business."""
    node = current_node()
    reader = read_reader()
    insist_open(reader.rules)
    session = db.session()
    activity = session.get(Activity, activity_id)
    post = _post_of(activity, reader) if activity is not None else None
    if activity is None or post is None:
        raise NotThere
    is_public = activity.audience in (Audience.PUBLIC, Audience.UNLISTED) and not reader.is_signed
    document = _as_it_stands(activity, post, node.settings)
    shown = document["object"] if isinstance(document.get("object"), dict) else document
    return answer(recorded(reader, document, [(post, shown)], activity.uri), is_public=is_public)


def _post_of(activity: Activity, reader: Reader) -> Post | None:
    """Return the post the activity is about, if its reader may see it."""
    if activity.post_id is None or not activity.audience:
        return None
    session = db.session()
    post = published.local_post(session, activity.post_id)
    if post is None or post.deleted_at is not None:
        return None
    return post if may_see(session, reader.viewer, post, reader.rules, current_node().now()) else None


def _as_it_stands(activity: Activity, post: Post, settings: Any) -> dict[str, Any]:
    """Return the activity with its object as the post stands today: an edit or narrowing leaves no old words behind."""
    document: dict[str, Any] = json.loads(activity.document)
    if activity.kind in ("Create", "Update") and activity.object_uri == post.uri:
        current = activitystreams.post_object(post, settings)
        document["to"], document["cc"] = current.get("to", []), current.get("cc", [])
        document["object"] = {name: value for name, value in current.items() if name != "@context"}
    return document


def find_actor(name: str) -> Actor:
    """Return the local actor of this name. Raises NotThere."""
    actor = published.local_actor(db.session(), name)
    if actor is None or actor.deleted_at is not None or actor.suspended_at is not None:
        raise NotThere
    return actor
