"""The faults. Each run breaks something under load and returns what it found; `problems` must be empty.

Short runs are for CI; the long ones have the numbers of the promises (2,000 posts, 50 to 100 kills).
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benchmarks import population
from scripts.benchmarks.fake_hosts import FakeHosts
from scripts.benchmarks.report import percentile
from scripts.benchmarks.sender import send_all
from scripts.breakage.stage import Stage, meanwhile, stage
from scripts.running_node import RunningNode


@dataclass
class Report:
    """What one run showed."""

    name: str
    facts: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def insist(self, is_so: bool, problem: str) -> None:
        if not is_so:
            self.problems.append(problem)


def _accounts(report: Report, on: Stage, *, may_double: int) -> None:
    """Compare what was acknowledged, kept, sent and received."""
    missing, doubled, wrong = on.missing(), on.duplicates(), on.inversions()
    report.facts |= {
        "posts acknowledged": len(on.acknowledged), "hosts": on.hosts, "kills": on.kills, "lost": missing,
        "duplicate POSTs": doubled, "out of order": wrong, "client errors retried": len(on.errors),
    }  # fmt: skip
    report.insist(missing == 0, f"{missing} deliveries of acknowledged posts were lost")
    report.insist(doubled <= may_double, f"{doubled} duplicates, at most {may_double} allowed")
    report.insist(wrong == 0, f"{wrong} deliveries out of order")
    unrecorded = on.unrecorded()
    report.insist(unrecorded == 0, f"{unrecorded} POSTs that arrived are not in the ledger")
    report.insist(on.half_made() == 0, f"{on.half_made()} half-made posts")
    report.insist(on.doubled() == 0, f"{on.doubled()} posts made twice")


def r01_web_killed(folder: Path, is_short: bool) -> Report:
    """kill -9 the web process while members post."""
    report = Report("R01 web killed")
    with stage(folder, "r01", 10) as on:
        with meanwhile(on.kill_web, lambda: random.uniform(2.5, 5), most=4 if is_short else 50):
            on.post_many(160 if is_short else 2_000, pause=0.3)
        report.insist(on.wait_delivered(60), "not everything was delivered within a minute")
        _accounts(report, on, may_double=0)
        report.insist(on.kills >= 1, "nothing was killed")
    return report


def r02_workers_killed(folder: Path, is_short: bool) -> Report:
    """kill -9 delivery workers, also between a peer's 2xx and its record."""
    report = Report("R02 delivery workers killed")
    with stage(folder, "r02", 40 if is_short else 100) as on:
        with meanwhile(lambda: on.kill("node worker"), lambda: random.uniform(0.8, 2.5), most=8 if is_short else 100):
            on.post_many(60 if is_short else 2_000, pause=0.2)
            on.wait_delivered(20 if is_short else 120)
        report.insist(on.wait_delivered(120), "not everything was delivered within two minutes")
        _accounts(report, on, may_double=on.kills)
        report.insist(on.kills >= 1, "nothing was killed")
    return report


def r03_inbound_killed(folder: Path, is_short: bool) -> Report:
    """kill -9 workers while accepted activities take effect; the result equals that of an undisturbed run."""
    report = Report("R03 inbound workers killed")
    number = 400 if is_short else 2_000
    fakes = FakeHosts.start()
    try:
        calm = _take_in(folder / "r03-calm", fakes, number, is_rough=False, report=report)
        rough = _take_in(folder / "r03-rough", fakes, number, is_rough=True, report=report)
    finally:
        fakes.stop()
    report.facts["state after"] = rough
    report.insist(calm == rough, f"the undisturbed run gave {calm}, the rough one {rough}")
    return report


