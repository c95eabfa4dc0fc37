"""Following, being followed, blocking, finding people here and elsewhere, and what strangers may do."""

from xml.etree import ElementTree

import pytest

from node.actions import logins
from node.actions.members import ensure_node_actor
from node.models import Attachment, Block, Delivery, Follow
from node.policy import Audience
from node.runtime import EXTENSION
from tests.node.web.conftest import COOKIE, Browser
from tests.support.peers import Peers

ATOM = "{http://www.w3.org/2005/Atom}"


def test_a_member_follows_and_unfollows_somebody_inside(browser, make, anna):
    jo = make.member("jo")
    make.commit()
    assert browser.post(f"/people/{jo.actor_id}/follow").location == "/users/jo"
    page = browser.get("/users/jo").text
    assert "You follow Jo now." in page
    assert "Unfollow" in page
    assert "Anna" in browser.get("/users/jo/followers").text
    browser.post(f"/people/{jo.actor_id}/unfollow")
    assert "Nobody follows yet" in browser.get("/users/jo/followers").text


def test_a_server_that_is_not_let_in_is_named_and_nothing_is_sent(browser, make, session):
    bob = make.remote("bob", "peer.test")
    make.commit()
    answer = browser.post(f"/people/{bob.id}/follow")
    assert answer.location == "/people/@bob@peer.test"
    assert "peer.test has not been let in" in browser.get(answer.location).text
    assert session.query(Follow).count() == 0


def test_somebody_elsewhere_is_asked(browser, make, session):
    bob = make.remote("bob", "peer.test")
    make.peer("peer.test", "allowed")
    make.commit()
    browser.post(f"/people/{bob.id}/follow")
    page = browser.get("/people/@bob@peer.test").text
    assert "Asked to follow: take it back" in page
    assert "host-sign" in page
    assert session.query(Delivery).count() == 1


def test_a_request_is_accepted_or_declined(browser, make, anna, session):
    anna.actor.is_locked = True
    fans = [make.remote(name, "peer.test") for name in ("bob", "eve")]
    make.peer("peer.test", "allowed")
    for fan in fans:
        make.follow(fan, anna.actor, "pending")
    make.commit()
    page = browser.get("/requests").text
    assert 'aria-label="Accept Bob"' in page
    browser.post(f"/requests/{fans[0].id}/accept")
    browser.post(f"/requests/{fans[1].id}/reject")
    session.expire_all()
    assert [(follow.follower_id, follow.state) for follow in session.query(Follow)] == [(fans[0].id, "accepted")]
    assert browser.post(f"/requests/{fans[1].id}/accept").status_code == 404


def test_blocking_asks_first_and_ends_everything_between_two(browser, make, anna, enter, session):
    jo = make.member("jo")
    make.follow(jo.actor, anna.actor)
    post = make.post(anna.actor, Audience.PUBLIC)
    make.commit()
    assert "Block Jo?" in browser.get(f"/people/{jo.actor_id}/block").text
    browser.post(f"/people/{jo.actor_id}/block")
    assert session.query(Block).count() == 1
    assert session.query(Follow).count() == 0
    assert enter(jo).get(f"/users/anna/posts/{post.id}").status_code == 404
    browser.post(f"/people/{jo.actor_id}/unblock")
    assert session.query(Block).count() == 0


def test_somebody_who_is_gone_cannot_be_followed(browser, make, now):
    gone = make.remote("gone", "peer.test", deleted_at=now)
    make.commit()
    assert browser.post(f"/people/{gone.id}/follow").status_code == 404
    assert browser.post("/people/999/follow").status_code == 404


def test_people_are_found_by_name_handle_and_address(browser, make):
    make.member("jo")
    make.remote("joanna", "peer.test")
    make.peer("other.test", "allowed")
    make.commit()
    assert "@jo<" in browser.get("/search?q=jo").text
    assert "peer.test" in browser.get("/search?q=joanna@peer.test").text
    assert browser.get("/search?q=https://peer.test/users/joanna").location == "/people/@joanna@peer.test"
    assert "Ask the other server" in browser.get("/search?q=@new@other.test").text
    assert "Ask the other server" in browser.get("/search?q=https://other.test/a").text


