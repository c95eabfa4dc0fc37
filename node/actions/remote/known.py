"""What one transaction already knows about URIs, and what it is about to write: the reason a batch is cheap.

Reads are bulk look-ups by URI, remembered with their misses; writes of posts are gathered and made by `flush`, a few
statements for any number of posts. Nothing here decides anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from federation.errors import FederationError
from federation.origins import host_of
from node.actions.feeds import insert_ignoring
from node.actions.remote.telling import Told, tell_all
from node.database import ring
from node.models import Actor, Attachment, Block, Errand, Follow, Hashtag, Mention, PollOption, Post, TimelineEntry, Tombstone

CHUNK = 400
"""URIs named in one statement."""

_POSTS = cast(Table, Post.__table__)
_ACTORS = cast(Table, Actor.__table__)
_POST_COLUMNS = (
    _POSTS.c.uri, _POSTS.c.id, _POSTS.c.author_id, _POSTS.c.thread_id, _POSTS.c.audience, _POSTS.c.is_local, _POSTS.c.deleted_at,
)  # fmt: skip
_COUNT_POSTS = (
    update(_ACTORS)
    .where(_ACTORS.c.id == bindparam("author"))
    .values(
        posts_count=_ACTORS.c.posts_count + bindparam("more"),
        last_post_at=case(
            (or_(_ACTORS.c.last_post_at.is_(None), _ACTORS.c.last_post_at < bindparam("last")), bindparam("last")),
            else_=_ACTORS.c.last_post_at,
        ),
    )
)
_COUNT_REPLIES = (
    update(_POSTS).where(_POSTS.c.id == bindparam("parent")).values(replies_count=_POSTS.c.replies_count + bindparam("more"))
)


@dataclass(slots=True)
class PostRef:
    """What must be known of a post to hang something on it."""

    id: int
    author_id: int
    thread_id: int
    audience: str
    is_local: bool
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class ActorRef:
    id: int
    is_local: bool


@dataclass(frozen=True, slots=True)
class Orphan:
    """A reply that was here before what it replies to."""

    id: int
    thread_id: int


class Known:
    """One transaction's memory. Not shared between threads; thrown away at the end or after a rollback."""

    def __init__(self, session: Session, own_host: str, now: datetime) -> None:
        self.session = session
        self.own_host = own_host
        self.now = now
        self._posts: dict[str, PostRef | None] = {}
        self._actors: dict[str, ActorRef | None] = {}
        self._buried: dict[str, bool] = {}
        self._orphans: dict[str, list[Orphan]] = {}
        self._followers: dict[int, Collection[int]] = {}
        self._blockers: dict[int, Collection[int]] = {}
        self._rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        self._entries: list[dict[str, Any]] = []
        self._errands: dict[tuple[str, str], dict[str, Any]] = {}
        self._told: list[Told] = []
        self._authors: dict[int, tuple[int, datetime]] = {}
        self._replies: dict[int, int] = defaultdict(int)
        self._adopted: list[tuple[int, int, Orphan]] = []

    # --- reading

    def look_up(self, posts: Iterable[str] = (), actors: Iterable[str] = (), new_posts: Iterable[str] = ()) -> None:
        """Read what will be asked for. `new_posts` are those about to be kept: their tombstones and orphans are read, too."""
        fresh = [uri for uri in dict.fromkeys(new_posts) if uri not in self._buried]
        self._read_posts([uri for uri in dict.fromkeys((*posts, *fresh)) if uri not in self._posts])
        self._read_actors([uri for uri in dict.fromkeys(actors) if uri not in self._actors])
        self._read_buried(fresh)
        self._read_orphans([uri for uri in fresh if uri not in self._orphans])

    def look_up_followers(self, author_ids: Iterable[int]) -> None:
        """Read who of ours follows each of these actors."""
        wanted = [author_id for author_id in dict.fromkeys(author_ids) if author_id not in self._followers]
        found: dict[int, list[int]] = {author_id: [] for author_id in wanted}
        for part in _parts(wanted):
            rows = self.session.execute(
                select(Follow.target_id, Follow.follower_id)
                .join(_ACTORS, _ACTORS.c.id == Follow.follower_id)
                .where(Follow.target_id.in_(part), Follow.state == "accepted", _ACTORS.c.host == "")
            )
            for target_id, follower_id in rows:
                found[target_id].append(follower_id)
        self._followers.update(found)

    def look_up_blockers(self, author_ids: Iterable[int]) -> None:
        """Read who of ours has blocked each of these actors."""
        wanted = [author_id for author_id in dict.fromkeys(author_ids) if author_id not in self._blockers]
        found: dict[int, list[int]] = {author_id: [] for author_id in wanted}
        for part in _parts(wanted):
            for target_id, actor_id in self.session.execute(
                select(Block.target_id, Block.actor_id).where(Block.target_id.in_(part))
            ):
                found[target_id].append(actor_id)
        self._blockers.update(found)

    def blockers(self, author_id: int) -> Collection[int]:
        """Return the ids of actors who want nothing from this one."""
        if author_id not in self._blockers:
            self.look_up_blockers([author_id])
        return self._blockers[author_id]

    def post(self, uri: str) -> PostRef | None:
        """Return the post with this id, also one that this transaction is about to write."""
        if uri not in self._posts:
            self._read_posts([uri])
        return self._posts[uri]

    def actor(self, uri: str) -> ActorRef | None:
        if uri not in self._actors:
            self._read_actors([uri])
        return self._actors[uri]

    def is_buried(self, uri: str) -> bool:
        """Say whether this id is gone for ever."""
        if uri not in self._buried:
            self._read_buried([uri])
        return self._buried[uri]

    def orphans(self, uri: str) -> list[Orphan]:
        """Return the replies to `uri` that do not hang on it yet."""
        if uri not in self._orphans:
            self._read_orphans([uri])
        return self._orphans[uri]

    def local_followers(self, author_id: int) -> Collection[int]:
        if author_id not in self._followers:
            self.look_up_followers([author_id])
        return self._followers[author_id]

    def is_ours(self, uri: str) -> bool:
        try:
            return host_of(uri) == self.own_host
        except FederationError:
            return False

    # --- gathering

    def add_post(self, row: dict[str, Any]) -> PostRef:
        """Gather a post. It is known at once, and written by `flush`."""
        ref = PostRef(row["id"], row["author_id"], row["thread_id"], row["audience"], is_local=False)
        self._rows[Post].append(row)
        self._posts[row["uri"]] = ref
        count, last = self._authors.get(ref.author_id, (0, row["published_at"]))
        self._authors[ref.author_id] = (count + 1, max(last, row["published_at"]))
        if row["in_reply_to_id"] is not None:
            self._replies[row["in_reply_to_id"]] += 1
        elif row["in_reply_to_uri"] is not None:
            self._orphans.setdefault(row["in_reply_to_uri"], []).append(Orphan(ref.id, ref.thread_id))
        return ref

    def add(self, table: Any, row: dict[str, Any]) -> None:
        """Gather a row that hangs on a post: Mention, Hashtag, Attachment, PollOption."""
        self._rows[table].append(row)

    def add_entry(self, reader_id: int, post_id: int) -> None:
        self._entries.append({"actor_id": reader_id, "entry_id": post_id, "post_id": post_id, "boost_id": None})

    def add_errand(self, row: dict[str, Any]) -> None:
        self._errands.setdefault((row["kind"], row["uri"]), row)

    def tell(self, actor_id: int, kind: str, from_actor_id: int, post_id: int) -> None:
        """Gather a notification for one of ours."""
        self._told.append((actor_id, kind, from_actor_id, post_id))

    def adopt(self, post_id: int, thread_id: int, orphan: Orphan) -> None:
        """Gather: `orphan` and its thread hang on the post that is about to be written."""
        self._adopted.append((post_id, thread_id, orphan))
        self._replies[post_id] += 1

    # --- writing

    def flush(self) -> None:
        """Write what was gathered. The order is that of the foreign keys."""
        session = self.session
        if self._rows:
            connection = session.connection()
            for table in (Post, Mention, Hashtag, Attachment, PollOption):
                rows = self._rows.pop(table, None)
                if rows:
                    connection.execute(insert(cast(Table, table.__table__)), rows)
            for post_id, thread_id, orphan in self._adopted:
                _adopt(session, post_id, thread_id, orphan)
        if self._authors:
            counts = [{"author": author, "more": more, "last": last} for author, (more, last) in self._authors.items()]
            session.connection().execute(_COUNT_POSTS, counts)
        if self._replies:
            rows = [{"parent": parent, "more": more} for parent, more in self._replies.items()]
            session.connection().execute(_COUNT_REPLIES, rows)
        insert_ignoring(session, TimelineEntry, self._entries)
        if self._errands:
            insert_ignoring(session, Errand, list(self._errands.values()))
            ring(session, "fetch")
        tell_all(session, self._told, self.now)
        self._entries, self._told, self._adopted = [], [], []
        self._errands.clear()
        self._authors.clear()
        self._replies.clear()

    def forget(self) -> None:
        """Write what was gathered and read everything anew: something else has changed the tables."""
        self.flush()
        for memory in (self._posts, self._actors, self._buried, self._orphans, self._followers, self._blockers):
            memory.clear()

    def _read_posts(self, uris: list[str]) -> None:
        self._posts.update(dict.fromkeys(uris))
        for part in _parts(uris):
            for row in self.session.execute(select(*_POST_COLUMNS).where(_POSTS.c.uri.in_(part))):
                uri, post_id, author_id, thread_id, audience, is_local, deleted_at = row
                self._posts[uri] = PostRef(post_id, author_id, thread_id, audience, is_local, deleted_at is not None)

    def _read_actors(self, uris: list[str]) -> None:
        self._actors.update(dict.fromkeys(uris))
        for part in _parts(uris):
            alive = (_ACTORS.c.uri.in_(part), _ACTORS.c.deleted_at.is_(None))
            for uri, actor_id, host in self.session.execute(select(_ACTORS.c.uri, _ACTORS.c.id, _ACTORS.c.host).where(*alive)):
                self._actors[uri] = ActorRef(actor_id, host == "")

    def _read_buried(self, uris: list[str]) -> None:
        self._buried.update(dict.fromkeys(uris, False))
        for part in _parts(uris):
            self._buried.update(dict.fromkeys(self.session.scalars(select(Tombstone.uri).where(Tombstone.uri.in_(part))), True))

    def _read_orphans(self, uris: list[str]) -> None:
        self._orphans.update({uri: [] for uri in uris})
        for part in _parts(uris):
            # Not IS NULL: SQLite would take the index on in_reply_to_id, where every post that answers nothing is.
            waiting = (_POSTS.c.in_reply_to_uri.in_(part), func.coalesce(_POSTS.c.in_reply_to_id, 0) == 0)
            for uri, post_id, thread_id in self.session.execute(
                select(_POSTS.c.in_reply_to_uri, _POSTS.c.id, _POSTS.c.thread_id).where(*waiting)
            ):
                self._orphans[uri].append(Orphan(post_id, thread_id))


def _adopt(session: Session, post_id: int, thread_id: int, orphan: Orphan) -> None:
    connection = session.connection()
    connection.execute(update(_POSTS).where(_POSTS.c.id == orphan.id).values(in_reply_to_id=post_id))
    if orphan.thread_id != thread_id:
        connection.execute(update(_POSTS).where(_POSTS.c.thread_id == orphan.thread_id).values(thread_id=thread_id))


def _parts(values: list[Any]) -> Iterable[list[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