def _take_in(folder: Path, fakes: FakeHosts, number: int, *, is_rough: bool, report: Report) -> dict[str, int]:
    node = RunningNode.prepare(folder, settings={"FEDERATION": "open", "RATE_LIMITS": "off"})
    node.start()
    try:
        node.wait_ready()
        token = node.add_member("ada")
        with population.writing(node) as session:
            ada = population.local_actor(session, "ada")
            authors = population.meet(session, fakes.strangers, range(16), scheme="cavage")
            population.follow(session, [ada.id], authors)
        on = Stage(node, fakes, 16, token)
        posts = [fakes.strangers.create_note(at % 16, f"fault-{at}") for at in range(number)]
        requests = [fakes.strangers.signed_post(at % 16, node.domain, "/inbox", body) for at, body in enumerate(posts)]
        host, port = node.domain.split(":")
        if is_rough:
            with meanwhile(lambda: on.kill("node worker"), lambda: random.uniform(0.3, 1.2), most=number // 50):
                outcome = send_all(host, int(port), requests * 2, 8)
                _wait_idle(on, 10)
            report.facts["kills"] = on.kills
        else:
            outcome = send_all(host, int(port), requests * 2, 8)
        report.insist(outcome.accepted == 2 * number, f"answers {outcome.statuses}")
        report.insist(_wait_idle(on, 90), "the inbound queue did not become empty")
        return _state(on)
    finally:
        node.stop()


def _wait_idle(on: Stage, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if on.rows("select count(*) from receipts where state in ('new', 'fetching')")[0][0] == 0:
            return True
        time.sleep(0.2)
    return False


def _state(on: Stage) -> dict[str, int]:
    queries = {
        "posts": "select count(*) from posts", "different": "select count(distinct uri) from posts",
        "home": "select count(*) from timeline_entries", "notifications": "select count(*) from notifications",
        "counted": "select sum(posts_count) from actors", "done": "select count(*) from receipts where state = 'done'",
        "parked": "select count(*) from receipts where state = 'parked'",
    }  # fmt: skip
    return {name: int(on.rows(query)[0][0] or 0) for name, query in queries.items()}


def r04_everything_killed(folder: Path, is_short: bool) -> Report:
    """kill -9 everything with a backlog, start again."""
    report = Report("R04 everything killed")
    with stage(folder, "r04", 50 if is_short else 100) as on:
        on.post_many(20 if is_short else 100)
        on.kill_everything()
        before = on.fakes.count()["posts"]
        begun = time.monotonic()
        on.node.start()
        report.insist(on.fakes.wait_for(before + 1, 30) or not on.missing(), "no delivery within 30 s of the start")
        report.facts["first delivery after s"] = round(time.monotonic() - begun, 1)
        report.insist(on.wait_delivered(120), "the backlog was not worked off within two minutes")
        report.facts["backlog done after s"] = round(time.monotonic() - begun, 1)
        _accounts(report, on, may_double=20)  # two workers with up to ten requests under way each, all killed at once
    return report


def r05_redis_flushed(folder: Path, is_short: bool) -> Report:
    """FLUSHALL again and again."""
    report = Report("R05 Redis flushed")
    with stage(folder, "r05", 20) as on:
        with meanwhile(lambda: _flush(on), lambda: 1.0 if is_short else 5.0) as flushed:
            on.post_many(120 if is_short else 2_000, pause=0.2)
        report.insist(on.wait_delivered(60), "not all done within a minute of the last flush")
        report.facts["flushes"] = len(flushed)
        _accounts(report, on, may_double=0)
    return report


def _flush(on: Stage) -> bool:
    from redis import Redis

    from node.config import load

    with suppress(Exception):
        Redis.from_url(load(on.node.environment()).redis_url, socket_timeout=2).flushall()
        return True
    return False


def r06_redis_stopped(folder: Path, is_short: bool) -> Report:
    """Redis gone for a while: posting, inbox and delivery go on."""
    report = Report("R06 Redis stopped")
    outside = _Valkey(folder / "r06-valkey")
    outside.start()
    try:
        with stage(folder, "r06", 10, REDIS_URL=outside.url) as on:
            outside.stop()
            begun = time.monotonic()
            times = on.post_many(20 if is_short else 400)
            requests = [
                on.fakes.strangers.signed_post(
                    at % 8, on.node.domain, "/inbox", on.fakes.strangers.create_note(at % 8, f"away-{at}")
                )
                for at in range(40)
            ]
            host, port = on.node.domain.split(":")
            outcome = send_all(host, int(port), requests, 4)
            report.insist(outcome.accepted == 40, f"inbox answers without Redis: {outcome.statuses}")
            report.insist(on.wait_delivered(60), "nothing was delivered from the database while Redis was away")
            report.facts["delivered without Redis after s"] = round(time.monotonic() - begun, 1)
            report.facts["post, 95th percentile s"] = round(percentile(times, 0.95), 3)
            if not is_short:  # a timed check belongs on a quiet machine
                report.insist(percentile(times, 0.95) < 0.5, f"95th percentile of a post {percentile(times, 0.95):.2f} s")
            outside.start()
            back = time.monotonic()
            on.post_many(5)
            report.insist(on.wait_delivered(30), "not delivered within 30 s of Redis' return")
            report.facts["delivered after its return s"] = round(time.monotonic() - back, 1)
            _accounts(report, on, may_double=0)
    finally:
        outside.stop()
    return report


class _Valkey:
    """A Valkey server of our own on a socket, to stop and start."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._socket = folder / "valkey.sock"  # in the run's folder, which goes however this process ends
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}?db=0"

    def start(self) -> None:
        from node.operations import valkey

        command = [
            str(valkey.binary()),
            "--port",
            "0",
            "--unixsocket",
            str(self._socket),
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._socket.exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)


def r10_same_activity(folder: Path, is_short: bool) -> Report:
    """The same activity many times at once, four workers."""
    report = Report("R10 same activity at once")
    with stage(folder, "r10", 4, WORKERS="4") as on:
        strangers = on.fakes.strangers
        body = _like_and_note(on)
        request = strangers.signed_post(0, on.node.domain, "/inbox", body)
        host, port = on.node.domain.split(":")
        outcome = send_all(host, int(port), [request] * 100, 32)
        report.insist(outcome.accepted == 100, f"answers {outcome.statuses}")
        report.insist(_wait_idle(on, 30), "the inbound queue did not become empty")
        counts = on.rows(
            "select (select count(*) from posts where is_local = 0), (select count(*) from notifications where kind = 'mention'),"
            " (select max(posts_count) from actors where host != ''), (select count(*) from receipts)"
        )[0]
        report.facts["posts, notifications, counted, receipts"] = counts
        report.insist(tuple(counts) == (1, 1, 1, 1), f"one effect was expected, not {counts}")
    return report


def _like_and_note(on: Stage) -> bytes:
    """Return a Create(Note) of host 0 that mentions ada."""
    document = json.loads(on.fakes.strangers.create_note(0, "same"))
    ada = f"{on.node.origin}/users/ada"
    document["object"]["tag"] = [{"type": "Mention", "href": ada, "name": f"@ada@{on.node.domain}"}]
    document["object"]["cc"] = [ada]
    document["cc"] = [ada]
    return json.dumps(document).encode()


def r12_bad_hosts(folder: Path, is_short: bool) -> Report:
    """A fifth of the hosts dead, slow or failing: the others are served as if they were not there."""
    report = Report("R12 bad hosts")
    hosts = 100 if is_short else 500
    bad = list(range(0, hosts, 5))
    kinds = ["slow", "error", "silent", "busy"]
    with stage(folder, "r12", hosts) as on:
        on.fakes.behave(bad, [kinds[at % len(kinds)] for at in range(len(bad))])
        waits: list[float] = []
        for _ in range(3 if is_short else 10):
            on.fakes.reset()
            begun = time.monotonic()
            on.post()
            deadline = begun + 30
            while time.monotonic() < deadline:
                healthy = [at for address, at, _ in on.fakes.posts() if int(address.rsplit(".", 1)[1]) % 5 or hosts > 256]
                if len(healthy) >= hosts - len(bad):
                    break
                time.sleep(0.2)
            waits += [at - begun for at in healthy]
            report.insist(len(healthy) >= hosts - len(bad), f"only {len(healthy)} healthy hosts were reached within 30 s")
        report.facts |= {
            "95th percentile s": round(percentile(waits, 0.95), 2),
            "99th percentile s": round(percentile(waits, 0.99), 2),
        }
        report.insist(percentile(waits, 0.95) <= 10, f"95th percentile {percentile(waits, 0.95):.1f} s")
        report.insist(percentile(waits, 0.99) <= 30, f"99th percentile {percentile(waits, 0.99):.1f} s")
    return report


def r15_stopped_under_load(folder: Path, is_short: bool) -> Report:
    """SIGTERM to the web process under load, again and again: clients see no error."""
    report = Report("R15 SIGTERM under load")
    with stage(folder, "r15", 5) as on:
        with meanwhile(lambda: on.kill_web(signal.SIGTERM), lambda: 4.0, most=4 if is_short else 20):
            on.post_many(200 if is_short else 600, pause=0.3)
        report.facts["errors"] = on.errors[:5]
        report.insist(not on.errors, f"{len(on.errors)} requests failed: {on.errors[:5]}")
        report.insist(on.wait_delivered(60), "not everything was delivered")
        begun = time.monotonic()
        on.node.stop()
        report.facts["stop took s"] = round(time.monotonic() - begun, 1)
        report.insist(time.monotonic() - begun <= 30, "the stop took more than 30 s")
        _accounts(report, on, may_double=0)
    return report


def r16_poison(folder: Path, is_short: bool) -> Report:
    """Rows that make a handler raise, one in a hundred: they are parked, the others are untouched."""
    report = Report("R16 poison rows")
    number = 200 if is_short else 2_000
    with stage(folder, "r16", 4) as on:
        strangers = on.fakes.strangers
        requests = [
            strangers.signed_post(at % 4, on.node.domain, "/inbox", strangers.create_note(at % 4, f"poison-{at}"))
            for at in range(number)
        ]
        _poison(on, number // 100)
        host, port = on.node.domain.split(":")
        outcome = send_all(host, int(port), requests, 8)
        report.insist(outcome.accepted == number, f"answers {outcome.statuses}")
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline and on.rows("select count(*) from receipts where state in ('new', 'fetching')")[0][0]:
            time.sleep(0.5)
        kept = on.rows("select count(*) from posts where is_local = 0")[0][0]
        parked = on.rows("select count(*), max(attempts) from receipts where state = 'parked'")[0]
        report.facts |= {"kept": kept, "parked, tries": parked}
        report.insist(kept == number, f"{kept} of {number} healthy activities took effect")
        report.insist(parked[0] == number // 100, f"{parked[0]} of {number // 100} poisoned rows were parked")
        report.insist(on.node.answers("/readyz"), "a worker died of it")
    return report


def _poison(on: Stage, number: int) -> None:
    """Damage the row of a sender, so that every handler raises on it: what a bug of ours would look like."""
    strangers, host = on.fakes.strangers, 200
    with population.writing(on.node) as session:
        population.meet(session, strangers, [host], scheme="cavage")
    connection = sqlite3.connect(on.node.data / "courtyard.sqlite3", timeout=30)
    with connection:
        connection.execute("update actors set created_at = 'never' where host = ?", (strangers.host(host),))
        for at in range(number):
            connection.execute(
                "insert into receipts"
                " (actor_uri, activity_uri, inbox_owner, host, shard, kind, body, received_at, state, attempts,"
                " reason) values (?, ?, 0, ?, ?, 'Create', ?, '2026-01-01 00:00:00.000000', 'new', 0, '')",
                (
                    strangers.actor(host),
                    f"urn:poison:{at}",
                    strangers.host(host),
                    at % 16,
                    strangers.create_note(host, f"bad-{at}"),
                ),
            )
    connection.close()


RUNS: dict[str, Callable[[Path, bool], Report]] = {
    "R01": r01_web_killed,
    "R02": r02_workers_killed,
    "R03": r03_inbound_killed,
    "R04": r04_everything_killed,
    "R05": r05_redis_flushed,
    "R06": r06_redis_stopped,
    "R10": r10_same_activity,
    "R12": r12_bad_hosts,
    "R15": r15_stopped_under_load,
    "R16": r16_poison,
}