@pytest.mark.parametrize(
    ("state", "reason", "path"),
    [("", "has not been let in", "/allowed"), ("waiting", "has not been let in", "/allowed"), ("blocked", "is blocked", "")],
)
def test_a_server_that_would_not_be_asked_is_not_offered(browser, make, anna, state, reason, path):
    if state:
        make.peer("other.test", state)
    make.commit()
    for text in ("@new@other.test", "https://other.test/a"):
        page = browser.get(f"/search?q={text}").text
        assert "Ask the other server" not in page
        assert f"other.test {reason}." in page
        assert "Whoever runs this place can change that." in page
        assert "/admin/peers" not in page
    anna.role = "admin"
    make.commit()
    page = browser.get("/search?q=@new@other.test").text
    assert f'href="/admin/peers/at/other.test{path}"' in page
    assert f'href="/admin/peers/at/other.test{path}"' in browser.post("/search", {"q": "@new@other.test"}).text


def test_a_closed_node_asks_nobody_and_says_so(closed_door, session, make, anna, clock):
    anna.role = "admin"
    secret = logins.open(session, anna, "192.0.2.1", "", clock())
    make.commit()
    client = closed_door.test_client()
    client.set_cookie(COOKIE, secret, domain="home.test", secure=True, path="/")
    page = Browser(client).get("/search?q=@new@other.test").text
    assert "Ask the other server" not in page
    assert "The node is closed: nothing passes in or out." in page
    assert 'href="/admin/mode"' in page


def test_a_handle_of_our_own_leads_to_our_own_page(browser):
    assert browser.get("/people/@anna@home.test").location == "/users/anna"
    assert browser.get("/users/ANNA").location == "/users/anna"
    assert browser.get("/people/@nobody@peer.test").location.startswith("/search?q=")
    assert browser.get("/people/@a@not%20a%20host").status_code == 404


@pytest.fixture
def good(door):
    """Another server, and our node with a client that knows it."""
    with Peers() as peers:
        peer = peers.add("good.test")
        door.extensions[EXTENSION].client = peers.client()
        yield peer


@pytest.fixture
def node_actor(session, settings, make, clock):
    ensure_node_actor(session, settings, clock())
    make.commit()


def test_another_server_is_asked_when_the_member_says_so(browser, make, good, node_actor):
    alice = good.actor("alice", ed25519=True)
    note = good.serve(alice.note("<p>Hello from outside</p>"))
    make.peer("good.test", "allowed")
    make.commit()
    answer = browser.post("/search", {"q": "@alice@good.test"})
    assert answer.location == "/people/@alice@good.test"
    assert "good.test" in browser.get(answer.location).text
    answer = browser.post("/search", {"q": note["id"]})
    page = browser.get(answer.location)
    assert "Hello from outside" in page.text
    assert "post-outside" in page.text


def test_a_server_that_is_not_let_in_is_not_asked(browser, make, good, node_actor):
    good.actor("alice")
    answer = browser.post("/search", {"q": "@alice@good.test"})
    assert answer.status_code == 403
    assert "good.test" in answer.text
    assert 'value="@alice@good.test"' in answer.text
    assert good.received() == []


def test_pictures_of_a_post_are_asked_of_this_node(browser, make):
    bob = make.remote("bob", "peer.test", icon_url="https://peer.test/bob.png")
    make.peer("peer.test", "allowed")
    post = make.post(bob, Audience.PUBLIC)
    file = make.add(Attachment(id=make.id(), post_id=post.id, kind="image", url="https://peer.test/a.png", description="A cellar"))
    make.commit()
    page = browser.get(f"/posts/{post.id}").text
    assert f'src="/media/{file.id}" alt="A cellar"' in page
    assert f'src="/media/icon/{bob.id}"' in page
    assert 'src="https://' not in page


def test_nonsense_is_refused_with_a_word(browser, good, node_actor):
    answer = browser.post("/search", {"q": "%%%"})
    assert answer.status_code == 422
    assert "neither a name like" in answer.text


