"""F: whatever makes this node ask another server, it asks only public addresses, never long, never much, and never itself.

The node runs in the open mode: what refuses here is the guard of addresses, not the gate.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from federation.signatures import SigningKey, sign
from federation.vocabulary import JRD_MEDIA_TYPE, MEDIA_TYPE, PUBLIC
from node.actions import outbox
from node.actions.drafts import Draft
from node.database import new_id, ring
from node.models import Actor, Attachment, Errand, Post, Receipt
from node.policy import Audience, Mode
from node.queries import actors, rules
from tests.abuse.browser import Browser
from tests.abuse.conftest import world_at
from tests.abuse.crafting import cavage
from tests.abuse.running import Answer, now
from tests.abuse.trials import World
from tests.support.factories import Factory
from tests.support.peers import Canary, Peers, Reply, drip, endless, gzip_bomb, hang, redirect, reset

ADA = "https://node.test/users/ada"
SLOW = tuple(f"slow{number}.test" for number in range(1, 7))
_numbers = count(1)


def _others(peers: Peers, canary: Canary) -> dict[str, Any]:
    """Start servers whose names lead inside, whose certificates are wrong, or that are slow."""
    peers.point("inside.test", canary)
    peers.point("node.test", canary)
    others: dict[str, Any] = {"peers": peers, "half.test": peers.add("half.test")}
    peers.point("mixed.test", [others["half.test"], canary])
    others["expired.test"] = peers.add("expired.test", valid_for=timedelta(days=-1))
    others["selfsigned.test"] = peers.add("selfsigned.test", self_signed=True)
    others["wrongname.test"] = peers.add("wrongname.test", certificate_for=("other.test",))
    others["plain.test"] = peers.add("plain.test", scheme="http")
    return others | {name: peers.add(name) for name in SLOW}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_at(tmp_path_factory.mktemp("node"), _others, COURTYARD_FEDERATION="open") as made:
        made.probe()
        before = made.node.memory()
        yield made
        grown = made.node.memory() - before
        assert grown < 50 * 1024 * 1024, f"the node grew by {grown / 1024 / 1024:.0f} MB"


# Where an address from outside makes us ask. Each returns what the node answered, None when a job does the asking.

Trigger = Callable[[World, str], Answer | None]


def by_key_id(world: World, url: str) -> Answer:
    return world.node.send("POST", "/inbox", *cavage(world.mallory, world.mallory.activity("Like", ADA), key_id=url + "#main-key"))


def by_key_id_of_a_read(world: World, url: str) -> Answer:
    key = SigningKey(url + "#main-key", "rsa", world.mallory.rsa.private_pem)
    headers = sign("GET", ADA, None, key, now=now())
    return world.node.send("GET", "/users/ada", {**headers, "Accept": MEDIA_TYPE})


def by_owner_of_a_key(world: World, url: str) -> Answer:
    number = next(_numbers)
    world.evil.serve({"id": f"https://evil.test/keys/{number}", "type": "Key", "owner": url, "publicKeyPem": world.mallory.rsa.public_pem})
    return world.node.send("POST", "/inbox", *cavage(world.mallory, world.mallory.activity("Like", ADA), key_id=f"https://evil.test/keys/{number}"))


def by_actor(world: World, url: str) -> Answer:
    return world.node.post(world.mallory, {**world.mallory.activity("Like", ADA), "actor": url})


def by_object(world: World, url: str) -> Answer:
    return world.node.post(world.mallory, world.mallory.activity("Announce", url, to=[PUBLIC]))


def by_created_object(world: World, url: str) -> Answer:
    return world.node.post(world.mallory, world.mallory.activity("Create", url, to=[PUBLIC]))


def by_parent(world: World, url: str) -> Answer:
    return world.node.post(world.mallory, world.mallory.activity("Create", world.mallory.note("<p>re</p>", inReplyTo=url)))


def by_author(world: World, url: str) -> Answer:
    note = world.evil.serve(world.mallory.note("<p>whose?</p>", attributedTo=url))
    return world.node.post(world.eve, world.eve.activity("Announce", note["id"], to=[PUBLIC]))


def by_replies(world: World, url: str) -> Answer:
    note = world.evil.serve(world.mallory.note("<p>ask for replies</p>", replies=url))
    return world.node.post(world.eve, world.eve.activity("Announce", note["id"], to=[PUBLIC]))


def by_reply_in_a_collection(world: World, url: str) -> Answer:
    number = next(_numbers)
    page = {"id": f"https://evil.test/replies/{number}", "type": "Collection", "items": [url, {"type": "Note", "id": url}]}
    world.evil.serve(page)
    return by_replies(world, page["id"])


def by_next_page(world: World, url: str) -> Answer:
    number = next(_numbers)
    first = {"type": "CollectionPage", "id": f"https://evil.test/replies/{number}?page=1", "items": [], "next": url}
    world.evil.serve({"id": f"https://evil.test/replies/{number}", "type": "Collection", "first": first})
    world.evil.serve({"id": f"https://evil.test/linked/{number}", "type": "Collection", "first": url})
    by_replies(world, f"https://evil.test/linked/{number}")
    return by_replies(world, f"https://evil.test/replies/{number}")


def by_actor_document(world: World, url: str) -> Answer:
    """Inbox, outbox, collections, icon: an actor that names addresses elsewhere."""
    number = next(_numbers)
    fields = {"outbox": url, "featured": url, "followers": url, "following": url, "icon": {"type": "Image", "url": url}, "url": url}
    sly = world.evil.actor(f"sly{number}", **fields)
    answer = world.node.post(sly, sly.activity("Create", sly.note("<p>hello</p>")))
    worse = world.evil.actor(f"worse{number}", inbox=url, endpoints={"sharedInbox": url})
    world.node.post(worse, worse.activity("Follow", ADA))
    return answer


def by_move(world: World, url: str) -> Answer:
    return world.node.post(world.mallory, world.mallory.activity("Move", world.mallory.id, target=url))


def by_attachment(world: World, url: str) -> Answer:
    return world.node.get(f"/media/{_attachment(world, url)}", world.cookie)


def by_icon(world: World, url: str) -> Answer:
    with world.node.writing() as session:
        eve = actors.by_uri(session, world.eve.id)
        assert eve is not None
        eve.icon_url = url
        key = eve.id
    return world.node.get(f"/media/icon/{key}", world.cookie)


def by_search(world: World, url: str) -> Answer:
    return _browser(world).post("/search", {"q": url})


def by_api_search(world: World, url: str) -> Answer:
    path = f"/api/v2/search?resolve=true&q={quote(url, safe='')}"
    return world.node.get(path, Authorization=f"Bearer {_token(world)}")


def by_handle(world: World, url: str) -> Answer:
    return _browser(world).post("/search", {"q": f"@alice@{urlsplit(url).netloc}"})


def by_api_handle(world: World, url: str) -> Answer:
    handle = f"alice@{urlsplit(url).netloc}"
    return world.node.get(f"/api/v2/search?resolve=true&q={quote(handle, safe='')}", Authorization=f"Bearer {_token(world)}")


def by_webfinger_link(world: World, url: str) -> Answer:
    name = f"lost{next(_numbers)}"
    link = {"rel": "self", "type": MEDIA_TYPE, "href": url}
    body = {"subject": f"acct:{name}@half.test", "links": [link]}
    world.others["half.test"].route("GET", "/.well-known/webfinger", Reply(200, {"Content-Type": JRD_MEDIA_TYPE}, json.dumps(body).encode()))
    return _browser(world).post("/search", {"q": f"@{name}@half.test"})


def by_webfinger_subject(world: World, url: str) -> Answer:
    name = f"lost{next(_numbers)}"
    link = {"rel": "self", "type": MEDIA_TYPE, "href": "https://half.test/none"}
    body = {"subject": f"acct:{name}@{urlsplit(url).netloc}", "links": [link]}
    world.others["half.test"].route("GET", "/.well-known/webfinger", Reply(200, {"Content-Type": JRD_MEDIA_TYPE}, json.dumps(body).encode()))
    return _browser(world).post("/search", {"q": f"@{name}@half.test"})


def by_remote_follow(world: World, url: str) -> Answer:
    return Browser(world.node).post("/users/ada/follow", {"address": f"alice@{urlsplit(url).netloc}"})


def by_nodeinfo(world: World, url: str) -> None:
    """What a host's NodeInfo links to, and NodeInfo of the address itself."""
    schema = "http://nodeinfo.diaspora.software/ns/schema/2.1"
    links = json.dumps({"links": [{"rel": schema, "href": url}]}).encode()
    world.others["half.test"].route("GET", "/.well-known/nodeinfo", Reply(200, {"Content-Type": "application/json"}, links))
    with world.node.writing() as session:
        for uri in ("https://half.test/.well-known/nodeinfo", url[:2000]):
            row = {"kind": "nodeinfo", "uri": uri, "budget": 0, "attempts": 0, "due_at": now()}
            if not session.query(Errand).filter_by(kind="nodeinfo", uri=uri).count():
                session.add(Errand(id=new_id(now()), **row))
        ring(session, "fetch")


