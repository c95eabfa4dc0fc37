"""Collections: outbox, followers, following, featured, replies. Paged by key; each shows what its reader may see."""

from __future__ import annotations

from flask import Response, request

from federation.collections import ordered_collection, ordered_page, whole_collection
from federation.errors import Malformed
from node import activitystreams, uris
from node.activitypub import blueprint
from node.activitypub.disclosing import recorded
from node.activitypub.documents import answer, find_actor
from node.activitypub.problems import NotThere
from node.activitypub.readers import Reader, insist_open, insist_signed, read_reader
from node.database import db, row_id
from node.negotiation import PREFIX
from node.queries import published
from node.queries.audience import may_see
from node.runtime import current_node

PAGE = 20


@blueprint.get("/users/<name>/outbox")
def outbox(name: str) -> Response:
    """Show public posts, newest first. Totals count what is shown, and nothing else (L01)."""
    node = current_node()
    reader = _open_reader()
    actor = find_actor(name)
    session = db.session()
    base = uris.outbox_uri(actor.uri)
    if "page" not in request.args:
        total = published.count_public(session, actor.id, reader.viewer)
        return answer(ordered_collection(base, total, f"{base}?page=true"), is_public=not reader.is_signed)
    before = _key("before")
    found = published.public_of(session, actor.id, reader.viewer, older_than=before, limit=PAGE)
    shown = [(post, activitystreams.post_object(post, node.settings)) for post in found]
    items = [activitystreams.create_activity(post, document) for post, document in shown]
    this = f"{base}?page=true" + (f"&before={before}" if before else "")
    following = f"{base}?page=true&before={found[-1].id}" if len(found) == PAGE else None
    page = ordered_page(this, base, items, next=following)
    return answer(recorded(reader, page, shown), is_public=not reader.is_signed)


@blueprint.get(PREFIX + "/users/<name>/followers")
def followers(name: str) -> Response:
    """Say how many follow; who they are is told to nobody outside."""
    actor = find_actor(name)
    reader = _open_reader()
    return answer(ordered_collection(uris.followers_uri(actor.uri), actor.followers_count, None), is_public=not reader.is_signed)


@blueprint.get(PREFIX + "/users/<name>/following")
def following(name: str) -> Response:
    """Say how many are followed; who they are is told to nobody outside."""
    actor = find_actor(name)
    reader = _open_reader()
    return answer(ordered_collection(uris.following_uri(actor.uri), actor.following_count, None), is_public=not reader.is_signed)


@blueprint.get("/users/<name>/followers_synchronization")
def followers_of_reader(name: str) -> Response:
    """List the followers that live on the signer's own server (FEP-8fcf)."""
    actor = find_actor(name)
    reader = _open_reader()
    insist_signed(reader)
    found = published.followers_at(db.session(), actor.id, reader.viewer.host)
    return answer(whole_collection(f"{actor.uri}/followers_synchronization", found), is_public=False)


@blueprint.get("/users/<name>/collections/featured")
def featured(name: str) -> Response:
    """Show pinned posts that are public."""
    node = current_node()
    reader = _open_reader()
    actor = find_actor(name)
    pinned = published.pinned_public(db.session(), actor.id, reader.viewer)
    shown = [(post, activitystreams.post_object(post, node.settings)) for post in pinned]
    collection = whole_collection(uris.featured_uri(actor.uri), [document for _, document in shown], len(shown))
    return answer(recorded(reader, collection, shown), is_public=not reader.is_signed)


@blueprint.get(PREFIX + "/users/<name>/posts/<int:post_id>/replies")
def replies(name: str, post_id: int) -> Response:
    """List public replies to a post one may see, ours and others', by id."""
    node = current_node()
    reader = _open_reader()
    session = db.session()
    post = published.local_post(session, post_id)
    if post is None or post.author.username != name or not may_see(session, reader.viewer, post, reader.rules, node.now()):
        raise NotThere
    base = f"{post.uri}/replies"
    if "page" not in request.args:
        return answer(ordered_collection(base, None, f"{base}?page=true"), is_public=not reader.is_signed)
    after = _key("after")
    found: list[tuple[int, str]] = published.public_reply_uris(session, post.id, reader.viewer, newer_than=after, limit=PAGE)
    onward = f"{base}?page=true&after={found[-1][0]}" if len(found) == PAGE else None
    this = f"{base}?page=true" + (f"&after={after}" if after else "")
    return answer(ordered_page(this, base, [uri for _, uri in found], next=onward), is_public=not reader.is_signed)


def _open_reader() -> Reader:
    reader = read_reader()
    insist_open(reader.rules)
    return reader


def _key(name: str) -> int | None:
    """Return the page key of this name. Raises Malformed."""
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        return row_id(text)
    except ValueError as error:
        raise Malformed("a page key is a number", code="bad_page_key") from error
