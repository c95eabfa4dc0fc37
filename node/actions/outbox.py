"""Say something, change it, take it back. The post, its activity and its deliveries are one transaction (rule 2).

What a post looks like on the wire is `node.activitystreams`; who gets it is `node.queries.audience`; how it is queued is
`node.actions.sending`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from federation import activities, objects
from node import activitystreams, uris
from node.actions import content_rules, feeds, polls, withdrawing
from node.actions.drafts import Draft, PollDraft, check_parent, check_poll, check_space, check_words, named_in
from node.actions.sending import cancel_waiting, former_recipients, send
from node.actions.texts import Text, read_text
from node.config import Settings
from node.database import new_id
from node.errors import N_, NotAllowed, NotThere
from node.models import (
    Activity,
    Actor,
    Attachment,
    Bookmark,
    Boost,
    Follow,
    Hashtag,
    Like,
    Mention,
    Pin,
    PollOption,
    PollVote,
    Post,
    PostVersion,
    Tombstone,
)  # fmt: skip
from node.policy import Audience, Rules, leaves
from node.policy.audiences import is_open
from node.queries import audience as audiences
from node.queries.audience import Recipient, viewer_member
from node.queries.scopes import speaker


def publish(session: Session, author: Actor, draft: Draft, *, settings: Settings, rules: Rules, now: datetime) -> Post:
    """Publish a draft and return the post, with author, mentions, hashtags and options loaded.

    Raises Invalid (text, poll), NotAllowed (a reply wider than what it answers, a space one is not in), NotThere (a
    post one may not see). A draft whose idempotency key was used before returns the post made then.
    """
    made_before = _made_before(session, author, draft.idempotency_key)
    if made_before is not None:
        return made_before
    text = read_text(session, draft.text, author, settings, is_empty_allowed=draft.poll is not None)
    check_words(text.source, draft.title, draft.summary, is_poll=draft.poll is not None)
    check_poll(draft.poll)
    parent = draft.in_reply_to
    if parent is not None:
        check_parent(session, author, draft, parent, rules, now)
    check_space(session, author, draft)
    named = named_in(session, author, draft, text)
    post = _insert(session, author, draft, text, named, settings, now)
    polls.want_closed(session, post.uri, post.poll, now)
    _count(session, author, parent, now)
    feeds.spread(session, post)
    _notify(session, post, parent, named, now)
    if leaves(draft.audience):
        content_rules.ask(session, post, rules)
        recipients = audiences.recipients(session, author.id, draft.audience, [actor.id for actor in named])
        _announce(session, "Create", post, recipients, settings, rules, now)
    return post


def edit(
    session: Session,
    post: Post,
    *,
    by: Actor,
    text: str,
    title: str | None = None,
    summary: str | None = None,
    is_sensitive: bool | None = None,
    language: str | None = None,
    settings: Settings,
    rules: Rules,
    now: datetime,
) -> Post:
    """Change a post of one's own; the former version is kept. The audience stays: newly named people get no more
    than it gives them. Raises Invalid, NotAllowed."""
    _check_own(post, by)
    read = read_text(session, text, by, settings, is_empty_allowed=post.poll is not None)
    said = post.title if title is None else title, post.summary if summary is None else summary
    check_words(read.source, *said, is_poll=post.poll is not None)
    now_is = (post.source, post.title, post.summary, post.is_sensitive, post.language)
    shall_be = (
        read.source,
        *(words.strip() for words in said),
        post.is_sensitive if is_sensitive is None else is_sensitive,
        language or post.language,
    )
    if now_is == shall_be:
        return post
    written_at = post.edited_at or post.published_at
    session.add(
        PostVersion(
            id=new_id(now), post_id=post.id, title=post.title, source=post.source, content_html=post.content_html,
            summary=post.summary, created_at=written_at,
        )
    )  # fmt: skip
    post.content_html, post.edited_at = read.html, now
    post.source, post.title, post.summary, post.is_sensitive, post.language = shall_be
    named = _edited_names(session, post, read)
    _replace_tags(session, post, read.hashtags)
    post.addressed = activitystreams.addressed(
        Audience(post.audience), by.followers_uri or "", [actor.uri for actor in named]
    ).as_json()
    session.flush()
    post = _reloaded(session, post)
    if leaves(Audience(post.audience)):
        content_rules.ask(session, post, rules)
        reached = audiences.recipients(session, by.id, Audience(post.audience), [actor.id for actor in named])
        _announce_change(session, post, reached, settings, rules, now)
    return post


def delete(session: Session, post: Post, *, by: Actor | None, settings: Settings, rules: Rules, now: datetime) -> None:
    """Take a post back: its words are erased, a tombstone stays, and every inbox it was meant for is told.

    `by` is the author, or None when a moderator removes it (the caller has checked the role). Raises NotAllowed.
    """
    if post.deleted_at is not None:
        return
    if by is not None:
        _check_own(post, by)
    reached: list[Recipient] = []
    if post.is_local and leaves(Audience(post.audience)):
        audience = Audience(post.audience)
        would_get_it = audiences.recipients(session, post.author_id, audience, [row.actor_id for row in post.mentions])
        # Who never got it is not told that there was something: the gate is asked as for the post itself.
        who = speaker(session, post.author_id, post.id, rules)
        told = [
            one for one in would_get_it if audiences.send_decision(one.host, "Create", audience, rules, now, speaker=who).is_yes
        ]
        reached = _and_former(session, post, told)
    erase(session, post, now)
    if post.is_local:
        cancel_waiting(session, post.uri, now)
        to, cc = tuple(post.addressed.get("to", ())), tuple(post.addressed.get("cc", ()))
        _send_delete(session, post, reached, settings, rules, now, to=to, cc=cc)


def erase(session: Session, post: Post, now: datetime) -> None:
    """Make a tombstone of a post, ours or another's: nothing of its words stays."""
    post.deleted_at = now
    post.source, post.content_raw, post.content_html, post.title, post.summary = None, None, "", "", ""
    post.poll, post.event = None, None
    for table in (PostVersion, Mention, Hashtag, PollVote, PollOption, Pin, Like, Boost, Bookmark, Attachment):
        session.execute(sql_delete(table).where(table.post_id == post.id))
    _forget_words(session, post, now)
    feeds.withdraw(session, post.id)
    if post.in_reply_to_id is not None:
        fewer = update(Post).where(Post.id == post.in_reply_to_id, Post.replies_count > 0)
        session.execute(fewer.values(replies_count=Post.replies_count - 1))
    session.execute(
        update(Actor).where(Actor.id == post.author_id, Actor.posts_count > 0).values(posts_count=Actor.posts_count - 1)
    )
    feeds.insert_ignoring(session, Tombstone, [{"uri": post.uri, "host": "", "former_type": post.kind, "deleted_at": now}])
    session.flush()


