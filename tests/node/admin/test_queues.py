"""The bench of the workers, read from a real Valkey, and from one that is not there."""

import subprocess

import pytest
from redis import Redis
from rq import Queue, SimpleWorker

from node.admin import queues
from node.config import load
from node.operations import valkey


@pytest.fixture
def redis_url(tmp_path):
    settings = load({}, tmp_path)
    server = subprocess.Popen(valkey.command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert valkey.wait_until_it_answers(tmp_path, 10)
    yield settings.redis_url
    server.terminate()
    server.wait(10)


def test_waiting_rings_and_living_workers_are_counted(redis_url):
    assert queues.look(redis_url) == queues.Bench(True, 0, 0, dict.fromkeys(queues.QUEUES, 0))
    with Redis.from_url(redis_url) as redis:
        inbound = Queue("inbound", connection=redis, serializer="json")
        inbound.enqueue_call("node.jobs.work.inbound")
        inbound.enqueue_call("node.jobs.work.inbound")
        worker = SimpleWorker([inbound], connection=redis, serializer="json")
        worker.register_birth()
        bench = queues.look(redis_url)
        assert (bench.workers, bench.queues["inbound"], bench.queues["outbound"]) == (1, 2, 0)
        worker.register_death()
    assert queues.look(redis_url).workers == 0


def test_a_redis_that_does_not_answer_is_an_answer(tmp_path):
    assert queues.look(load({}, tmp_path).redis_url) == queues.Bench(False)
    assert queues.look("redis://127.0.0.1:1/0").is_there is False
