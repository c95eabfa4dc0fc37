"""L: every post carries a word of its own; nobody reads a word that was not for them, whatever route they take."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from federation.vocabulary import MEDIA_TYPE, PUBLIC
from node import create_app
from node.actions import outbox, relations, spaces
from node.actions.drafts import Draft, PollDraft
from node.models import Activity, Attachment, Member, Post
from node.policy import Audience, Mode, PeerState
from node.queries import actors, rules
from tests.abuse.browser import Browser
from tests.abuse.conftest import world_at
from tests.abuse.crafting import cavage
from tests.abuse.running import DOMAIN, ORIGIN, now
from tests.abuse.trials import World
from tests.support.factories import Factory
from tests.support.peers import Actor, Canary, Peers, Reply, redirect

ADA = f"{ORIGIN}/users/ada"
WORDS = {audience.value: f"canary{audience.value}word" for audience in Audience}
OPEN = {WORDS["public"], WORDS["unlisted"]}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@dataclass
class Seeds:
    """ada's posts by audience: uri and id; and what each viewer brings along."""

    uris: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    activities: list[int] = field(default_factory=list)
    ada_id: int = 0


def _sub(peers: Peers, canary: Canary) -> dict[str, Any]:
    return {name: peers.add(name) for name in ("sub.evil.test", "xn--evl-3pa.test")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_at(tmp_path_factory.mktemp("node"), _sub) as made:
        made.probe()
        yield made


@pytest.fixture(scope="module")
def seeds(world: World) -> Seeds:
    """alice follows ada, eve has asked to, bob did once; carol is named in what is direct; mallory is nobody."""
    node, made = world.node, Seeds()
    with node.writing() as session:
        make = Factory(session, node.settings, _clock())
        ada = actors.by_name(session, "ada")
        assert ada is not None
        made.ada_id = ada.id
        ada.is_locked = True
        make.follow(_known(session, world.alice), ada)
        make.follow(_known(session, world.eve), ada, "pending")
        make.follow(bob := _known(session, world.bob), ada)
        admin = session.scalars(select(Member).where(Member.role == "admin").options(joinedload(Member.actor))).one()
        space = spaces.create(session, admin, "office", "Office", "", now())
        spaces.join(session, space, ada, now())
        current = rules.load(session, Mode.SELECTIVE)
        relations.remove_follower(session, ada, bob, settings=node.settings, rules=current, now=now())
        for audience in Audience:
            text = f"{WORDS[audience]} #tag{audience}" + (" @carol@good.test" if audience is Audience.DIRECT else "")
            poll = PollDraft((f"{WORDS[audience]} yes", "no")) if audience is Audience.MEMBERS else None
            draft = Draft(text, audience, summary=f"{WORDS[audience]} warning", poll=poll, space_id=space.id if audience is Audience.SPACE else None)
            post = outbox.publish(session, ada, draft, settings=node.settings, rules=current, now=now())
            made.uris[audience.value], made.ids[audience.value] = post.uri, post.id
        post = session.scalars(_with_parts(made.ids["followers"])).one()
        outbox.edit(session, post, by=ada, text=f"{WORDS['followers']} edited", settings=node.settings, rules=current, now=now())
    node.state.wait_until_idle()
    with node.writing() as session:
        made.activities = list(session.scalars(select(Activity.id)))
    return made


def _with_parts(post_id: int) -> Any:
    parts = (Post.author, Post.mentions, Post.hashtags, Post.options, Post.attachments)
    return select(Post).where(Post.id == post_id).options(*(selectinload(part) for part in parts))


def _known(session: Any, actor: Actor) -> Any:
    found = actors.by_uri(session, actor.id)
    assert found is not None
    return found


def _clock() -> Any:
    from tests.support.clocks import Clock

    return Clock(now())


def routes(world: World, seeds: Seeds) -> list[str]:
    """Return every address under which a word could be read."""
    paths = [
        "/", "/inside", "/explore", "/search?q=canary", "/users/ada", "/users/ada?with=replies", "/users/ada/feed.atom", "/spaces/office",
        "/users/ada/followers", "/users/ada/following", "/users/ada/outbox", "/users/ada/outbox?page=true", "/notifications", "/bookmarks",
        "/users/ada/collections/featured", "/users/ada/followers_synchronization", "/about", "/nodeinfo/2.1", "/sitemap.xml", "/robots.txt",
        "/.well-known/webfinger?resource=acct:ada@node.test", "/actor", "/users/ada/inbox", "/metrics", "/healthz", "/readyz",
        "/api/v1/timelines/public", "/api/v1/timelines/public?local=true", "/api/v1/timelines/home", f"/api/v1/accounts/{seeds.ada_id}/statuses",
        f"/api/v1/accounts/{seeds.ada_id}/statuses?pinned=true", f"/api/v1/accounts/{seeds.ada_id}", "/api/v2/search?q=canary&resolve=true",
        "/api/v1/trends/statuses", "/api/v2/instance", "/api/v1/notifications", "/api/v1/favourites", "/api/v1/accounts/lookup?acct=ada",
    ]  # fmt: skip
    for name, uri in seeds.uris.items():
        path, key = uri.removeprefix(ORIGIN), seeds.ids[name]
        paths += [path, *(f"{path}/{part}" for part in ("replies", "replies?page=true", "likes", "shares", "activity", "embed"))]
        paths += [f"/posts/{key}", f"/posts/{key}/history", f"/posts/{key}/deliveries", f"/posts/{key}/edit", f"/oembed?url={quote(uri)}"]
        paths += [f"/api/v1/statuses/{key}{part}" for part in ("", "/context", "/history", "/source", "/card", "/favourited_by")]
        paths += [f"/tags/tag{name}", f"/api/v1/timelines/tag/tag{name}", f"/api/v1/tags/tag{name}", f"/search?q={quote(uri)}", f"/@ada/{key}", f"/api/v1/polls/{key}"]
    return paths + [f"/activities/{key}" for key in seeds.activities]


VIEWERS: dict[str, set[str]] = {
    "anonymous": OPEN, "stranger": OPEN, "asked to follow": OPEN, "followed once": OPEN, "follower": OPEN | {WORDS["followers"]},
    "named": OPEN | {WORDS["direct"]}, "member": OPEN | {WORDS["members"], WORDS["partners"]}, "moderator": OPEN | {WORDS["members"], WORDS["partners"]},
}  # fmt: skip


@pytest.mark.parametrize("viewer", VIEWERS)
def test_l01_to_l11_nobody_reads_what_was_not_for_them(world: World, seeds: Seeds, viewer: str) -> None:
    node = world.node
    servers = {"stranger": world.mallory, "asked to follow": world.eve, "followed once": world.bob, "follower": world.alice, "named": world.carol}
    login = {"member": "ben", "moderator": "mona"}.get(viewer, "")
    cookie, token = (node.sign_in(login), node.token(login)) if login else ("", "")
    forbidden = set(WORDS.values()) - VIEWERS[viewer]
    read = set()
    for path in routes(world, seeds):
        accepts = (MEDIA_TYPE,) if viewer in servers else ("text/html",) if login else ("text/html", MEDIA_TYPE, "application/json")
        for accept in accepts:
            extra = {"Authorization": f"Bearer {token}"} if token and path.startswith("/api/") else {}
            answer = node.get(path, cookie, servers.get(viewer), Accept=accept, **extra)
            assert answer.status < 500, (path, accept, answer.status)
            body = answer.body.decode("utf-8", "replace") + str(answer.response.headers)
            if path.startswith(("/search", "/tags", "/api/v1/timelines/tag", "/api/v1/tags")):
                body = body.replace(path.rpartition("/")[2], "")
            found = {word for word in forbidden if word in body}
            assert not found, (viewer, path, accept, found)
            read |= {word for word in VIEWERS[viewer] if word in body}
    assert read == VIEWERS[viewer], "the crawl sees what it may see"


def test_l01_the_outbox_counts_what_it_shows(world: World, seeds: Seeds) -> None:
    for actor in (None, world.mallory, world.alice):
        whole = world.node.get("/users/ada/outbox", "", actor, Accept=MEDIA_TYPE).response.json()
        page = world.node.get("/users/ada/outbox?page=true", "", actor, Accept=MEDIA_TYPE).response.json()
        assert whole["totalItems"] == len(page["orderedItems"]) == len(OPEN), "the public and the unlisted one"
    profile = world.node.get("/users/ada", Accept=MEDIA_TYPE).response.json()
    assert not {"followersCount", "email"} & set(profile)


def test_l02_a_private_post_is_answered_like_one_that_is_not_there(world: World, seeds: Seeds) -> None:
    missing = re.sub(r"\d+$", str(seeds.ids["public"] + 12345), seeds.uris["public"]).removeprefix(ORIGIN)
    for name in ("followers", "members", "direct", "space", "partners"):
        path = seeds.uris[name].removeprefix(ORIGIN)
        for actor, accept in ((None, MEDIA_TYPE), (world.mallory, MEDIA_TYPE), (None, "text/html")):
            there = world.node.get(path, "", actor, Accept=accept)
            gone = world.node.get(missing, "", actor, Accept=accept)
            assert there.status == gone.status == 404
            assert _bare(there.body, path) == _bare(gone.body, missing)
            assert {key.lower() for key in there.response.headers} == {key.lower() for key in gone.response.headers}
    times: dict[str, list[float]] = {"there": [], "gone": []}
    for _ in range(30):
        for name, path in (("there", seeds.uris["followers"].removeprefix(ORIGIN)), ("gone", missing)):
            times[name].append(world.node.get(path, Accept=MEDIA_TYPE).seconds)
    assert abs(statistics.median(times["there"]) - statistics.median(times["gone"])) < 0.02


def _bare(body: bytes, path: str) -> bytes:
    """Return a page without what differs each time: its own address and the token of its forms."""
    body = body.replace(path.encode(), b"").replace(quote(path, safe="").encode(), b"")
    return re.sub(rb'(csrf_token" value|nonce)="[^"]*"', b"", body)


def test_l05_l06_l08_each_word_went_only_where_it_was_meant_to(world: World, seeds: Seeds) -> None:
    """What was delivered: followers' words to alice's server, direct ones to carol's, those of the house to nobody."""
    world.victim.wait_for("POST", count=2)
    world.good.wait_for("POST")
    world.node.state.wait_until_idle()
    bodies = {peer.name: b"".join(request.body for request in peer.received("POST")).decode() for peer in world.around}
    everything = "".join(bodies.values())
    for word in ("members", "space", "partners"):
        assert WORDS[word] not in everything
    assert WORDS["followers"] in bodies["victim.test"]
    assert WORDS["followers"] not in bodies["good.test"] + bodies["evil.test"]
    assert WORDS["direct"] in bodies["good.test"]
    assert WORDS["direct"] not in bodies["victim.test"] + bodies["evil.test"]
    assert not re.search(r'"b(to|cc)"', everything)
    assert WORDS["public"] not in bodies["evil.test"], "eve has only asked to follow"


def test_l08_a_blind_copy_names_nobody(world: World, seeds: Seeds) -> None:
    note = world.carol.note("<p>blind</p>", to=[PUBLIC], bto=[f"{ORIGIN}/users/ben"], bcc=[f"{ORIGIN}/users/mona"])
    activity = {**world.carol.activity("Create", note), "bto": note["bto"], "bcc": note["bcc"]}
    assert world.node.post(world.carol, activity).status == 202
    world.node.state.wait_until_idle()
    addressed = world.node.state.rows("SELECT addressed FROM posts WHERE uri = ?", note["id"])[0][0]
    assert "ben" not in addressed and "mona" not in addressed


def test_l09_a_picture_is_for_those_who_may_see_its_post(world: World, seeds: Seeds) -> None:
    node = world.node
    picture = Reply(200, {"Content-Type": "image/png"}, PNG)
    world.victim.route("GET", "/private.png", picture)
    note = world.alice.note("<p>look</p>", to=[f"{world.alice.id}/followers"], cc=[], attachment=[{"type": "Image", "mediaType": "image/png", "url": "https://victim.test/private.png"}])  # fmt: skip
    assert node.post(world.alice, world.alice.activity("Create", note)).status == 202
    node.state.wait_until_idle()
    with node.writing() as session:
        key = session.scalars(select(Attachment.id).where(Attachment.url == "https://victim.test/private.png")).one()
    ada, ben = node.sign_in("ada"), node.sign_in("ben")
    shown = node.get(f"/media/{key}", ada)
    assert shown.status == 200 and shown.body == PNG, shown.status
    assert "private" in (shown.header("Cache-Control") or "") and "sandbox" in (shown.header("Content-Security-Policy") or "")
    for cookie in (ben, "", "forged"):
        assert node.get(f"/media/{key}", cookie).status == 404
    assert node.get(f"/media/{key}?key=forged").status == 404
    assert node.get(f"/media/{key}", "", world.bob).status == 404
    assert node.post(world.alice, world.alice.activity("Delete", note["id"])).status == 202
    node.state.wait_until_idle()
    assert node.get(f"/media/{key}", ada).status == 404


def test_l13_a_cache_keeps_nothing_that_is_not_for_everybody(world: World, seeds: Seeds) -> None:
    path = seeds.uris["followers"].removeprefix(ORIGIN)
    mine = world.node.get(path, "", world.alice, Accept=MEDIA_TYPE)
    assert mine.status == 200 and WORDS["followers"].encode() in mine.body
    for answer in (mine, world.node.get(seeds.uris["public"].removeprefix(ORIGIN), "", world.alice, Accept=MEDIA_TYPE)):
        assert "no-store" in (answer.header("Cache-Control") or "") and "private" in (answer.header("Cache-Control") or "")
    for own in ("/", "/users/ada", path, f"/posts/{seeds.ids['followers']}"):
        answer = world.node.get(own, world.cookie)
        assert "no-store" in (answer.header("Cache-Control") or ""), own
    for shared in ("/users/ada", seeds.uris["public"].removeprefix(ORIGIN)):
        for accept in (MEDIA_TYPE, "text/html"):
            assert "accept" in (world.node.get(shared, Accept=accept).header("Vary") or "").lower(), (shared, accept)
    assert world.node.get(path, Accept=MEDIA_TYPE).status == 404


SPELLINGS = ("evil.test", "EVIL.TEST", "evil.test.", "evil.test:443", "ｅｖｉｌ.test", "evil。test", "https://evil.test/", " evil.test ")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_l12_a_block_holds_in_whatever_spelling_it_was_made(world: World, seeds: Seeds, spelling: str) -> None:
    node = world.node
    try:
        try:
            node.decide(spelling, PeerState.BLOCKED)
        except Exception as error:  # refused at the form: then nobody believes that it is blocked
            assert type(error).__name__ in ("Invalid", "Malformed")
            return
        answer = node.post(world.mallory, world.mallory.activity("Create", world.mallory.note()))
        assert answer.status == 403 and answer.response.json()["code"] == "peer_blocked"
    finally:
        node.decide("evil.test", PeerState.ALLOWED)


@pytest.fixture
def blocked(world: World) -> Iterator[None]:
    """evil.test is blocked."""
    world.node.decide("evil.test", PeerState.BLOCKED)
    world.node.state.wait_until_idle()
    for peer in (*world.around, *world.others.values()):
        peer.forget()
    yield
    world.node.decide("evil.test", PeerState.ALLOWED)


HOSTS = ("evil.test", "EVIL.TEST", "evil.test.", "evil.test:443", "sub.evil.test", "ｅｖｉｌ.test", "evil。test", "a.b.evil.test", "evil.test:8443")


@pytest.mark.parametrize("host", HOSTS)
def test_l12_a_blocked_server_does_not_come_in_under_another_spelling(world: World, seeds: Seeds, blocked: None, host: str) -> None:
    node, mallory = world.node, world.mallory
    spelled = json.loads(json.dumps(mallory.activity("Create", mallory.note("<p>in disguise</p>"))).replace("evil.test", host))
    before = node.state.count("posts")
    headers, body = cavage(mallory, spelled, key_id=f"https://{host}/users/mallory#main-key")
    assert node.send("POST", "/inbox", headers, body).status in (400, 401, 403)
    read = mallory.signed(ADA, b"", method="GET")[0]
    read["Signature"] = read["Signature"].replace("evil.test", host)
    if host.isascii():
        assert node.send("GET", "/users/ada", {**read, "Accept": MEDIA_TYPE}).status in (401, 403)
    node.state.wait_until_idle()
    assert node.state.count("posts") == before
    assert not world.evil.received() and not world.others["sub.evil.test"].received()


@pytest.mark.parametrize("host", HOSTS)
def test_l12_nor_is_it_asked_for_anything(world: World, seeds: Seeds, blocked: None, host: str) -> None:
    node, browser, token = world.node, Browser(world.node, "ada"), world.node.token("ada")
    for text in (f"https://{host}/users/mallory", f"mallory@{host}", f"https://{host}/notes/1"):
        assert browser.post("/search", {"q": text}).status in (200, 303, 403, 404, 422)
        answer = node.get(f"/api/v2/search?resolve=true&q={quote(text, safe='')}", Authorization=f"Bearer {token}")
        assert answer.status in (200, 403, 404, 422)
    url = f"https://{host}/notes/{abs(hash(host))}"
    note = world.carol.note("<p>re</p>", inReplyTo=url, attachment=[{"type": "Image", "mediaType": "image/png", "url": f"https://{host}/x.png"}])
    world.good.route("GET", f"/onward/{abs(hash(host))}", redirect(url.encode("ascii", "ignore").decode() if host.isascii() else "https://evil.test/x"))
    for activity in (
        world.carol.activity("Create", note),
        world.carol.activity("Announce", url, to=[PUBLIC]),
        world.carol.activity("Announce", f"https://good.test/onward/{abs(hash(host))}", to=[PUBLIC]),
        world.carol.activity("Move", world.carol.id, target=f"https://{host}/users/mallory"),
    ):
        assert node.post(world.carol, activity).status == 202
    node.state.wait_until_idle(30)
    for key, *_ in node.state.rows("SELECT id FROM attachments WHERE url LIKE '%x.png'"):
        assert node.get(f"/media/{key}", world.cookie).status == 404
    assert not world.evil.received() and not world.others["sub.evil.test"].received()


def test_l12_nor_told_anything(world: World, seeds: Seeds) -> None:
    """mallory follows ada and is named by her; then evil.test is blocked: nothing goes there, no picture comes from there."""
    node = world.node
    with node.writing() as session:
        make = Factory(session, node.settings, _clock())
        mallory = _known(session, world.mallory)
        mallory.icon_url = "https://evil.test/icon.png"
        make.follow(mallory, actors.by_name(session, "ben"))
        key = mallory.id
    node.decide("evil.test", PeerState.BLOCKED)
    world.evil.forget()
    try:
        with node.writing() as session:
            current = rules.load(session, Mode.SELECTIVE)
            ben = actors.by_name(session, "ben")
            for audience in (Audience.PUBLIC, Audience.FOLLOWERS, Audience.DIRECT):
                outbox.publish(session, ben, Draft("@mallory@evil.test hello", audience), settings=node.settings, rules=current, now=now())
        node.state.wait_until_idle()
        time.sleep(0.3)
        assert not world.evil.received()
        assert node.get(f"/media/icon/{key}", world.cookie).status == 404
        assert node.get("/users/ben", "", world.mallory, Accept=MEDIA_TYPE).status == 403
        assert node.get("/users/ben", "", world.eve, Accept=MEDIA_TYPE).status == 403
        assert not world.evil.received()
    finally:
        node.decide("evil.test", PeerState.ALLOWED)


# L21: a closed node


OPEN_WHEN_CLOSED = {
    "/.well-known/webfinger", "/.well-known/host-meta", "/actor", "/users/ada", "/sign-in", "/sign-out", "/language", "/invitations/x",
    "/healthz", "/readyz", "/accent/2f6f5e.css", "/api/v1/apps", "/oauth/token", "/oauth/revoke", "/oauth/authorize",
}  # fmt: skip
"""WebFinger and the minimal actor; the way in for members, and what operators ask."""


@pytest.fixture(scope="module")
def closed(world: World, seeds: Seeds) -> Iterator[World]:
    world.node.set_mode(Mode.CLOSED)
    yield world
    world.node.set_mode(Mode.SELECTIVE)


def test_l21_a_closed_node_answers_nobody_outside(closed: World, seeds: Seeds) -> None:
    """Every route there is, by every method, as anybody on the street."""
    rulebook = create_app(closed.node.settings).url_map
    key = seeds.ids["public"]
    sample = {"name": "ada", "host": "good.test", "filename": "css/base.css", "token": "x", "colour": "2f6f5e", "verb": "like", "handle": "carol@good.test", "part": "profile"}
    tried = 0
    for rule in rulebook.iter_rules():
        values = {name: sample.get(name, str(key)) for name in rule.arguments}
        path = re.sub(r"<(?:[^:<>]*(?:\([^)]*\))?:)?([a-z_]+)>", lambda found, values=values: values[found[1]], rule.rule)
        if path.startswith(("/activitypub/", "/static/")):
            path = path.removeprefix("/activitypub")
            if path.startswith("/static/"):
                continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            for accept in ("text/html", MEDIA_TYPE):
                answer = closed.node.send(method, path, {"Accept": accept, "Content-Type": MEDIA_TYPE if "inbox" in path else "application/x-www-form-urlencoded"})
                body = answer.body.decode("utf-8", "replace")
                assert not [word for word in WORDS.values() if word in body], (method, path)
                if path in OPEN_WHEN_CLOSED:
                    continue
                tried += 1
                is_shown_the_way_in = answer.status == 303 and (answer.header("Location") or "").startswith("/sign-in")
                assert is_shown_the_way_in or answer.status in (400, 401, 403, 404, 405), (method, path, accept, answer.status)
                if method == "GET" and not path.startswith(("/admin", "/metrics", "/oauth")) and answer.status != 401:
                    assert answer.status in (400, 404), (path, accept, answer.status)
    assert tried > 200


def test_l21_its_actors_say_only_where_they_are(closed: World, seeds: Seeds) -> None:
    document = closed.node.get("/users/ada", Accept=MEDIA_TYPE).response.json()
    assert {"id", "inbox", "publicKey", "preferredUsername"} <= set(document)
    assert not {"summary", "icon", "image", "attachment", "published", "url"} & set(document), set(document)
    assert closed.node.get(f"/.well-known/webfinger?resource=acct:ada@{DOMAIN}").status == 200
    for path in ("/users/ada/outbox", "/users/ada/followers", seeds.uris["public"].removeprefix(ORIGIN), "/nodeinfo/2.1", "/.well-known/nodeinfo"):
        for actor in (None, closed.alice, closed.carol):
            assert closed.node.get(path, "", actor, Accept=MEDIA_TYPE).status == 401, path
    answer = closed.node.post(closed.carol, closed.carol.activity("Create", closed.carol.note()))
    assert answer.status == 401
