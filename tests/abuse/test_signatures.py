"""S: nobody gets in with a signature that is missing, wrong, borrowed or old; and nothing is fetched to find that out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from federation.signatures import VerifyKey, parse_signature, verify
from federation.vocabulary import AS2, MEDIA_TYPE
from node.actions import outbox
from node.actions.drafts import Draft
from node.policy import Audience, Mode, PeerState
from node.queries import actors, rules
from tests.abuse.conftest import GROWTH, world_at
from tests.abuse.crafting import cavage, hmac_sign, rfc9421, rsa_sign
from tests.abuse.trials import PRIVATE, World, nothing_changes
from tests.support.clocks import Clock
from tests.support.factories import Factory
from tests.support.peers import Actor, Canary, Peers, redirect

_away: list[tuple[Actor, float]] = []
"""Whose key could not be had, and since when."""

KNOCKS = ("once.test", "never.test", "moved.test", "onward.test")


def _others(peers: Peers, canary: Canary) -> dict[str, Any]:
    return {name: peers.add(name) for name in KNOCKS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """As the other modules', with four more servers to knock at."""
    with world_at(tmp_path_factory.mktemp("node"), _others) as made:
        made.probe()
        for name in KNOCKS:
            made.node.decide(name, PeerState.ALLOWED)
        before = made.node.memory()
        yield made
        assert made.node.memory() - before < GROWTH


INBOXES = ("/inbox", "/users/ada/inbox")


def hello(actor: Actor, **fields: Any) -> dict[str, Any]:
    return actor.activity("Create", actor.note(f"<p>{PRIVATE}</p>", **fields))


def unsigned(document: Any) -> tuple[dict[str, str], bytes]:
    return {"Content-Type": MEDIA_TYPE}, json.dumps(document).encode()


# First, because the last case of this file waits for the minute to be over.


@pytest.mark.slow
@pytest.mark.parametrize("failure", [500, 429])
def test_s18_a_key_that_cannot_be_had_for_now_is_asked_for_again(world: World, failure: int) -> None:
    away = world.evil.actor(f"away{failure}")
    world.evil.route("GET", f"/users/{away.name}", failure)
    with nothing_changes(world, 503, receipts=False, fetches=[(away, f"/users/{away.name}")]) as trial:
        answer = trial.post(away, hello(away))
        began = time.monotonic()
        again = trial.post(away, hello(away))
        asked = len(world.evil.received("GET", f"/users/{away.name}"))
    assert 1 <= int(answer.header("Retry-After") or 0) <= 60
    assert asked == 1 and again.seconds < 2, "a failure is remembered"
    _away.append((away, began))


@pytest.mark.parametrize("path", INBOXES)
def test_s01_an_unsigned_activity_is_refused_and_nothing_is_fetched(world: World, path: str) -> None:
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", path, *unsigned(hello(world.mallory)))


GARBAGE = {
    "x": "x",
    "empty": "",
    "only commas": ",,,",
    "empty keyId": 'keyId="",headers="(request-target) host date digest",signature="AAAA"',
    "no keyId": 'headers="(request-target) host date digest",signature="AAAA"',
    "key is no URL": 'keyId="main-key",headers="(request-target) host date digest",signature="AAAA"',
    "key is a file": 'keyId="file:///etc/passwd",headers="(request-target) host date digest",signature="AAAA"',
    "bad base64": 'keyId="https://evil.test/users/mallory#main-key",headers="(request-target) host date digest",signature="%%%"',
    "empty signature": 'keyId="https://evil.test/users/mallory#main-key",headers="(request-target) host date digest",signature=""',
    "no signature": 'keyId="https://evil.test/users/mallory#main-key",headers="(request-target) host date digest"',
    "no headers": 'keyId="https://evil.test/users/mallory#main-key",signature="AAAA"',
    "empty headers": 'keyId="https://evil.test/users/mallory#main-key",headers="",signature="AAAA"',
    "unknown header": 'keyId="https://evil.test/users/mallory#main-key",headers="(request-target) host date digest x-none",signature="AAAA"',
    "not latin": 'keyId="https://evil.test/users/mallory#main-key\u00e9",headers="(request-target) host date digest",signature="AAAA"',
    "wrong bytes": 'keyId="https://evil.test/users/mallory#main-key",headers="(request-target) host date digest",signature="AAAA"',
    "unclosed quote": 'keyId="https://evil.test/users/mallory',
}  # fmt: skip