def _forget_words(session: Session, post: Post, now: datetime) -> None:
    """Leave a tombstone where activities carried the words. Requests under way have their own copy."""
    said = update(Activity).where(Activity.post_id == post.id, Activity.kind.in_(("Create", "Update")))
    document = json.dumps(objects.tombstone(post.uri, now), separators=(",", ":")).encode()
    session.execute(said.values(document=document), execution_options={"synchronize_session": False})


def _made_before(session: Session, author: Actor, key: str | None) -> Post | None:
    if not key:
        return None
    post = session.scalar(
        select(Post).where(Post.idempotency_key == _key(author, key)).options(*activitystreams.for_serialising())
    )
    return post


def _key(author: Actor, key: str) -> str:
    return f"{author.id}:{key}"[:128]


def _insert(
    session: Session, author: Actor, draft: Draft, text: Text, named: list[Actor], settings: Settings, now: datetime
) -> Post:
    post_id = new_id(now)
    uri = uris.post_uri(settings.origin, author.username, post_id)
    parent = draft.in_reply_to
    post = Post(
        id=post_id,
        uri=uri,
        url=uri,
        author_id=author.id,
        is_local=True,
        kind="Question" if draft.poll else "Article" if draft.title.strip() else "Note",
        audience=draft.audience,
        space_id=draft.space_id if draft.audience is Audience.SPACE else None,
        in_reply_to_uri=parent.uri if parent else None,
        in_reply_to_id=parent.id if parent else None,
        thread_id=parent.thread_id if parent else post_id,
        title=draft.title.strip(),
        source=text.source,
        content_html=text.html,
        summary=draft.summary.strip(),
        is_sensitive=draft.is_sensitive or bool(draft.summary.strip()),
        language=draft.language,
        published_at=now,
        received_at=now,
        likes_count=0,
        boosts_count=0,
        replies_count=0,
        addressed=activitystreams.addressed(draft.audience, author.followers_uri or "", [actor.uri for actor in named]).as_json(),
        poll=_poll_details(draft.poll, now),
        idempotency_key=_key(author, draft.idempotency_key) if draft.idempotency_key else None,
    )
    session.add(post)
    session.flush()
    session.add_all(Mention(id=new_id(now), post_id=post_id, actor_id=actor.id) for actor in named)
    session.add_all(Hashtag(id=new_id(now), post_id=post_id, name=name) for name in text.hashtags)
    if draft.poll:
        names = [option.strip() for option in draft.poll.options if option.strip()]
        session.add_all(
            PollOption(id=new_id(now), post_id=post_id, position=at, name=name, votes_count=0) for at, name in enumerate(names)
        )
    session.flush()
    return _reloaded(session, post)


def _poll_details(poll: PollDraft | None, now: datetime) -> dict[str, Any] | None:
    if poll is None:
        return None
    closes_at = (now + poll.lasts).isoformat() if poll.lasts else None
    return {"multiple": poll.is_multiple, "closes_at": closes_at, "closed": False, "voters": 0}


def _reloaded(session: Session, post: Post) -> Post:
    found = session.scalar(
        select(Post).where(Post.id == post.id).options(*activitystreams.for_serialising()),
        execution_options={"populate_existing": True},
    )
    if found is None:
        raise RuntimeError(f"post {post.id} vanished inside its own transaction")
    return found


