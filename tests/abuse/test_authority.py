"""A: what an activity says is believed only of its actor's own things; everything else is asked of its own server or dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from federation.vocabulary import AS2, LD_MEDIA_TYPE, MEDIA_TYPE, PUBLIC
from node.actions import outbox
from node.actions.drafts import Draft, PollDraft
from node.models import Post
from node.policy import Audience, Mode
from node.queries import actors, rules
from tests.abuse.browser import Browser
from tests.abuse.crafting import cavage
from tests.abuse.running import now
from tests.abuse.trials import PRIVATE, World, nothing_changes
from tests.support.factories import Factory
from tests.support.peers import Reply, redirect

ADA = "https://node.test/users/ada"
BEN = "https://node.test/users/ben"


@dataclass
class Scene:
    """What was said before the attack: posts of victim's that we know, and posts of ada's; uris by name."""

    notes: dict[str, dict[str, Any]]
    posts: dict[str, str]
    ids: dict[str, int]


@pytest.fixture(scope="module")
def scene(world: World) -> Iterator[Scene]:
    """alice and carol follow ada; alice has written publicly, to followers and to ada; ada has written for every audience."""
    node, alice, bob = world.node, world.alice, world.bob
    followers = f"{alice.id}/followers"
    notes = {
        "public": alice.note("<p>a public word</p>"),
        "bob": bob.note("<p>a word of bob's</p>"),
        "followers": alice.note("<p>for followers secretfollowers</p>", to=[followers], cc=[]),
        "direct": alice.note("<p>for ada secretdirect</p>", to=[ADA], cc=[], tag=[{"type": "Mention", "href": ADA}]),
    }
    for note in notes.values():
        sender = bob if note["attributedTo"] == bob.id else alice
        assert node.post(sender, sender.activity("Create", note)).status == 202
    node.state.wait_until_idle()
    posts, ids = {}, {}
    with node.writing() as session:
        make = Factory(session, node.settings, _clock())  # type: ignore[arg-type]
        ada, ben = actors.by_name(session, "ada"), actors.by_name(session, "ben")
        assert ada is not None and ben is not None
        for actor in (world.alice, world.carol):
            make.follow(actors.by_uri(session, actor.id), ada, uri=f"{actor.peer.origin}/follows/of-{actor.name}")
        make.follow(ben, actors.by_uri(session, world.bob.id), "pending", uri="https://node.test/follows/77")
        current = rules.load(session, Mode.SELECTIVE)
        for audience in (Audience.PUBLIC, Audience.FOLLOWERS, Audience.MEMBERS):
            draft = Draft(f"ada says {audience} canary{audience}", audience)
            post = outbox.publish(session, ada, draft, settings=node.settings, rules=current, now=now())
            posts[audience.value], ids[audience.value] = post.uri, post.id
        draft = Draft("@alice@victim.test canarydirect", Audience.DIRECT)
        post = outbox.publish(session, ada, draft, settings=node.settings, rules=current, now=now())
        posts["direct"], ids["direct"] = post.uri, post.id
        poll = PollDraft(("yes", "no"))
        post = outbox.publish(session, ada, Draft("a poll", Audience.MEMBERS, poll=poll), settings=node.settings, rules=current, now=now())
        posts["poll"], ids["poll"] = post.uri, post.id
        for name, note in notes.items():
            found = session.scalar(select(Post.id).where(Post.uri == note["id"]))
            assert found is not None, name
            ids[f"note {name}"] = found
    node.state.wait_until_idle()
    yield Scene(notes, posts, ids)


def _clock() -> Any:
    from tests.support.clocks import Clock

    return Clock(now())


# A01 - A08: creating, changing and deleting what is another's

ATTRIBUTIONS = {
    "another": lambda world: world.alice.id,
    "another first": lambda world: [world.alice.id, world.mallory.id],
    "embedded": lambda world: {"type": "Person", "id": world.alice.id},
    "same server": lambda world: world.eve.id,
    "a local member": lambda world: ADA,
}


@pytest.mark.parametrize("name", ATTRIBUTIONS)
@pytest.mark.parametrize("verb", ["Create", "Update"])
def test_a01_nobody_writes_in_anothers_name(world: World, scene: Scene, name: str, verb: str) -> None:
    note = world.mallory.note(f"<p>{PRIVATE}</p>", attributedTo=ATTRIBUTIONS[name](world))
    with nothing_changes(world, 403) as trial:
        trial.post(world.mallory, world.mallory.activity(verb, note))


@pytest.mark.parametrize("value", [None, [], "", "alice", {"name": "alice"}, 1, "MISSING"])
def test_a01_a_post_without_a_usable_author_is_nobodys(world: World, scene: Scene, value: Any) -> None:
    note = world.mallory.note(f"<p>{PRIVATE}</p>", attributedTo=value)
    if value == "MISSING":
        del note["attributedTo"]
    with nothing_changes(world, 202, 403) as trial:
        trial.post(world.mallory, world.mallory.activity("Create", note))


def test_a02_an_id_of_another_server_is_refused_and_stays_free_for_its_owner(world: World, scene: Scene) -> None:
    real = world.alice.note("<p>the real thing</p>")
    forged = {**real, "attributedTo": world.mallory.id, "content": f"<p>{PRIVATE}</p>"}
    claimed = {**real, "content": f"<p>{PRIVATE}</p>"}
    with nothing_changes(world, 403) as trial:
        for note in (forged, claimed):
            for verb in ("Create", "Update"):
                trial.post(world.mallory, world.mallory.activity(verb, note))
    assert world.node.post(world.alice, world.alice.activity("Create", real)).status == 202
    world.node.state.wait_until_idle()
    assert world.node.state.rows("SELECT content_html FROM posts WHERE uri = ?", real["id"]) == [("<p>the real thing</p>",)]


@pytest.mark.parametrize("form", ["embedded", "embedded, own name", "id alone"])
def test_a04_another_server_cannot_change_a_post(world: World, scene: Scene, form: str) -> None:
    note = {**scene.notes["public"], "content": f"<p>{PRIVATE}</p>", "updated": now().isoformat()}
    if form == "embedded, own name":
        note["attributedTo"] = world.mallory.id
    with nothing_changes(world, 403) as trial:
        trial.post(world.mallory, world.mallory.activity("Update", note if form != "id alone" else note["id"]))


@pytest.mark.parametrize("verb", ["Update", "Create"])
@pytest.mark.parametrize("attributed", ["own name", "his name", "nobody"])
def test_a05_a_neighbour_cannot_change_a_post(world: World, scene: Scene, verb: str, attributed: str) -> None:
    note = {**scene.notes["bob"], "content": f"<p>{PRIVATE}</p>", "updated": now().isoformat(), "attributedTo": world.alice.id}
    if attributed == "his name":
        note["attributedTo"] = world.bob.id
    elif attributed == "nobody":
        del note["attributedTo"]
    with nothing_changes(world, 202, 403, is_logged=verb == "Update") as trial:
        trial.post(world.alice, world.alice.activity(verb, note))


def test_a06_nobody_changes_another_actor(world: World, scene: Scene) -> None:
    forged = world.alice.document(name="Owned", inbox="https://evil.test/inbox")
    with nothing_changes(world, 403) as trial:
        for sender in (world.mallory, world.bob):
            trial.post(sender, sender.activity("Update", forged))
    local = {**forged, "id": ADA}
    with nothing_changes(world, 403) as trial:
        trial.post(world.mallory, world.mallory.activity("Update", local))


def test_a06_a_new_key_is_taken_from_the_document_at_the_actors_id_alone(world: World, scene: Scene) -> None:
    forged = world.bob.document(name="Owned")
    forged["publicKey"]["publicKeyPem"] = world.mallory.rsa.public_pem
    with nothing_changes(world, 202, fetches=[(world.bob, "/users/bob")], is_logged=False) as trial:
        trial.post(world.bob, world.bob.activity("Update", forged))
    stolen = cavage(world.mallory, world.bob.activity("Create", world.bob.note(PRIVATE)), key_id=world.bob.key.key_id)
    with nothing_changes(world, 401, fetches=[(world.bob, "/users/bob")]) as trial:
        trial.send("POST", "/inbox", *stolen)


def test_a08_nobody_deletes_what_is_anothers(world: World, scene: Scene) -> None:
    public, bob = scene.notes["public"]["id"], scene.notes["bob"]["id"]
    with nothing_changes(world, 403) as trial:
        for target in (public, {"type": "Tombstone", "id": public}, world.alice.id, scene.posts["public"], ADA, scene.posts["members"]):
            trial.post(world.mallory, world.mallory.activity("Delete", target))
    with nothing_changes(world, 202, 403) as trial:
        for target in (bob, {"type": "Tombstone", "id": bob}, {"type": "Note", "id": bob, "attributedTo": world.alice.id}, world.bob.id):
            trial.post(world.alice, world.alice.activity("Delete", target))
        trial.post(world.alice, world.alice.activity("Delete", scene.posts["public"]))


def test_a08_what_was_deleted_before_it_came_stays_deleted(world: World, scene: Scene) -> None:
    note = world.alice.note(f"<p>{PRIVATE}</p>")
    assert world.node.post(world.alice, world.alice.activity("Delete", note["id"])).status == 202
    with nothing_changes(world, 202) as trial:
        trial.post(world.alice, world.alice.activity("Create", note))
        trial.post(world.alice, world.alice.activity("Update", note))
        trial.post(world.alice, world.alice.activity("Create", {**note, "id": note["id"]}), "/users/ada/inbox")


def test_a09_nobody_takes_back_what_another_did(world: World, scene: Scene) -> None:
    node, carol = world.node, world.carol
    like, boost = carol.activity("Like", scene.posts["public"]), carol.activity("Announce", scene.posts["public"], to=[PUBLIC])
    follow = {"type": "Follow", "id": "https://good.test/follows/of-carol", "actor": carol.id, "object": ADA}
    for activity in (like, boost):
        assert node.post(carol, activity).status == 202
    node.state.wait_until_idle()
    assert node.state.count("likes") >= 1 and node.state.count("boosts") >= 1
    with nothing_changes(world, 202) as trial:
        for done in (like, boost, follow):
            own = {**done, "actor": world.mallory.id}
            nameless = {name: value for name, value in own.items() if name not in ("id", "actor")}
            for undone in (done["id"], done, own, nameless, [done["id"], own]):
                trial.post(world.mallory, world.mallory.activity("Undo", undone))
    assert node.post(world.mallory, activity := world.mallory.activity("Like", scene.posts["public"])).status == 202
    with nothing_changes(world, 202) as trial:
        for undone in (activity["id"], activity, {**activity, "actor": world.eve.id}):
            trial.post(world.eve, world.eve.activity("Undo", undone))


# A10 - A12: what is passed on is read where it belongs


def test_a10_a_boosts_embedded_post_is_never_believed(world: World, scene: Scene) -> None:
    missing = world.alice.note(f"<p>{PRIVATE}</p>")
    path = missing["id"].removeprefix("https://victim.test")
    with nothing_changes(world, 202, fetches=[(world.victim, path)]) as trial:
        trial.post(world.mallory, world.mallory.activity("Announce", missing))
    real = world.victim.serve(world.alice.note("<p>what alice said</p>"))
    forged = {**real, "content": f"<p>{PRIVATE}</p>"}
    assert world.node.post(world.mallory, world.mallory.activity("Announce", forged)).status == 202
    world.node.state.wait_until_idle()
    assert world.node.state.rows("SELECT content_html, content_raw FROM posts WHERE uri = ?", real["id"]) == [
        ("<p>what alice said</p>", "<p>what alice said</p>")
    ]


WRONG_TYPES = (
    "text/html", "application/json", "text/plain", "image/png", "application/ld+json", 'application/ld+json; profile="https://x.test/"',
    "application/activity+json; charset=utf-16", "application/activity+jsonx", "", "application/octet-stream",
)  # fmt: skip


@pytest.mark.parametrize("media_type", WRONG_TYPES)
def test_a11_a_document_of_another_media_type_is_dropped(world: World, scene: Scene, media_type: str) -> None:
    """Somebody who can upload a file to victim.test does not speak for it."""
    note = world.alice.note(f"<p>{PRIVATE}</p>")
    path = note["id"].removeprefix("https://victim.test")
    headers = {"Content-Type": media_type} if media_type else {}
    world.victim.route("GET", path, Reply(200, headers, json.dumps(note).encode()))
    with nothing_changes(world, 202, fetches=[(world.victim, path)]) as trial:
        trial.post(world.mallory, world.mallory.activity("Announce", note["id"]))


@pytest.mark.parametrize("media_type", [MEDIA_TYPE, LD_MEDIA_TYPE, MEDIA_TYPE + "; charset=utf-8"])
def test_a11_a_document_of_the_right_type_is_taken(world: World, scene: Scene, media_type: str) -> None:
    note = world.alice.note("<p>taken</p>")
    path = note["id"].removeprefix("https://victim.test")
    world.victim.route("GET", path, Reply(200, {"Content-Type": media_type}, json.dumps(note).encode()))
    assert world.node.post(world.mallory, world.mallory.activity("Announce", note["id"], to=[PUBLIC])).status == 202
    world.node.state.wait_until_idle()
    assert world.node.state.count("posts", "uri = ?", note["id"]) == 1


def test_a12_a_redirect_does_not_lend_an_origin(world: World, scene: Scene) -> None:
    note = world.alice.note(f"<p>{PRIVATE}</p>")
    world.victim.route("GET", "/open-redirect", redirect("https://evil.test/notes/forged"))
    world.evil.route("GET", "/notes/forged", note)
    fetches = [(world.victim, "/open-redirect"), (world.evil, "/notes/forged")]
    with nothing_changes(world, 202, fetches=fetches) as trial:
        trial.post(world.mallory, world.mallory.activity("Announce", "https://victim.test/open-redirect"))
    other = {**world.alice.note(f"<p>{PRIVATE}</p>"), "id": "https://victim.test/notes/elsewhere"}
    world.victim.route("GET", "/notes/inline", other)
    fetches = [(world.victim, "/notes/inline"), (world.victim, "/notes/elsewhere")]
    with nothing_changes(world, 202, fetches=fetches) as trial:
        trial.post(world.mallory, world.mallory.activity("Announce", "https://victim.test/notes/inline"))


def test_a12_a_redirect_that_ends_at_the_id_is_taken(world: World, scene: Scene) -> None:
    note = world.victim.serve(world.alice.note("<p>moved here</p>"))
    world.victim.route("GET", "/short/1", redirect(note["id"]))
    assert world.node.post(world.mallory, world.mallory.activity("Announce", "https://victim.test/short/1", to=[PUBLIC])).status == 202
    world.node.state.wait_until_idle()
    assert world.node.state.count("posts", "uri = ?", note["id"]) == 1


# A13 - A15: relations and readers


def test_a13_a_follow_that_was_never_sent_cannot_be_accepted(world: World, scene: Scene) -> None:
    mallory = world.mallory
    bens = {"type": "Follow", "id": "https://node.test/follows/77", "actor": BEN, "object": world.bob.id}
    forged = (
        {"type": "Follow", "id": "https://node.test/follows/1", "actor": ADA, "object": mallory.id},
        {"type": "Follow", "actor": ADA, "object": mallory.id},
        {"type": "Follow", "id": "https://evil.test/follows/1", "actor": ADA, "object": mallory.id},
        "https://node.test/follows/1",
        bens["id"],
        bens,
        {**bens, "object": mallory.id},
        {**bens, "actor": ADA},
    )
    with nothing_changes(world, 202) as trial:
        for verb in ("Accept", "TentativeAccept"):
            for follow in forged:
                trial.post(mallory, mallory.activity(verb, follow))
        # its target, but for another local member
        trial.post(world.bob, world.bob.activity("Accept", {**bens, "actor": ADA}))
        trial.post(world.bob, world.bob.activity("Accept", {**bens, "id": "https://node.test/follows/78", "actor": ADA}))
        trial.post(world.bob, world.bob.activity("Accept", {**bens, "object": world.alice.id}))


def test_a14_a_third_party_ends_no_follow(world: World, scene: Scene) -> None:
    ours = world.node.state.rows(
        "SELECT uri FROM follows WHERE follower_id = (SELECT id FROM actors WHERE uri = ?)"
        " AND target_id = (SELECT id FROM actors WHERE uri = ?)", ADA, world.carol.id,
    )[0][0]  # fmt: skip
    mine = {"type": "Follow", "id": ours, "actor": ADA, "object": world.carol.id}
    theirs = {"type": "Follow", "id": "https://good.test/follows/of-carol", "actor": world.carol.id, "object": ADA}
    with nothing_changes(world, 202) as trial:
        for follow in (mine, theirs):
            for target in (follow["id"], follow, {**follow, "object": world.mallory.id}, {**follow, "actor": world.mallory.id}):
                for verb in ("Reject", "Undo"):
                    trial.post(world.mallory, world.mallory.activity(verb, target))


@pytest.mark.parametrize("kind", ["direct", "followers"])
def test_a15_a_known_private_post_gets_no_new_reader(world: World, scene: Scene, kind: str) -> None:
    """CVE-2024-37903: the same id sent again, with wider addressing."""
    note = scene.notes[kind]
    wider = {**note, "to": [PUBLIC], "cc": [BEN], "tag": [{"type": "Mention", "href": BEN}], "updated": now().isoformat()}
    fetches = [(world.victim, note["id"].removeprefix("https://victim.test"))]
    with nothing_changes(world, 202, 403, fetches=fetches, is_logged=False) as trial:
        trial.post(world.mallory, world.mallory.activity("Create", wider))
        trial.post(world.bob, world.bob.activity("Create", wider))
        trial.post(world.bob, world.bob.activity("Create", {**wider, "attributedTo": world.bob.id}))
        trial.post(world.bob, world.bob.activity("Update", {**wider, "attributedTo": world.bob.id}))
        trial.post(world.bob, world.bob.activity("Announce", wider))
        trial.post(world.mallory, world.mallory.activity("Announce", note["id"], to=[PUBLIC]))
        trial.post(world.alice, world.alice.activity("Create", wider))
    assert world.node.get(f"/posts/{scene.ids['note ' + kind]}", world.node.sign_in("ben")).status == 404


def test_a17_webfinger_lends_no_name_at_another_host(world: World, scene: Scene) -> None:
    """evil says that its own alice is alice@victim.test; victim's WebFinger says otherwise."""
    namesake = world.evil.actor("alice")
    link = {"rel": "self", "type": MEDIA_TYPE, "href": namesake.id}
    body = json.dumps({"subject": "acct:alice@victim.test", "links": [link]}).encode()
    answer = Reply(200, {"Content-Type": "application/jrd+json"}, body)
    usual = world.evil._webfinger
    world.evil.route("GET", "/.well-known/webfinger", answer)
    try:
        found = Browser(world.node, "ada").post("/search", {"q": "@alice@evil.test"})
    finally:
        world.evil.route("GET", "/.well-known/webfinger", usual)
    assert found.status == 303 and "alice@evil.test" in (found.header("Location") or "")
    page = Browser(world.node, "ada").get(found.header("Location") or "").body
    assert b"alice@evil.test" in page and b"alice@victim.test" not in page
    named = world.node.state.rows("SELECT host FROM actors WHERE uri = ?", namesake.id)
    assert named == [("evil.test",)]
    assert world.node.state.count("actors", "username = 'alice' AND host = 'victim.test'") == 1