@pytest.mark.parametrize("name", GARBAGE)
def test_s02_garbage_is_refused_and_never_an_error(world: World, name: str) -> None:
    body = hello(world.mallory)
    headers, raw = cavage(world.mallory, body, headers={"Signature": GARBAGE[name]})
    # A key that is known and does not fit is looked up once more: the peer may have rotated it (S17).
    fetches = [(world.mallory, "/users/mallory")] if name == "wrong bytes" else []
    with nothing_changes(world, 401, receipts=False, fetches=fetches) as trial:
        trial.send("POST", "/inbox", headers, raw)


@pytest.mark.parametrize("field", ["Signature-Input", "Signature"])
@pytest.mark.parametrize("value", ["x", "sig1=", "sig1=()", "sig1=:::", '"', "sig1=(;created=1", "\x00" * 3, "sig1=?1"])
def test_s02_garbage_in_the_newer_scheme_too(world: World, field: str, value: str) -> None:
    headers, raw = rfc9421(world.mallory, hello(world.mallory), headers={field: value.replace("\x00", "%00")})
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", headers, raw)


@pytest.mark.parametrize("path", INBOXES)
def test_s03_a_digest_that_is_not_signed_is_refused(world: World, path: str) -> None:
    with nothing_changes(world, 401, receipts=False) as trial:
        covered = ("(request-target)", "host", "date")
        trial.send("POST", path, *cavage(world.mallory, hello(world.mallory), path=path, covered=covered))


@pytest.mark.parametrize("path", INBOXES)
def test_s04_a_digest_that_is_absent_is_refused(world: World, path: str) -> None:
    covered = ("(request-target)", "host", "date")
    with nothing_changes(world, 401, receipts=False) as trial:
        made = cavage(world.mallory, hello(world.mallory), path=path, covered=covered, headers={"Digest": None})
        trial.send("POST", path, *made)


@pytest.mark.parametrize("path", INBOXES)
@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_s05_a_body_changed_by_one_byte_is_refused(world: World, path: str, scheme: str) -> None:
    make = cavage if scheme == "cavage" else rfc9421
    headers, body = make(world.mallory, hello(world.mallory), path=path)
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", path, headers, body.replace(b"Create", b"Creaxe"))
        trial.send("POST", path, headers, body + b" ")


def test_s07_a_request_without_a_signed_target_cannot_be_replayed_elsewhere(world: World) -> None:
    headers, body = cavage(world.mallory, hello(world.mallory), covered=("host", "date", "digest"))
    signed, raw = cavage(world.mallory, hello(world.mallory), path="/users/ada/inbox")
    with nothing_changes(world, 401, receipts=False, fetches=[(world.mallory, "/users/mallory")]) as trial:
        for path in INBOXES:
            trial.send("POST", path, headers, body)
        trial.send("POST", "/users/ben/inbox", signed, raw)
        trial.send("POST", "/inbox?x=1", *cavage(world.mallory, hello(world.mallory)))


@pytest.mark.parametrize("host", ["other.test", "evil.test", "node.test.evil.test", "127.0.0.1", "node.test:8000", "node.test,evil.test"])
def test_s08_a_request_signed_for_another_host_is_refused(world: World, host: str) -> None:
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), host=host))


def test_s08_a_request_whose_host_is_not_signed_is_refused(world: World) -> None:
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), covered=("(request-target)", "date", "digest")))


def test_s08_one_signed_for_another_target_uri_is_refused(world: World) -> None:
    with nothing_changes(world, 401, receipts=False, fetches=[(world.mallory, "/users/mallory")]) as trial:
        trial.send("POST", "/inbox", *rfc9421(world.mallory, hello(world.mallory), target="https://other.test/inbox"))