def test_a_stranger_is_shown_the_way_to_follow_from_elsewhere(stranger, anna, make, node_actor):
    make.commit()
    assert "Follow from your server" in stranger.get("/users/anna").text
    answer = stranger.post("/users/anna/follow", {"address": "@me@social.test"})
    assert 'href="https://social.test/authorize_interaction?uri=anna%40home.test"' in answer.text
    answer = stranger.post("/users/anna/follow", {"address": "nonsense"})
    assert answer.status_code == 422
    assert 'value="nonsense"' in answer.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("@jo@home.test", "sign in here to follow"),
        ("@jo@nowhere", "There can be no server named nowhere."),
        ("@jo@never.invalid", "There can be no server named never.invalid."),
    ],
)
def test_a_way_to_follow_that_leads_nowhere_says_so_beside_the_field(stranger, anna, make, node_actor, address, words):
    make.commit()
    answer = stranger.post("/users/anna/follow", {"address": address})
    assert answer.status_code == 422
    assert words in answer.text.split('id="address-error"')[1]
    assert f'value="{address}"' in answer.text


def test_the_feed_has_what_is_public_for_members_too(browser, stranger, make, anna):
    make.post(anna.actor, Audience.PUBLIC, html="<p>For <b>all</b> &amp; sundry</p>", title="A & B")
    make.post(anna.actor, Audience.UNLISTED, html="<p>quiet</p>")
    make.post(anna.actor, Audience.MEMBERS, html="<p>inside</p>")
    make.commit()
    for reader in (browser, stranger):
        answer = reader.get("/users/anna/feed.atom")
        assert answer.mimetype == "application/atom+xml"
        feed = ElementTree.fromstring(answer.text)
        entries = feed.findall(f"{ATOM}entry")
        assert [entry.findtext(f"{ATOM}title") for entry in entries] == ["A & B"]
        assert entries[0].findtext(f"{ATOM}content") == "<p>For <b>all</b> &amp; sundry</p>"
    assert stranger.get("/users/nobody/feed.atom").status_code == 404


def test_a_space_keeps_what_is_said_in_it(browser, enter, make, anna):
    anna.role = "moderator"
    jo = enter(make.member("jo"))
    assert browser.post("/spaces", {"name": "lab", "title": "The lab", "purpose": "Testing"}).location == "/spaces/lab"
    page = browser.get("/spaces/lab").text
    space_id = page.split('name="space" value="')[1].split('"')[0]
    browser.post("/write", {"text": "canary", "audience": "space", "space": space_id, "do": "send"})
    assert "canary" in browser.get("/spaces/lab").text
    assert "canary" not in browser.get("/inside").text
    assert "You are not in this space" in jo.get("/spaces/lab").text
    assert "canary" not in jo.get("/spaces/lab").text
    jo.post("/spaces/lab/join")
    assert "canary" in jo.get("/spaces/lab").text
    jo.post("/spaces/lab/leave")
    assert "canary" not in jo.get("/spaces/lab").text
    assert jo.post("/spaces", {"name": "mine", "title": "Mine"}).status_code == 403


def test_the_node_actor_has_no_page(browser, node_actor):
    assert browser.get("/users/home.test").status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", "/users/nobody", "/posts/1", "/users/anna/posts/1", "/tags/" + "x" * 200, "/spaces/none"])
def test_what_is_not_there_says_so_kindly(browser, path):
    answer = browser.get(path)
    assert answer.status_code in (200, 404)
    if answer.status_code == 404:
        assert "To the front" in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("who", ["browser", "stranger"])
def test_an_error_page_keeps_logo_menu_and_the_name_of_the_place(request, who):
    page = request.getfixturevalue(who).get("/nowhere").text
    assert "<title>Nothing to see here · Courtyard</title>" in page
    assert 'class="brand"' in page
    assert 'aria-label="Main"' in page
    assert page.index("Error 404") < page.index("To the front")


def test_the_search_says_what_it_finds(browser):
    assert "The words of posts are not searched." in browser.get("/search").text


def test_a_machine_gets_a_problem_document(stranger):
    answer = stranger.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == 404


def test_looking_up_what_is_for_others_finds_nothing(browser, make):
    jo, far = make.member("jo").actor, make.remote("far")
    mine, hidden = make.post(jo), [make.post(jo, "direct"), make.post(far, "direct", mentions=[jo])]
    make.commit()

    assert browser.post("/search", {"q": mine.uri}).status_code == 303
    nothing = browser.post("/search", {"q": f"{mine.uri}1"})
    assert nothing.status_code == 404
    for post in hidden:
        answer = browser.post("/search", {"q": post.uri})
        assert (answer.status_code, answer.text.count("nobody at")) == (404, nothing.text.count("nobody at"))