# A20 - A27


@pytest.mark.parametrize("verb", ["Like", "EmojiReact", "Announce"])
@pytest.mark.parametrize("audience", ["followers", "members", "direct"])
def test_a20_what_one_cannot_see_one_cannot_react_to(world: World, scene: Scene, verb: str, audience: str) -> None:
    with nothing_changes(world, 202) as trial:
        trial.post(world.mallory, world.mallory.activity(verb, scene.posts[audience], content="x", to=[PUBLIC]))
        trial.post(world.mallory, world.mallory.activity(verb, {"type": "Note", "id": scene.posts[audience]}, to=[PUBLIC]))


def test_a20_nor_vote_in(world: World, scene: Scene) -> None:
    vote = {"type": "Note", "id": "https://evil.test/votes/1", "attributedTo": world.mallory.id, "name": "yes", "inReplyTo": scene.posts["poll"], "to": [ADA]}
    with nothing_changes(world, 202) as trial:
        trial.post(world.mallory, world.mallory.activity("Create", vote))


def test_a22_a_signed_document_that_somebody_else_brings_is_not_believed(world: World, scene: Scene) -> None:
    """Linked Data signatures are not read at all: neither as they are nor re-arranged."""
    note = world.alice.note(f"<p>{PRIVATE}</p>")
    signature = {"type": "RsaSignature2017", "creator": world.alice.key.key_id, "created": now().isoformat(), "signatureValue": "AAAA"}
    genuine = {**world.alice.activity("Create", note), "signature": signature}
    graph = {"@context": AS2, "@graph": [genuine], "signature": signature}
    with nothing_changes(world, 400, 403) as trial:
        trial.post(world.mallory, genuine)
        trial.post(world.mallory, graph)
    wrapped = {**world.mallory.activity("Create", None), "@graph": [genuine], "signature": signature, "@included": [genuine]}
    with nothing_changes(world, 202) as trial:
        trial.post(world.mallory, wrapped)


