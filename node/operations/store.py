"""What Redis or Valkey knows of the node: does it answer, and who works. Asked by /readyz, /metrics and the doctor."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

WORKERS = "rq:workers"
"""RQ's set of worker keys. A worker that was killed stays in it; its own key runs out."""
QUEUES = "rq:queues"


@dataclass(frozen=True, slots=True)
class Store:
    """`problem` is '' when the server answered. `workers` counts those alive, `jobs` those that wait for one."""

    problem: str = ""
    version: str = ""
    eviction: str = ""
    workers: int = 0
    jobs: int = 0


def look(redis_url: str, seconds: float) -> Store:
    """Ask the server; every question ends within `seconds`. Never raises for a server that is away."""
    from redis import Redis
    from redis.exceptions import RedisError

    client = Redis.from_url(redis_url, socket_timeout=seconds, socket_connect_timeout=seconds, decode_responses=True)
    try:
        with closing(client) as redis:
            facts = redis.info("server")
            eviction = redis.config_get("maxmemory-policy").get("maxmemory-policy", "")
            workers = sum(redis.exists(key) for key in redis.smembers(WORKERS))
            jobs = sum(redis.llen(key) for key in redis.smembers(QUEUES))
    except (RedisError, OSError) as error:
        return Store(problem=str(error) or type(error).__name__)
    return Store("", str(facts.get("valkey_version") or facts.get("redis_version")), str(eviction), workers, jobs)