def by_delivery(world: World, url: str) -> None:
    """An inbox: of an actor whose document was good once, and whose name leads elsewhere today."""
    with world.node.writing() as session:
        make = Factory(session, world.node.settings, _clock())
        name = f"reader{next(_numbers)}"
        host = "unreachable.test"
        reader = make.remote(name, host, inbox=url[:2000], shared_inbox=None)
        ada = actors.by_name(session, "ada")
        assert isinstance(ada, Actor)
        make.follow(reader, ada)
    _say(world)


TRIGGERS: dict[str, Trigger] = {
    "keyId": by_key_id, "keyId of a read": by_key_id_of_a_read, "owner of a key": by_owner_of_a_key, "actor": by_actor,
    "object": by_object, "created object": by_created_object, "inReplyTo": by_parent, "attributedTo": by_author,
    "replies": by_replies, "item of replies": by_reply_in_a_collection, "next page": by_next_page,
    "actor document": by_actor_document, "move": by_move, "attachment": by_attachment, "icon": by_icon, "search": by_search,
    "API search": by_api_search, "handle": by_handle, "API handle": by_api_handle, "WebFinger link": by_webfinger_link,
    "WebFinger subject": by_webfinger_subject, "remote follow": by_remote_follow, "NodeInfo": by_nodeinfo, "delivery": by_delivery,
}  # fmt: skip