def test_s08_a_proxy_header_does_not_make_it_ours(world: World) -> None:
    forged = {"X-Forwarded-Host": "other.test", "Forwarded": "host=other.test"}
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), host="other.test", headers=forged))


BAD_DATES = {
    "13 hours old": lambda: datetime.now(UTC) - timedelta(hours=13),
    "2 hours ahead": lambda: datetime.now(UTC) + timedelta(hours=2),
    "unparsable": lambda: "yesterday",
    "no zone": lambda: "Sat, 21 Nov 2026 10:00:00",
    "year 9999": lambda: "Fri, 31 Dec 9999 23:59:59 GMT",
    "year 0": lambda: "Fri, 31 Dec 0000 23:59:59 GMT",
    "31 February": lambda: "Mon, 31 Feb 2026 10:00:00 GMT",
    "long": lambda: "1" * 4000,
}


@pytest.mark.parametrize("name", BAD_DATES)
def test_s09_a_date_outside_the_window_is_refused(world: World, name: str) -> None:
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), date=BAD_DATES[name]()))


def test_s09_neither_date_nor_created_is_refused(world: World) -> None:
    covered = ("(request-target)", "host", "digest")
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), covered=covered, headers={"Date": None}))


@pytest.mark.parametrize("offset", [-13 * 3600, 2 * 3600, 10**11])
def test_s09_created_outside_the_window_is_refused(world: World, offset: int) -> None:
    at = int(datetime.now(UTC).timestamp()) + offset
    covered = ("(request-target)", "host", "(created)", "digest")
    with nothing_changes(world, 401, receipts=False) as trial:
        made = cavage(world.mallory, hello(world.mallory), covered=covered, algorithm="hs2019", extra=f"created={at}")
        trial.send("POST", "/inbox", *made)
        trial.send("POST", "/inbox", *rfc9421(world.mallory, hello(world.mallory), created=at))


@pytest.mark.parametrize("path", INBOXES)
def test_s11_evil_cannot_sign_for_victim(world: World, path: str) -> None:
    """CVE-2025-54888: the key is genuine, but the actor in the body is another's."""
    with nothing_changes(world, 403, receipts=False) as trial:
        for activity in (
            hello(world.alice),
            world.alice.activity("Delete", world.alice.id),
            world.alice.activity("Follow", "https://node.test/users/ada"),
            hello(world.eve),
        ):
            trial.post(world.mallory, activity, path)


def test_s12_a_key_document_that_claims_the_victim_as_owner_is_refused(world: World) -> None:
    key_id = "https://evil.test/keys/1"
    key = {"id": key_id, "type": "Key", "owner": world.alice.id, "publicKeyPem": world.mallory.rsa.public_pem}
    world.evil.serve({"@context": AS2, **key})
    with nothing_changes(world, 403, receipts=False, fetches=[(world.evil, "/keys/1")]) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.alice), key_id=key_id))


def test_s12_also_on_the_victims_own_server_only_a_listed_key_counts(world: World) -> None:
    """Somebody who may put a file on victim.test does not speak for its actors."""
    key_id = "https://victim.test/files/key"
    key = {"id": key_id, "type": "Key", "owner": world.alice.id, "publicKeyPem": world.mallory.rsa.public_pem}
    world.victim.serve({"@context": AS2, **key})
    fetches = [(world.victim, "/files/key"), (world.victim, "/users/alice")]
    with nothing_changes(world, 403, receipts=False, fetches=fetches) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.alice), key_id=key_id))


def test_s13_a_key_id_that_leads_to_another_actor_is_refused(world: World) -> None:
    for path, document in {
        "/users/false1": {**world.alice.document(), "publicKey": {"id": "https://evil.test/users/false1#main-key", "owner": world.alice.id, "publicKeyPem": world.mallory.rsa.public_pem}},
        "/users/false2": world.mallory.document(),
        "/users/false3": {**world.mallory.document(), "id": "https://evil.test/users/false3b"},
    }.items():  # fmt: skip
        world.evil.route("GET", path, document)
        key_id = f"https://evil.test{path}#main-key"
        with nothing_changes(world, 401, receipts=False, fetches=[(world.evil, path)]) as trial:
            trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.alice), key_id=key_id))


