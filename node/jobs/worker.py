"""A worker process: RQ takes jobs off its queues one at a time, in this process (no fork: a fork costs 50 ms a job)."""

from __future__ import annotations

import logging
import time
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Queue, SimpleWorker, worker_registration

from node import create_app
from node.config import Settings
from node.jobs import delivery, fetching
from node.jobs.bells import connect

log = logging.getLogger("courtyard.worker")
LEADS = (("outbound", "fetch", "housekeeping", "inbound"), ("inbound", "outbound"))
"""What each worker looks at first. Odd workers never fetch, so that a slow peer cannot keep inbound work waiting."""
STOP_SECONDS = 11.0
"""How long a stop waits for what is under way: a little less than the supervisor does."""


class Worker(SimpleWorker):
    """Runs every job in a fresh app context, and so with a fresh database session."""

    app: Any = None
    max_connection_wait_time = 4.0
    """Seconds between two tries to reach a Redis that went away; RQ would wait up to a minute."""

    def perform_job(self, *arguments: Any) -> bool:
        from node.database import db

        with self.app.app_context():
            try:
                return bool(super().perform_job(*arguments))
            finally:
                db.session.remove()

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """As RQ's, and list the worker anew when a Redis that lost its memory no longer does: RQ does so at the start alone."""
        if pipeline is None and not self.connection.sismember(self.redis_workers_keys, self.key):
            self.connection.hset(self.key, mapping=self.serialize())
            worker_registration.register(self)
        super().heartbeat(timeout, pipeline)

    def request_stop(self, signum: int, frame: Any) -> None:
        delivery.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def queues_for(index: int, workers: int) -> tuple[str, ...]:
    """Return the queues worker number `index` (from 0) of `workers` listens to, first things first."""
    return LEADS[0] if workers == 1 else LEADS[index % 2]


def run(settings: Settings, index: int = 0) -> None:
    """Work until SIGTERM or SIGINT. A Redis that goes away is waited for."""
    app = create_app(settings, doors=())
    names = queues_for(index, settings.workers)
    log.info("worker %s listens to %s", index, ", ".join(names))
    while not delivery.stopping.is_set():
        try:
            connection = connect(settings.redis_url, patience=30)
            queues = [Queue(name, connection=connection, serializer="json") for name in names]
            worker = Worker(queues, connection=connection, serializer="json", maintenance_interval=60, log_job_description=False)
            worker.app = app
            worker.work(logging_level="WARNING", with_scheduler=False)
            break
        except (RedisConnectionError, RedisTimeoutError) as error:
            log.warning("Redis is away (%s); trying again", type(error).__name__)
            time.sleep(1)
    deadline = time.monotonic() + STOP_SECONDS
    delivery.finish(app, STOP_SECONDS)
    fetching.finish(app, max(deadline - time.monotonic(), 0.0))
    log.info("worker %s has stopped", index)