V4 = (
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.0.192", "192.88.99.1",
    "198.18.0.1", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
V6 = (
    "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "fec0::1", "fe80::1%25lo", "fe80::1%lo",
    "fd00:ec2::254", "3fff::1", "::ffff:0:7f00:1", "::ffff:a9fe:a9fe", "2001:db8::1", "fe80::1",
)  # fmt: skip
NAMES = {
    "F01 loopback": ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "127.0.0.9", "LOCALHOST", "localhost."),
    "F02 odd spellings": ("127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1.", "0x7f000001", "%31%32%37.0.0.1"),
    "F03 IPv6": tuple(f"[{address}]" for address in V6),
    "F04 private": V4,
    "F06 names that lead inside": ("inside.test", "mixed.test", "INSIDE.test", "inside.test.", "inside.test:443", "inside.test:80"),
}  # fmt: skip
FORMS = ("https://{}:80/x", "http://{}/x")
URLS = tuple(f"https://{name}/x" for names in NAMES.values() for name in names)
MORE = tuple(form.format(name) for name in ("127.0.0.9", "[::1]", "localhost", "inside.test", "127.1") for form in FORMS)
FEW = tuple(f"https://{names[-1]}/x" for names in NAMES.values()) + MORE[:4]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_f01_to_f06_no_trigger_reaches_inside(world: World, trigger: str) -> None:
    act = TRIGGERS[trigger]
    urls = FEW if trigger in _ONE_AT_A_TIME | _COSTLY else URLS + MORE
    quiet = _Quiet(world)
    if trigger in _ONE_AT_A_TIME:
        answers = [_settled(quiet, act(world, url)) for url in urls]
    else:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda url: act(world, url), urls))
    quiet.settle()
    for url, answer in zip(urls, answers, strict=True):
        assert answer is None or answer.status in _DOCUMENTED, (url, answer.status, answer.body[:300])
        assert answer is None or answer.seconds < PATIENCE, (url, answer.seconds)
    quiet.check()
    world.probe()


def _settled(quiet: _Quiet, answer: Answer | None) -> Answer | None:
    quiet.settle()
    return answer


PATIENCE = 8.0
"""Seconds for an answer while four others are under way on a busy machine."""
_ONE_AT_A_TIME = {"icon", "NodeInfo", "delivery", "WebFinger link", "WebFinger subject"}
_COSTLY = {"actor document", "next page", "owner of a key", "item of replies", "replies", "attributedTo"}
"""These reach the same reader as the others, by several requests to a peer: a few addresses are enough."""
_DOCUMENTED = {200, 202, 303, 400, 401, 403, 404, 415, 422}