def test_s15_everything_given_twice_is_refused(world: World) -> None:
    document = hello(world.mallory)
    headers, body = cavage(world.mallory, document)
    good = headers["Signature"]
    other, _ = cavage(world.alice, document)
    twice = {
        "keyId": good + f',keyId="{world.alice.key.key_id}"',
        "keyId first": f'keyId="{world.alice.key.key_id}",' + good,
        "headers": good + ',headers="date"',
        "signature": good + ',signature="AAAA"',
        "joined": f"{good},{other['Signature']}",
        "joined with space": f"{good}, {other['Signature']}",
        "a header named twice": good.replace("host date", "host host date"),
    }
    with nothing_changes(world, 401, receipts=False) as trial:
        for value in twice.values():
            trial.send("POST", "/inbox", {**headers, "Signature": value}, body)


@pytest.mark.parametrize("order", [0, 1])
def test_s15_two_signature_headers_are_refused(world: World, order: int) -> None:
    document = hello(world.mallory)
    headers, body = cavage(world.mallory, document)
    forged = cavage(world.alice, document, sign=hmac_sign)[0]["Signature"]
    signatures = [headers.pop("Signature"), forged]
    lines = [*headers.items(), *(("Signature", value) for value in (signatures if order else reversed(signatures)))]
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send_lines("POST", "/inbox", lines, body)


LABELS = ("hmac-sha256", "rsa-sha1", "rsa-sha512", "none", "ed25519", "ecdsa-sha256", "RSA-SHA256 ", "x" * 500)


@pytest.mark.parametrize("label", LABELS)
def test_s16_the_label_never_chooses_the_algorithm(world: World, label: str) -> None:
    with nothing_changes(world, 401, receipts=False, fetches=[(world.mallory, "/users/mallory")]) as trial:
        trial.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), algorithm=label))


@pytest.mark.parametrize("label", ["hmac-sha256", "rsa-sha256", "hs2019", None])
def test_s16_the_public_key_is_no_secret(world: World, label: str | None) -> None:
    with nothing_changes(world, 401, receipts=False, fetches=[(world.alice, "/users/alice")]) as trial:
        trial.send("POST", "/inbox", *cavage(world.alice, hello(world.alice), algorithm=label, sign=hmac_sign))
        weak = cavage(world.alice, hello(world.alice), algorithm=label, sign=lambda actor, base: rsa_sign(actor, base, hashes.SHA1()))
        trial.send("POST", "/inbox", *weak)


@pytest.mark.parametrize("label", ["hs2019", None, "rsa-sha256", "RSA-SHA256"])
def test_s16_a_good_rsa_signature_is_taken_under_its_usual_labels(world: World, label: str | None) -> None:
    assert world.node.send("POST", "/inbox", *cavage(world.mallory, hello(world.mallory), algorithm=label)).status == 202


def test_s17_a_rotated_key_is_fetched_once_and_bad_signatures_do_not_make_us_ask_again(world: World) -> None:
    turner = world.evil.actor("turner")
    assert world.node.post(turner, hello(turner)).status == 202
    turner.rotate()
    world.evil.forget()
    assert world.node.post(turner, hello(turner)).status == 202
    assert len(world.evil.received("GET", "/users/turner")) == 1
    world.node.state.wait_until_idle()
    with nothing_changes(world, 401, receipts=False) as trial:
        for _ in range(50):
            trial.send("POST", "/inbox", *cavage(turner, hello(turner), sign=hmac_sign))


def test_s18_the_farewell_of_somebody_unknown_is_taken_and_dropped(world: World) -> None:
    gone = world.evil.actor("gone")
    world.evil.route("GET", "/users/gone", 410)
    with nothing_changes(world, 202, receipts=False) as trial:
        trial.post(gone, gone.activity("Delete", gone.id))
    with nothing_changes(world, 401, receipts=False, fetches=[(gone, "/users/gone")]) as trial:
        trial.post(gone, hello(gone))
        trial.post(gone, gone.activity("Delete", "https://evil.test/notes/none"))