def _count(session: Session, author: Actor, parent: Post | None, now: datetime) -> None:
    more = update(Actor).where(Actor.id == author.id)
    session.execute(more.values(posts_count=Actor.posts_count + 1, last_post_at=now))
    if parent is not None:
        session.execute(update(Post).where(Post.id == parent.id).values(replies_count=Post.replies_count + 1))


def _notify(session: Session, post: Post, parent: Post | None, named: list[Actor], now: datetime) -> None:
    """Tell those who are named, and the author of what is answered, if they may see it."""
    for actor in named:
        if not actor.is_local:
            continue
        seen = session.scalar(select(Post.id).where(Post.id == post.id, audiences.visible(viewer_member(actor.id))))
        if seen is not None:
            kind = "reply" if parent is not None and parent.author_id == actor.id else "mention"
            feeds.notify(session, actor.id, kind, from_actor_id=post.author_id, post_id=post.id, now=now)


def _announce(
    session: Session, kind: str, post: Post, recipients: Collection[Recipient], settings: Settings, rules: Rules, now: datetime
) -> Activity:
    """Wrap the post's document in a Create or Update and queue it."""
    document = activitystreams.post_object(post, settings)
    writer = activities.create if kind == "Create" else activities.update
    audience = Audience(post.audience)
    return send(
        session,
        post.author,
        kind,
        lambda uri: writer(
            id=uri, actor=post.author.uri, object=document, to=document.get("to", ()), cc=document.get("cc", ()), published=now
        ),
        recipients,
        audience=audience,
        object_uri=post.uri,
        post_id=post.id,
        is_personal=audience is Audience.DIRECT,
        settings=settings,
        rules=rules,
        now=now,
    )


def _announce_change(
    session: Session, post: Post, reached: list[Recipient], settings: Settings, rules: Rules, now: datetime
) -> None:
    """Send an edited post to those it is for now; what is open to anybody also where an earlier version went.

    Where it went and is for nobody any more (L05, L16), the old words are taken back; who else it names is not told.
    """
    if is_open(Audience(post.audience)):
        _announce(session, "Update", post, _and_former(session, post, reached), settings, rules, now)
        return
    fallen_out = withdrawing.fallen_out(session, post, reached, now)
    _announce(session, "Update", post, reached, settings, rules, now)
    _send_delete(session, post, fallen_out, settings, rules, now)


def _send_delete(
    session: Session, post: Post, recipients: list[Recipient], settings: Settings, rules: Rules, now: datetime,
    to: tuple[str, ...] = (), cc: tuple[str, ...] = (),
) -> None:  # fmt: skip
    if not recipients:
        return
    author = session.get_one(Actor, post.author_id)
    send(
        session,
        author,
        "Delete",
        lambda uri: activities.delete(
            id=uri, actor=author.uri, object=objects.tombstone(post.uri, now), to=to, cc=cc, published=now
        ),
        recipients,
        audience=None,
        object_uri=post.uri,
        post_id=post.id,
        settings=settings,
        rules=rules,
        now=now,
    )


def _and_former(session: Session, post: Post, reached: list[Recipient]) -> list[Recipient]:
    """Return `reached` and every inbox that had an earlier version, each once (who unfollowed still gets the change)."""
    inboxes = {recipient.inbox for recipient in reached} | {recipient.shared_inbox for recipient in reached}
    return [*reached, *(recipient for recipient in former_recipients(session, post.id) if recipient.inbox not in inboxes)]


def _edited_names(session: Session, post: Post, text: Text) -> list[Actor]:
    """Return whom the post names after an edit. For `direct` and `followers` nobody is added: that would widen it."""
    before = {row.actor_id: row.actor for row in session.scalars(
        select(Mention).where(Mention.post_id == post.id).options(joinedload(Mention.actor))
    )}  # fmt: skip
    after = dict(before)
    for actor in text.mentions:
        if actor.id in before or actor.id == post.author_id:
            continue
        if Audience(post.audience) is Audience.DIRECT or _would_widen(session, post, actor):
            continue
        after[actor.id] = actor
        session.add(Mention(id=new_id(post.edited_at or post.published_at), post_id=post.id, actor_id=actor.id))
    return list(after.values())


def _would_widen(session: Session, post: Post, actor: Actor) -> bool:
    if Audience(post.audience) is not Audience.FOLLOWERS:
        return False
    follow = select(Follow.id).where(
        Follow.follower_id == actor.id, Follow.target_id == post.author_id, Follow.state == "accepted"
    )
    return session.scalar(follow) is None


def _replace_tags(session: Session, post: Post, names: Collection[str]) -> None:
    session.execute(sql_delete(Hashtag).where(Hashtag.post_id == post.id))
    session.add_all(Hashtag(id=new_id(post.edited_at or post.published_at), post_id=post.id, name=name) for name in names)


def _check_own(post: Post, by: Actor) -> None:
    if post.author_id != by.id or not post.is_local:
        raise NotAllowed("not_yours", N_("Only the author can change or delete a post."))
    if post.deleted_at is not None:
        raise NotThere("deleted", N_("This post has been deleted."))
