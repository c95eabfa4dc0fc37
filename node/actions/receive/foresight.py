"""What a batch of activities will ask the database for, asked at once. Changes no outcome, only the number of statements."""

from __future__ import annotations

from collections.abc import Iterable

from federation.activities import Activity
from federation.vocabulary import PUBLIC
from node.actions.remote import Known

_FEW = 20
"""Addressees of one post looked up ahead; a post with more is no reason to make everybody wait."""


def look_ahead(known: Known, activities: Iterable[Activity], author_ids: Iterable[int]) -> None:
    """Read what the Creates among `activities` touch. `author_ids` are the senders' actor ids."""
    posts: list[str] = []
    new_posts: list[str] = []
    actors: list[str] = []
    for activity in activities:
        made = activity.object
        if activity.type != "Create" or made is None or made.id is None:
            continue
        new_posts.append(made.id)
        parent = made.uri("inReplyTo")
        if parent is not None:
            posts.append(parent)
        for tag in made.documents("tag", _FEW):
            href = tag.uri("href") if tag.is_a("Mention") else None
            if href is not None:
                actors.append(href)
        named = made.uris("to", _FEW) + made.uris("cc", _FEW)
        if PUBLIC not in named:
            actors.extend(named)
    if new_posts:
        known.look_up(posts=posts, actors=actors, new_posts=new_posts)
        authors = list(author_ids)
        known.look_up_followers(authors)
        if actors or posts:
            known.look_up_blockers(authors)