def test_s20_the_same_request_has_one_effect_however_often_it_comes(world: World) -> None:
    """Twice, and then a hundred times at once."""
    node = world.node
    note = world.mallory.note("<p>again</p>", to=["https://node.test/users/ada"], tag=[_mention("ada")])
    for times in (2, 100):
        follow = world.eve.activity("Follow", f"https://node.test/users/{'ada' if times == 2 else 'ben'}")
        create = world.mallory.activity("Create", note)
        like = world.eve.activity("Like", "https://node.test/users/nobody/posts/2")
        before = node.state.count("notifications")
        followers = node.state.count("follows")
        requests = [cavage(actor, activity) for actor, activity in ((world.eve, follow), (world.mallory, create), (world.eve, like))]
        with ThreadPoolExecutor(20) as pool:
            jobs = [pool.submit(node.send, "POST", "/inbox", *made) for made in requests for _ in range(times)]
            statuses = {job.result().status for job in jobs}
        assert statuses == {202}
        node.state.wait_until_idle()
        assert node.state.count("posts", "uri = ?", note["id"]) == 1
        assert node.state.count("receipts", "activity_uri = ?", create["id"]) == 1
        assert node.state.count("receipts", "activity_uri = ?", follow["id"]) == 1
        assert node.state.count("follows") == followers + 1
        # The first time: one for the mention, one for the follower; the note is known at the second.
        assert node.state.count("notifications") == before + (2 if times == 2 else 1)
    counts = node.state.rows("SELECT followers_count FROM actors WHERE uri = 'https://node.test/users/ben'")
    assert counts == [(1,)]


@pytest.mark.parametrize("kind", ["20 kB Signature", "200 headers", "300 kB of headers"])
def test_s21_too_much_header_is_refused_and_the_worker_lives(world: World, kind: str) -> None:
    headers, body = cavage(world.mallory, hello(world.mallory))
    if kind == "20 kB Signature":
        headers["Signature"] += ',x="' + "A" * 20_000 + '"'
    elif kind == "200 headers":
        headers |= {f"X-Header-{number}": "x" for number in range(200)}
    else:
        headers |= {f"X-Header-{number}": "x" * 3000 for number in range(100)}
    with nothing_changes(world, 400, 401, 431, receipts=False, is_logged=False) as trial:
        trial.send("POST", "/inbox", headers, body)


def test_s22_a_good_message_signature_is_taken(world: World) -> None:
    assert world.node.send("POST", "/inbox", *rfc9421(world.mallory, hello(world.mallory))).status == 202
    activity = hello(world.carol)
    assert world.node.post(world.carol, activity, scheme="rfc9421", key=world.carol.ed25519_key).status == 202


@pytest.mark.parametrize("missing", ["@method", "@target-uri", "content-digest", "created"])
def test_s22_a_message_signature_that_covers_too_little_is_refused(world: World, missing: str) -> None:
    covered = tuple(name for name in ("@method", "@target-uri", "content-digest") if name != missing)
    created = None if missing == "created" else -1
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *rfc9421(world.mallory, hello(world.mallory), covered=covered, created=created))


@pytest.mark.parametrize("digest", ["sha-256=:AAAA:", "md5=:AAAA:", "sha-256=x", "x", "", "sha-256=:" + "A" * 43 + "=:"])
def test_s22_a_wrong_content_digest_is_refused(world: World, digest: str) -> None:
    with nothing_changes(world, 401, receipts=False) as trial:
        trial.send("POST", "/inbox", *rfc9421(world.mallory, hello(world.mallory), digest=digest or "-"))


def test_s26_a_signed_get_is_read_with_and_without_its_query(world: World) -> None:
    whole = {"Accept": MEDIA_TYPE}
    with_query = world.carol.signed("https://node.test/users/ada?x=1", b"", method="GET")[0]
    without = world.carol.signed("https://node.test/users/ada", b"", method="GET")[0]
    assert world.node.send("GET", "/users/ada?x=1", {**with_query, **whole}).status == 200
    assert world.node.send("GET", "/users/ada?x=1", {**without, **whole}).status == 200
    newer = world.carol.signed("https://node.test/users/ada", b"", method="GET", scheme="rfc9421", key=world.carol.ed25519_key)[0]
    assert world.node.send("GET", "/users/ada", {**newer, **whole}).status == 200