SPELLINGS = ("https://node.test", "https://NODE.TEST", "https://node.test:443", "https://node.test.", "HTTPS://node.test", "http://node.test")


@pytest.mark.parametrize("origin", SPELLINGS)
def test_a23_ids_of_ours_are_made_by_us_alone(world: World, scene: Scene, origin: str) -> None:
    mallory = world.mallory
    note = mallory.note(f"<p>{PRIVATE}</p>")
    local = {**note, "id": f"{origin}/users/ada/posts/1"}
    with nothing_changes(world, 403) as trial:
        trial.post(mallory, {**mallory.activity("Create", note), "id": f"{origin}/activities/1"})
        trial.post(mallory, mallory.activity("Create", local))
        trial.post(mallory, mallory.activity("Update", {**local, "id": scene.posts["public"].replace("https://node.test", origin)}))
        trial.post(mallory, {**mallory.activity("Create", note), "actor": f"{origin}/users/ada"})
        trial.post(mallory, {**mallory.activity("Follow", BEN), "actor": f"{origin}/users/ada"})


def test_a25_a_report_names_only_what_its_sender_can_see(world: World, scene: Scene) -> None:
    hidden = [scene.posts[name] for name in ("followers", "members", "direct", "poll")]
    with nothing_changes(world, 202) as trial:
        trial.post(world.mallory, world.mallory.activity("Flag", hidden, content=PRIVATE))
    with nothing_changes(world, 202, but=("reports", "notifications"), is_logged=False) as trial:
        trial.post(world.mallory, world.mallory.activity("Flag", [ADA, *hidden], content="rude"))
    assert world.node.state.rows("SELECT post_ids FROM reports") == [("[]",)]