class _Quiet:
    """Notes what the canaries and the log have seen, and checks that nothing was added."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.node.state.wait_until_idle(30)
        self._hits = [canary.hits for canary in world.canaries]
        self._logged = world.node.log_end()

    def settle(self) -> None:
        self._world.node.state.wait_until_idle(30)

    def check(self) -> None:
        hits = [canary.hits for canary in self._world.canaries]
        assert hits == self._hits, "a canary was touched"
        errors = [line for line in self._world.node.log(self._logged) if line.get("level") == "error"]
        assert not errors, errors[:3]
        assert not self._world.node.state.trouble(), self._world.node.state.trouble()


REDIRECTED = {name: TRIGGERS[name] for name in ("keyId", "object", "inReplyTo", "search", "API search", "attachment", "icon", "item of replies", "move")}


@pytest.mark.parametrize("hop", [1, 2, 3])
@pytest.mark.parametrize("trigger", REDIRECTED)
def test_f07_a_redirect_does_not_lead_inside(world: World, trigger: str, hop: int) -> None:
    quiet = _Quiet(world)
    for target in ("https://127.0.0.9/x", "https://[::1]:80/x", "https://169.254.169.254/latest", "http://inside.test/x", "https://inside.test:80/x", "//127.0.0.9/x"):
        number = next(_numbers)
        for step in range(hop):
            onward = f"https://evil.test/hop/{number}/{step + 1}" if step < hop - 1 else target
            world.evil.route("GET", f"/hop/{number}/{step}", redirect(onward, 301 + step))
        answer = REDIRECTED[trigger](world, f"https://evil.test/hop/{number}/0")
        assert answer is not None and answer.status in _DOCUMENTED, (answer.status, answer.body[:200])
    quiet.settle()
    quiet.check()
    assert world.evil.received("GET"), "it was asked at all"


def test_f07_a_delivery_follows_no_redirect(world: World) -> None:
    target = world.others["half.test"]
    target.route("POST", "/moved", redirect("https://evil.test/stolen", 307))
    world.evil.route("POST", "/stolen", 202)
    by_delivery(world, "https://half.test/moved")
    target.wait_for("POST", "/moved")
    time.sleep(0.5)
    assert not world.evil.received("POST", "/stolen")


HEAVY: dict[str, Any] = {
    "F09 endless": endless(), "F09 ten gigabytes": Reply(200, {"Content-Type": MEDIA_TYPE, "Content-Length": "10000000000"}, b"{" * 2_000_000),
    "F10 gzip bomb": gzip_bomb(), "F10 gzip bomb of a redirect": gzip_bomb(status=302, Location="https://evil.test/none"),
    "F10 bomb of a 404": gzip_bomb(status=404),
}  # fmt: skip


@pytest.mark.parametrize("kind", HEAVY)
def test_f09_f10_what_is_too_much_is_cut(world: World, kind: str) -> None:
    before = world.node.memory()
    quiet = _Quiet(world)
    for trigger in REDIRECTED:
        number = next(_numbers)
        world.evil.route("GET", f"/heavy/{number}", HEAVY[kind])
        answer = REDIRECTED[trigger](world, f"https://evil.test/heavy/{number}")
        assert answer is not None and answer.status in _DOCUMENTED | {503}, (trigger, answer.status)
        assert answer.seconds < 10, (trigger, answer.seconds)
    quiet.settle()
    quiet.check()
    assert world.node.memory() - before < 30 * 1024 * 1024
    world.probe()


def test_f11_f13_slow_and_silent_servers_hold_up_nobody_else(world: World) -> None:
    """All kinds at once: each ends after ten seconds at most, and a valid activity is seen soon meanwhile."""
    routes = {
        "slow1.test": drip(), "slow2.test": drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n\r\n"),
        "slow3.test": hang(), "slow6.test": Reply(200, {"Content-Type": MEDIA_TYPE, "Content-Length": "100"}, b"{"),
    }  # fmt: skip
    for name, route in routes.items():
        world.others[name].route("GET", "/*", route)
        world.others[name].route("GET", "/.well-known/webfinger", route)
    world.others["slow4.test"].on_connect = hang()
    world.others["slow5.test"].on_connect = reset()
    triggers = [by_key_id, by_object, by_parent, by_search, by_handle, by_remote_follow]
    with ThreadPoolExecutor(40) as pool:
        jobs = [pool.submit(act, world, f"https://{name}/users/x{next(_numbers)}") for name in SLOW for act in triggers]
        time.sleep(1)
        waited = [world.probe() for _ in range(3)]
        answers = [job.result() for job in jobs]
    assert max(waited) < 5
    for answer in answers:
        assert answer is not None and answer.status in _DOCUMENTED | {503, 429}, (answer.status, answer.body[:200])
        assert answer.seconds < 14, answer.seconds
    for name in SLOW:
        world.others[name].on_connect = None
        world.others[name].route("GET", "/*", 410)
        world.others[name].route("GET", "/.well-known/webfinger", 404)
    with world.node.writing() as session:  # what is put off would disturb the cases that follow
        session.query(Errand).delete()
        session.query(Receipt).filter_by(state="fetching").delete()


@pytest.mark.parametrize("kind", ["endless next", "next is itself", "circle", "many items", "nested first", "too large"])
def test_f14_a_collection_ends_after_ten_pages(world: World, kind: str) -> None:
    number = next(_numbers)
    base = f"https://evil.test/many/{number}"

    def page(request: Any) -> Any:
        at = int((request.query.get("page") or ["0"])[0])
        onward = {"endless next": at + 1, "next is itself": at, "circle": (at + 1) % 3, "nested first": at + 1}.get(kind)
        items = [f"https://evil.test/none/{number}/{at}/{item}" for item in range({"many items": 10_000, "too large": 60_000}.get(kind, 3))]
        body: dict[str, Any] = {"id": f"{base}?page={at}", "type": "CollectionPage", "items": items}
        if onward is not None:
            body["next"] = f"{base}?page={onward}"
        if kind == "nested first":
            body["first"] = f"{base}?page={at + 1}"
        return body

    world.evil.route("GET", f"/many/{number}", page)
    world.evil.forget()
    assert by_replies(world, base).status == 202
    world.node.state.wait_until_idle(60)
    pages = world.evil.received("GET", f"/many/{number}")
    items = [request for request in world.evil.received("GET") if request.path.startswith(f"/none/{number}/")]
    assert 1 <= len(pages) <= 10
    assert len(items) <= 500
    world.probe()


HANDLES = (
    "acct:x@evil.test:1234/secret?y#", "x@127.0.0.1", "x@[::1]", "x@a/../b", "x@evil.test\r\nX: y", "x@evil.test%0d%0aX: y", "x@evil.test/..",
    "x@@evil.test", "x@evil.test@good.test", "x@evil.test?y", "x y@evil.test", "@evil.test", "x@", "x@2130706433", "x@evil.test#", "x@evil.test:99999",
)  # fmt: skip


@pytest.mark.parametrize("handle", HANDLES)
def test_f16_an_odd_handle_is_refused_and_nobody_is_asked(world: World, handle: str) -> None:
    quiet = _Quiet(world)
    for peer in world.around:
        peer.forget()
    answers = [
        _browser(world).post("/search", {"q": handle}),
        Browser(world.node).post("/users/ada/follow", {"address": handle}),
        world.node.get(f"/api/v2/search?resolve=true&q={quote(handle, safe='')}", Authorization=f"Bearer {_token(world)}"),
        world.node.get(f"/api/v1/accounts/lookup?acct={quote(handle, safe='')}", Authorization=f"Bearer {_token(world)}"),
        world.node.get(f"/.well-known/webfinger?resource={quote(handle, safe='')}"),
    ]
    assert [answer.status for answer in answers[:2]] in ([422, 422], [404, 422]), [answer.status for answer in answers]
    assert all(answer.status in (200, 400, 404, 422) for answer in answers[2:]), [answer.status for answer in answers]
    quiet.check()
    assert not [request for peer in world.around for request in peer.received("GET")]


OURS = ("https://node.test", "https://NODE.TEST", "https://node.test:443", "https://node.test.", "https://ｎｏｄｅ.test", "https://node。test", "http://node.test")


@pytest.mark.parametrize("origin", OURS)
def test_f18_our_own_address_is_answered_from_the_database(world: World, origin: str) -> None:
    """node.test leads to a canary here: whoever asks it by HTTP is found out."""
    quiet = _Quiet(world)
    for trigger in ("keyId", "object", "inReplyTo", "attributedTo", "replies", "item of replies", "search", "API search", "attachment", "icon", "handle", "move", "WebFinger link", "remote follow"):  # fmt: skip
        answer = TRIGGERS[trigger](world, f"{origin}/users/ada")
        assert answer is not None and answer.status in _DOCUMENTED, (trigger, answer.status, answer.body[:200])
    quiet.settle()
    quiet.check()


@pytest.mark.parametrize("host", ["expired.test", "selfsigned.test", "wrongname.test", "plain.test"])
def test_f19_only_a_certificate_that_is_right_is_believed(world: World, host: str) -> None:
    peer = world.others[host]
    peer.actor("x")
    peer.route("GET", "/*", {"id": f"https://{host}/users/x", "type": "Note"})
    peer.forget()
    scheme = "http" if host == "plain.test" else "https"
    for trigger in ("keyId", "object", "inReplyTo", "search", "API search", "handle", "attachment", "icon"):
        answer = TRIGGERS[trigger](world, f"{scheme}://{host}/users/x")
        assert answer is not None and answer.status in _DOCUMENTED | {503}, (trigger, answer.status)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and world.node.state.count("receipts", "state = 'new'"):
        time.sleep(0.02)
    time.sleep(0.3)
    assert not peer.received()
    with world.node.writing() as session:
        session.query(Errand).delete()
        session.query(Receipt).filter_by(state="fetching").delete()


NOT_PICTURES: dict[str, Any] = {
    "page": Reply(200, {"Content-Type": "text/html"}, b"<script>alert(1)</script>"),
    "page as png": Reply(200, {"Content-Type": "image/png"}, b"<script>alert(1)</script>"),
    "svg": Reply(200, {"Content-Type": "image/svg+xml"}, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "activity": Reply(200, {"Content-Type": MEDIA_TYPE}, b"{}"),
    "pdf": Reply(200, {"Content-Type": "application/pdf"}, b"%PDF-1.7"),
    "no type": Reply(200, {}, b"\x89PNG\r\n\x1a\n"),
    "not there": Reply(404),
}


@pytest.mark.parametrize("kind", NOT_PICTURES)
def test_f21_only_pictures_pass_the_media_door(world: World, kind: str) -> None:
    number = next(_numbers)
    world.evil.route("GET", f"/file/{number}", NOT_PICTURES[kind])
    for act in (by_attachment, by_icon):
        answer = act(world, f"https://evil.test/file/{number}")
        assert answer is not None and answer.status in (403, 404, 415), answer.status
        assert b"script" not in answer.body and b"svg" not in answer.body


def test_f21_the_media_door_opens_for_no_address_of_the_asker(world: World) -> None:
    world.evil.forget()
    picture = quote("https://evil.test/picture.png", safe="")
    for path in (f"/media/?url={picture}", f"/media/{picture}", f"/media/1?url={picture}", f"/media/proxy/{picture}", f"/media/0?key=x&url={picture}"):
        assert world.node.get(path, world.cookie).status in (400, 403, 404)
    assert not world.evil.received()
    nested = by_attachment(world, "https://node.test/media/1")
    assert nested is not None and nested.status in (403, 404, 415)


def test_f06_one_lookup_for_each_connection(world: World) -> None:
    """A name that leads somewhere else at the second question: the address that was checked is the one that is dialled."""
    peers = world.others["peers"]
    peers.point("rebind.test", world.others["half.test"], world.canaries[0])
    hits = world.canaries[0].hits
    client = peers.client()
    with pytest.raises(Exception):  # its certificate is another's: it was the first address that was dialled
        client.get_document("https://rebind.test/x")
    assert peers.lookups["rebind.test"] == 1 and world.canaries[0].hits == hits


def _say(world: World) -> None:
    with world.node.writing() as session:
        ada = actors.by_name(session, "ada")
        assert ada is not None
        current = rules.load(session, Mode.OPEN)
        outbox.publish(session, ada, Draft("something to deliver", Audience.PUBLIC), settings=world.node.settings, rules=current, now=now())


def _attachment(world: World, url: str) -> int:
    with world.node.writing() as session:
        post_id = session.query(Post.id).join(Post.author).filter_by(uri=world.carol.id).order_by(Post.id.desc()).first()[0]  # type: ignore[index]
        row = Attachment(id=new_id(now()), post_id=post_id, position=9, kind="image", url=url[:2000], media_type="image/png")
        session.add(row)
        return row.id


def _clock() -> Any:
    from tests.support.clocks import Clock

    return Clock(now())


_kept: dict[int, Any] = {}
_making = threading.Lock()


def _browser(world: World) -> Browser:
    with _making:
        if id(world) not in _kept:
            _kept[id(world)] = (Browser(world.node, "ada"), world.node.token("ada"))
            _kept[id(world)][0].get("/settings")
        return _kept[id(world)][0]


def _token(world: World) -> str:
    _browser(world)
    return _kept[id(world)][1]

