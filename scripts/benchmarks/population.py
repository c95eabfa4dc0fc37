"""What must already be there before anything is measured, written as rows through the node's own models.

Thousands of follows over HTTP would take longer than what is measured. Written directly: remote actors with their keys,
accepted follows both ways, what a host is known to take, and old posts with their home entries. Everything measured
(requests in, deliveries out, pages) goes through the node's doors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.benchmarks.strangers import Strangers
from scripts.running_node import RunningNode

CHUNK = 5_000


@contextmanager
def writing(node: RunningNode) -> Iterator[Any]:
    """Open the database of `node` for writing, commit at the end."""
    from node import create_app
    from node.config import load
    from node.database import db, on_commit, transaction

    app = create_app(load(node.environment()))
    on_commit(lambda _queues: None)
    with app.app_context():
        try:
            with transaction() as session:
                yield session
        finally:
            db.session.remove()
            db.engine.dispose()


def local_actor(session: Any, name: str) -> Any:
    """Return our actor of that name."""
    from sqlalchemy import select

    from node.models import Actor

    return session.scalars(select(Actor).where(Actor.username == name, Actor.host == "")).one()


def meet(session: Any, strangers: Strangers, numbers: Sequence[int], *, port: int | None = None, scheme: str = "") -> list[int]:
    """Make the actors of these hosts known, with their keys; return their ids. `scheme`: what the hosts take."""
    from sqlalchemy import insert

    from node.database import new_id, utc_now
    from node.models import Actor, ActorKey, Host

    now = utc_now()
    actors: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    hosts: list[dict[str, Any]] = []
    for number in numbers:
        uri, host = strangers.actor(number, port), strangers.host(number, port)
        actor_id = new_id(now)
        actors.append(
            {
                "id": actor_id, "uri": uri, "username": "u", "host": host, "name": f"User of host {number}", "url": uri,
                "inbox": f"{uri}/inbox", "shared_inbox": f"http://{host}/inbox", "followers_uri": f"{uri}/followers",
                "created_at": now, "updated_at": now, "fetched_at": now,
            }
        )  # fmt: skip
        keys.append(
            {
                "id": new_id(now), "actor_id": actor_id, "key_id": f"{uri}#main-key", "algorithm": "rsa",
                "public_pem": strangers.public_pem(number), "fetched_at": now,
            }
        )  # fmt: skip
        hosts.append({"host": host, "scheme": scheme, "used_at": now})
    for table, rows in ((Actor, actors), (ActorKey, keys), (Host, hosts)):
        for start in range(0, len(rows), CHUNK):
            session.execute(insert(table), rows[start : start + CHUNK])
    return [actor["id"] for actor in actors]


def follow(session: Any, followers: Sequence[int], targets: Sequence[int]) -> None:
    """Let every follower follow every target, accepted."""
    from sqlalchemy import insert

    from node.database import new_id, utc_now
    from node.models import Follow

    now = utc_now()
    rows = []
    for follower in followers:
        for target in targets:
            follow_id = new_id(now)
            rows.append(
                {
                    "id": follow_id, "follower_id": follower, "target_id": target, "state": "accepted",
                    "uri": f"urn:bench:{follow_id}", "created_at": now, "accepted_at": now,
                }
            )  # fmt: skip
    for start in range(0, len(rows), CHUNK):
        session.execute(insert(Follow), rows[start : start + CHUNK])


def old_posts(session: Any, reader: int, authors: Sequence[tuple[int, str]], first: int, count: int) -> None:
    """Write `count` old posts of these (actor id, uri), each in the reader's home. They end a day ago, one a second."""
    from sqlalchemy import insert

    from node.database import id_floor
    from node.models import Post, TimelineEntry

    newest = datetime.now(UTC) - timedelta(days=1)
    words = "<p>The quick brown fox reads the minutes of the last meeting and finds that nothing was decided.</p>"
    for start in range(first, first + count, CHUNK):
        posts, entries = [], []
        for serial in range(start, min(start + CHUNK, first + count)):
            author_id, author_uri = authors[serial % len(authors)]
            moment = newest - timedelta(seconds=serial)
            post_id = id_floor(moment) + serial % 60_000
            posts.append(
                {
                    "id": post_id, "uri": f"{author_uri}/old/{serial}", "url": f"{author_uri}/old/{serial}",
                    "author_id": author_id, "audience": "public", "thread_id": post_id, "content_html": words,
                    "content_raw": words, "published_at": moment, "received_at": moment, "language": "en",
                }
            )  # fmt: skip
            entries.append({"actor_id": reader, "entry_id": post_id, "post_id": post_id})
        session.execute(insert(Post), posts)
        session.execute(insert(TimelineEntry), entries)