def test_a25_nobody_blocks_on_behalf_of_another(world: World, scene: Scene) -> None:
    with nothing_changes(world, 202, 403) as trial:
        trial.post(world.mallory, world.mallory.activity("Block", ADA, target=world.alice.id))
        trial.post(world.mallory, {**world.alice.activity("Block", ADA), "id": "https://evil.test/activities/b1"})
        trial.post(world.mallory, world.mallory.activity("Block", world.carol.id))


def test_a27_a_group_passes_on_only_what_the_objects_server_confirms(world: World, scene: Scene) -> None:
    club = world.evil.actor("club", type="Group")
    assert world.node.post(club, club.activity("Like", "https://node.test/users/nobody/posts/3")).status == 202
    public = world.victim.serve(scene.notes["public"])
    path = public["id"].removeprefix("https://victim.test")
    forged = world.alice.activity("Update", {**public, "content": f"<p>{PRIVATE}</p>"})
    inner = (
        world.alice.activity("Delete", public["id"]),
        world.carol.activity("Like", scene.posts["public"]),
        world.alice.activity("Undo", {"type": "Follow", "actor": world.alice.id, "object": ADA}),
        world.alice.activity("Block", ADA, target=club.id),
        world.alice.activity("Create", {**world.alice.note(f"<p>{PRIVATE}</p>"), "id": "https://victim.test/notes/never"}),
        {**world.alice.activity("Delete", ADA), "actor": ADA},
        {"type": "Update", "id": "https://node.test/activities/1", "actor": ADA, "object": {"type": "Note", "id": scene.posts["public"]}},
        {"type": "Delete", "id": "https://node.test/activities/2", "actor": ADA, "object": scene.posts["public"]},
    )
    with nothing_changes(world, 202, fetches=[(world.victim, path)], is_logged=False) as trial:  # read again: as it was
        trial.post(club, club.activity("Announce", forged, to=[PUBLIC]))
    fetches = [(world.victim, path), (world.victim, "/notes/never")]
    with nothing_changes(world, 202, fetches=fetches) as trial:
        for activity in inner:
            trial.post(club, club.activity("Announce", activity, to=[PUBLIC]))


def test_a27_collections_are_changed_by_their_owner_alone(world: World, scene: Scene) -> None:
    public = scene.notes["public"]["id"]
    with nothing_changes(world, 202) as trial:
        for verb in ("Add", "Remove"):
            for target in (f"{world.alice.id}/collections/featured", f"{ADA}/collections/featured", f"{world.alice.id}/followers", None):
                trial.post(world.mallory, world.mallory.activity(verb, public, target=target))
                trial.post(world.mallory, world.mallory.activity(verb, scene.posts["public"], target=target))
