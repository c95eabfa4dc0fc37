"""How long RQ's queues are and how many workers listen, read from Redis. A Redis that does not answer is an answer too.

The bells only: what is to be done stands in the database (`node.queries.jobs`), and a lost Redis loses nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError

QUEUES = ("outbound", "inbound", "fetch", "housekeeping")
PATIENCE = 0.5
"""Seconds; a page must not wait longer for Redis."""


@dataclass(frozen=True, slots=True)
class Bench:
    """`is_there`: Redis answered. `queues`: jobs waiting in each; `workers`: seen alive lately; `failed`: jobs broken off."""

    is_there: bool
    workers: int = 0
    failed: int = 0
    queues: Mapping[str, int] = field(default_factory=dict)


def look(redis_url: str) -> Bench:
    """Ask Redis, for half a second at most."""
    try:
        redis = Redis.from_url(redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
        with redis:
            asked = redis.pipeline(transaction=False)
            # RQ's own names: a list for each queue, a set of workers whose keys live as long as their heartbeat.
            for name in QUEUES:
                asked.llen(f"rq:queue:{name}")
            for name in QUEUES:
                asked.zcard(f"rq:failed:{name}")
            asked.smembers("rq:workers")
            answers = asked.execute()
            names = answers[-1]
            workers = redis.exists(*names) if names else 0
    except (RedisError, OSError, ValueError):
        return Bench(False)
    lengths = answers[: len(QUEUES)]
    return Bench(True, int(workers), sum(answers[len(QUEUES) : -1]), dict(zip(QUEUES, lengths, strict=True)))
