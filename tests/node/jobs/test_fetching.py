"""The fetch worker, against fake peers over real connections: what is needed is read, within budgets, past the gate."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import func, select

from federation.vocabulary import AS2
from node.actions import errands, receipts, receive
from node.jobs import fetching, receiving, tasks
from node.models import Actor, Boost, Errand, Host, Peer, Pin, Post, Receipt
from node.queries import jobs
from node.runtime import EXTENSION, Node
from tests.support.peers import Peers, Reply, hang


@pytest.fixture
def peers():
    with Peers() as made:
        yield made


@pytest.fixture
def worker(app, settings, clock, session, peers):
    """Drains both queues until nothing is due."""
    made = {}

    def drain(timeout=5.0, wait=True):
        if "client" not in made:
            made["client"] = peers.client(total_timeout=timeout)
            app.extensions[EXTENSION] = Node(settings, clock, made["client"])
        session.commit()
        with app.app_context():
            for _ in range(2):
                while (receiving.drain(app, 30) or 0) + fetching.drain(app, 30):
                    if wait:
                        fetching.finish(app)
                clock.move(2.1)  # what was put off for a busy host is due
        session.expire_all()

    return drain


@pytest.fixture
def good(make, peers):
    make.peer("good.test")
    return peers.add("good.test")


def row_of(make, actor):
    return make.remote(actor.name, actor.peer.name)


def arrive(make, sender, document):
    return make.receipt(
        sender.host,
        document["type"],
        "new",
        actor_uri=sender.uri,
        activity_uri=document["id"],
        body=json.dumps(document).encode(),
    )


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


def outcome(session):
    return session.execute(select(Receipt.state, Receipt.reason)).one()


def asked(peer):
    return [request.path for request in peer.received() if not request.path.startswith(("/.well-known", "/nodeinfo"))]


def test_a_boosted_post_and_its_author_are_read(session, make, peers, worker, good):
    make.peer("victim.test")
    victim = peers.add("victim.test").actor("vic")
    bob = good.actor("bob")
    truth = victim.peer.serve(victim.note("<p>true</p>"))
    arrive(make, row_of(make, bob), bob.activity("Announce", truth | {"content": "lies"}))

    worker()

    assert outcome(session) == ("done", "")
    assert session.scalars(select(Post.content_html)).all() == ["<p>true</p>"]
    assert count(session, Boost) == 1
    assert session.scalar(select(Host.software).where(Host.host == "victim.test")) == "scripted"
    assert count(session, Errand) == 0


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "text/plain", "image/png", "application/ld+json"])
def test_what_is_no_activitystreams_document_is_dropped(session, make, peers, worker, good, media_type):
    bob = good.actor("bob")
    truth = bob.note()
    good.route("GET", "/" + truth["id"].split("/", 3)[3], Reply(200, {"Content-Type": media_type}, json.dumps(truth).encode()))
    arrive(make, row_of(make, bob), bob.activity("Announce", truth["id"]))  # case A11

    worker()

    assert outcome(session) == ("ignored", "object_not_there")
    assert count(session, Post) == 0


def test_a_peer_that_is_away_is_asked_again_later_and_at_last_given_up(session, make, peers, worker, clock, good):
    make.peer("away.test")
    peers.refusing("away.test")
    bob = good.actor("bob")
    arrive(make, row_of(make, bob), bob.activity("Announce", "https://away.test/notes/1"))

    worker()
    assert session.scalars(select(Receipt.state)).one() == "fetching"
    for wait in errands.WAITS:
        clock.move(wait)
        worker()

    assert outcome(session) == ("ignored", "could_not_be_fetched")


def test_ancestors_are_read_up_to_the_budget(session, make, peers, worker, good):
    bob = good.actor("bob")
    sender = row_of(make, bob)

    def answer(request):
        number = int(request.path.rpartition("/")[2])
        text = bob.note(id=f"{good.origin}/deep/{number}", inReplyTo=f"{good.origin}/deep/{number + 1}")
        return Reply(200, {"Content-Type": "application/activity+json"}, json.dumps(text).encode())

    good.route("GET", "/deep/*", answer)
    arrive(make, sender, bob.activity("Create", bob.note(inReplyTo=f"{good.origin}/deep/0")))

    worker()

    assert len(asked(good)) == 100  # case D05
    assert count(session, Post) == 101
    assert len(set(session.scalars(select(Post.thread_id)))) == 1


def test_replies_are_read_within_pages_and_documents(session, make, peers, worker, good):
    bob = good.actor("bob")
    row_of(make, bob)

    def page(request):
        number = int(request.path.rpartition("/")[2])
        items = [f"{good.origin}/reply/{number * 100 + one}" for one in range(100)]
        body = {"@context": AS2, "id": good.origin + request.path, "type": "CollectionPage", "items": items}
        body["next"] = f"{good.origin}/page/{number + 1}"
        return Reply(200, {"Content-Type": "application/activity+json"}, json.dumps(body).encode())

    good.route("GET", "/page/*", page)
    good.route("GET", "/reply/*", 404)
    errands.want(session, "replies", f"{good.origin}/page/0", make.clock(), 10_000)

    worker()

    paths = asked(good)
    assert sum(path.startswith("/page/") for path in paths) <= 10  # case F14
    assert sum(path.startswith("/reply/") for path in paths) == 200


def test_a_collection_that_is_its_own_next_ends(session, make, peers, worker, good):
    body = {"@context": AS2, "id": f"{good.origin}/loop", "type": "CollectionPage", "items": [], "next": f"{good.origin}/loop"}
    good.serve(body)
    errands.want(session, "replies", f"{good.origin}/loop", make.clock(), 200)

    worker()

    assert asked(good) == ["/loop"]


def test_a_changed_actor_is_read_at_its_id_with_its_keys(session, make, peers, worker, good):
    bob = good.actor("bob", name="New <b>name</b>")
    sender = row_of(make, bob)
    arrive(make, sender, bob.activity("Update", bob.document(name="Lies")))

    worker()

    actor = session.get(Actor, sender.id)
    assert actor.name == "New name"
    assert actor.shared_inbox == f"{good.origin}/inbox"
    assert count(session, Errand) == 0


def test_an_actor_that_is_gone_for_good_goes_here_too(session, make, peers, worker, good):
    bob = good.actor("bob")
    sender = row_of(make, bob)
    good.route("GET", "/users/bob", 410)
    arrive(make, sender, bob.activity("Update", bob.id))

    worker()

    assert session.get(Actor, sender.id).deleted_at is not None


def test_nobody_is_asked_whom_the_gate_does_not_let_in(session, make, peers, worker, good):
    stranger, blocked = peers.add("stranger.test"), peers.add("blocked.test")
    make.peer("blocked.test", "blocked")
    bob = good.actor("bob")
    sender = row_of(make, bob)
    for host in ("stranger.test", "blocked.test", "BLOCKED.test.", "sub.blocked.test", "home.test"):
        arrive(make, sender, bob.activity("Announce", f"https://{host}/notes/1"))
        arrive(make, sender, bob.activity("Create", bob.note(inReplyTo=f"https://{host}/notes/2")))

    worker()

    assert stranger.received() == []
    assert blocked.received() == []
    assert count(session, Boost) == 0
    assert count(session, Errand) == 0


def test_a_slow_host_does_not_keep_others_waiting(app, session, make, peers, worker, good):
    make.peer("slow.test")
    slow = peers.add("slow.test")
    slow.on_connect = hang()
    bob = good.actor("bob")
    sender = row_of(make, bob)
    for number in range(6):
        arrive(make, sender, bob.activity("Announce", f"{slow.origin}/notes/{number}"))
    quick = good.serve(bob.note())
    arrive(make, sender, bob.activity("Announce", quick["id"]))

    start = time.monotonic()
    worker(timeout=3.0, wait=False)

    assert time.monotonic() - start < 3
    assert count(session, Boost) == 1
    assert count(session, Receipt, Receipt.state == "fetching") == 6
    assert fetching.finish(app)


def test_a_host_without_nodeinfo_is_asked_once(session, make, peers, worker, good):
    good.route("GET", "/.well-known/nodeinfo", 404)
    errands.want_nodeinfo(session, good.origin, "good.test", make.clock())
    worker()
    errands.want_nodeinfo(session, good.origin, "good.test", make.clock())
    worker()

    assert len(good.received()) == 1
    assert session.get(Peer, "good.test").state == "allowed"


def pinned(session):
    return session.scalars(select(Post.uri).join(Pin, Pin.post_id == Post.id).order_by(Pin.id.desc())).all()


def show_first(good, bob, *items, **page):
    """Serve the `featured` collection of bob, and have his document name it."""
    bob.overrides["featured"] = f"{bob.id}/featured"
    body = {"@context": AS2, "id": f"{bob.id}/featured", "type": "OrderedCollection", "orderedItems": list(items), **page}
    return good.serve(body)


def test_what_an_actor_shows_first_is_read_and_kept_in_order(session, make, peers, worker, good):
    bob, eve = good.actor("bob"), good.actor("eve")
    row = make.remote("bob", "good.test", featured_uri=f"{bob.id}/featured")
    make.remote("eve", "good.test")
    first, second, others = (good.serve(who.note()) for who in (bob, bob, eve))
    old = make.post(row)
    make.add(Pin(id=make.id(), actor_id=row.id, post_id=old.id))
    lies = second | {"content": "lies"}
    show_first(good, bob, first["id"], lies, others["id"], "https://elsewhere.test/notes/1", f"{good.origin}/missing")
    for _ in range(2):
        errands.want(session, "featured", row.uri, make.clock())
        worker()

    assert pinned(session) == [first["id"], second["id"]]
    assert "lies" not in set(session.scalars(select(Post.content_html)))
    assert count(session, Errand) == 0


def test_endless_pins_end(session, make, peers, worker, good):
    bob = good.actor("bob")
    row = make.remote("bob", "good.test", featured_uri=f"{bob.id}/featured")
    good.route("GET", "/pin/*", 404)
    show_first(good, bob, *(f"{good.origin}/pin/{number}" for number in range(600)), next=f"{bob.id}/featured")
    errands.want(session, "featured", row.uri, make.clock())

    worker()

    assert sum(path.startswith("/pin/") for path in asked(good)) == 20  # case F14


@pytest.mark.parametrize("where", ["https://elsewhere.test/featured", None])
def test_pins_are_not_read_elsewhere(session, make, peers, worker, good, where):
    row = make.remote("bob", "good.test", featured_uri=where)
    errands.want(session, "featured", row.uri, make.clock())

    worker()

    assert asked(good) == []
    assert count(session, Errand) == 0


def test_hearsay_is_read_at_its_source(session, make, peers, worker, good):
    bob = good.actor("bob")
    row_of(make, bob)
    answered = make.post(make.member("ada").actor)
    new, changed, gone = (good.serve(bob.note("<p>true</p>", inReplyTo=answered.uri)) for _ in range(3))
    author = session.scalars(select(Actor).where(Actor.host == "good.test")).one()
    for one in (changed, gone):
        make.post(author, uri=one["id"], html="<p>old</p>", reply_to=answered)
    good.route("GET", "/" + gone["id"].split("/", 3)[3], 410)
    for one in (new, changed, gone):
        errands.want(session, "again", one["id"], make.clock())

    worker()

    posts = {post.uri: post for post in session.scalars(select(Post).where(Post.is_local.is_(False)))}
    assert [posts[one["id"]].content_html for one in (new, changed, gone)] == ["<p>true</p>", "<p>true</p>", ""]
    assert posts[gone["id"]].deleted_at is not None
    assert posts[changed["id"]].deleted_at is None
    assert count(session, Errand) == 0


def test_a_receipt_that_always_fails_is_parked_and_hinders_nobody(session, make, worker, clock, good, monkeypatch):
    make.peer("evil.test")
    evil, bob = good.actor("eve"), good.actor("bob")
    arrive(make, row_of(make, evil), evil.activity("Announce", evil.peer.serve(evil.note())))
    arrive(make, row_of(make, bob), bob.activity("Announce", bob.peer.serve(bob.note())))
    apply = receive.apply

    def fail(given, activity, context):
        if activity.actor == evil.id and context.fetched:
            raise KeyError("private words")
        return apply(given, activity, context)

    monkeypatch.setattr(receive, "apply", fail)
    for _ in range(receipts.MOST_TRIES + 1):
        worker()
        clock.move(60)

    found = dict(session.execute(select(Receipt.actor_uri, Receipt.state)).all())
    assert found == {evil.id: "parked", bob.id: "done"}
    assert session.scalar(select(Receipt.reason).where(Receipt.state == "parked")) == "internal error: KeyError"


def test_an_errand_that_always_fails_is_parked_and_hinders_nobody(session, make, worker, clock, good, monkeypatch):
    bob = good.actor("bob")
    errands.want(session, "poll", "https://home.test/posts/1", clock())
    errands.want(session, "post", bob.peer.serve(bob.note())["id"], clock())

    def fail(node, errand):
        raise KeyError("private words")

    monkeypatch.setitem(tasks.KINDS, "poll", fail)
    worker()
    for wait in errands.WAITS:
        clock.move(wait)
        worker()

    (parked,) = jobs.parked_errands(session)
    assert (parked.kind, parked.due_at, parked.reason) == ("poll", None, "internal error: KeyError")
    assert count(session, Post) == 1
    clock.move(errands.WAITS[-1])
    assert errands.due(session, clock(), 10) == []
