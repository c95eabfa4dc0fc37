"""A worker process beside a real Valkey: which queues it hears, and what is known of it when Valkey forgets."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from node.config import load
from node.jobs import bells, work
from node.jobs.worker import queues_for
from node.operations import store, valkey

ROOT = Path(__file__).parents[3]
RUN = "import sys, pathlib; from node.config import load; from node.jobs.worker import run; run(load({}, pathlib.Path(sys.argv[1])))"


@pytest.fixture
def redis_url(tmp_path):
    server = subprocess.Popen(valkey.command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert valkey.wait_until_it_answers(tmp_path, 10)
    yield load({}, tmp_path).redis_url
    server.terminate()
    server.wait(10)


@pytest.fixture
def running(tmp_path, redis_url):
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, stdout=output, stderr=output)
    yield process
    process.kill()
    process.wait(10)


def eventually(is_so: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()


def test_every_queue_has_a_function_and_somebody_who_listens():
    for workers in (1, 2, 5):
        heard = {name for index in range(workers) for name in queues_for(index, workers)}
        assert heard == set(bells.QUEUES)
    assert all(callable(getattr(work, name)) for name in bells.QUEUES)


def test_a_worker_is_known_again_after_valkey_has_lost_its_memory(redis_url, running):
    assert eventually(lambda: store.look(redis_url, 1).workers == 1)
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        assert store.look(redis_url, 1).workers == 0
        # The scheduler's next bell; what it has the worker do is beside the point.
        Queue("inbound", connection=redis, serializer="json").enqueue_call("time.time", result_ttl=0)
        assert eventually(lambda: store.look(redis_url, 1).workers == 1)
    assert running.poll() is None