def test_s26_a_get_signed_for_another_path_is_refused(world: World) -> None:
    headers = world.carol.signed("https://node.test/users/ben", b"", method="GET")[0]
    with nothing_changes(world, 401, fetches=[(world.carol, "/users/carol")]) as trial:
        trial.send("GET", "/users/ada", {**headers, "Accept": MEDIA_TYPE})


def _mention(name: str) -> dict[str, str]:
    return {"type": "Mention", "href": f"https://node.test/users/{name}", "name": f"@{name}@node.test"}


# S25: our own requests


def _deliver(world: World, host: str) -> list[Any]:
    """Let ben say something to somebody at `host`; return what that server hears within two seconds."""
    node, peer = world.node, world.others[host]
    peer.forget()
    with node.writing() as session:
        make = Factory(session, node.settings, Clock(datetime.now(UTC)))
        ben = actors.by_name(session, "ben")
        assert ben is not None
        make.follow(make.remote("reader", host, shared_inbox=None), ben)
        current = rules.load(session, Mode.SELECTIVE)
        outbox.publish(session, ben, Draft("knock knock", Audience.PUBLIC), settings=node.settings, rules=current, now=datetime.now(UTC))
    peer.wait_for("POST")
    time.sleep(2)
    return peer.received("POST")


def test_s25_a_401_is_answered_with_the_other_scheme_once(world: World) -> None:
    heard: list[Any] = []

    def door(request: Any) -> int:
        heard.append(request)
        return 401 if len(heard) == 1 else 202

    world.others["once.test"].route("POST", "/users/reader/inbox", door)
    requests = _deliver(world, "once.test")
    assert len(requests) == 2
    assert {bool(request.header("Signature-Input")) for request in requests} == {True, False}
    assert requests[0].body == requests[1].body
    assert _states(world, "once.test") == [("delivered", 202)]


def test_s25_always_401_is_two_requests_and_then_a_pause(world: World) -> None:
    world.others["never.test"].route("POST", "/users/reader/inbox", 401)
    assert len(_deliver(world, "never.test")) == 2
    assert _states(world, "never.test") == [("waiting", 401)]


def test_s25_a_redirect_is_signed_anew_for_where_it_leads(world: World) -> None:
    mover = world.others["onward.test"].actor("mover")
    world.others["moved.test"].route("GET", "/users/mover", redirect(mover.id))
    headers, body = cavage(mover, hello(mover), key_id="https://moved.test/users/mover#main-key")
    assert world.node.send("POST", "/inbox", headers, body).status in (401, 403)
    document = world.node.get("/actor", Accept=MEDIA_TYPE).response.json()
    pem = document["publicKey"]["publicKeyPem"]
    for host in ("moved.test", "onward.test"):
        request = world.others[host].received("GET", "/users/mover")[0]
        parameters = parse_signature(request.message(f"https://{host}"), now=datetime.now(UTC))
        assert verify(parameters, VerifyKey(document["publicKey"]["id"], document["id"], "rsa", pem)).owner == document["id"]


def _states(world: World, host: str) -> list[tuple[Any, ...]]:
    world.node.state.wait_until_idle()
    return world.node.state.rows(
        "SELECT d.state, d.answer FROM deliveries d JOIN lanes l ON l.id = d.lane_id WHERE l.host = ?", host
    )


@pytest.mark.slow
def test_s18_and_is_had_after_a_minute_at_most(world: World) -> None:
    """The peers have recovered: the same request sent again is taken."""
    for away, began in _away:
        world.evil.route("GET", f"/users/{away.name}", away.document())
        time.sleep(max(0.0, began + 61 - time.monotonic()))
        assert world.node.post(away, hello(away)).status == 202
