"""Timelines, threads, profiles, notifications, people: what is shown, to whom, and at what cost."""

from datetime import timedelta

import pytest

from node.actions import feeds
from node.models import Notification
from node.policy import Audience
from tests.support.statements import fewest

MOST_STATEMENTS = 34
"""Of a page with many posts: as many as of a page with few."""


@pytest.fixture
def jo(make):
    return make.member("jo")


def test_an_empty_house_says_what_to_do(browser):
    for path, words in (
        ("/", "It is quiet here"),
        ("/inside", "Nobody has said anything yet"),
        ("/notifications", "Nothing new"),
        ("/bookmarks", "Nothing kept yet"),
        ("/users/anna", "You have not written anything yet"),
        ("/users/anna/followers", "Nobody follows yet"),
        ("/requests", "Nobody is waiting"),
        ("/spaces", "There are no spaces yet"),
        ("/search?q=zz", "Nobody found"),
        ("/explore", "Nothing is public yet"),
    ):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert words in answer.text, path


def test_a_long_timeline_is_paged_by_key(browser, make, jo):
    for number in range(45):
        make.post(jo.actor, Audience.MEMBERS, html=f"<p>Number {number}.</p>")
    make.commit()
    seen = []
    path = "/inside"
    for _ in range(3):
        page = browser.get(path).text
        seen += [number for number in range(45) if f"Number {number}." in page]
        if 'rel="next"' not in page:
            break
        path = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert sorted(seen) == list(range(45))
    assert 'rel="prev"' in page


@pytest.mark.parametrize("path", ["/", "/inside", "/users/jo", "/notifications", "/bookmarks", "/search", "/users/jo/followers"])
def test_a_page_costs_the_same_with_few_and_many_posts(browser, make, anna, jo, count_statements, path):
    def say(number):
        for _ in range(number):
            post = make.post(jo.actor, Audience.MEMBERS, mentions=[anna.actor], hashtags=["warm"])
            make.on_home(anna.actor, post)
            feeds.notify(make.session, anna.actor_id, "mention", from_actor_id=jo.actor_id, post_id=post.id, now=make.clock())
        make.follow(make.actor(f"fan{number}"), jo.actor)
        make.commit()

    say(3)
    few = fewest(count_statements, lambda: browser.get(path))
    say(15)
    assert fewest(count_statements, lambda: browser.get(path)) <= few <= MOST_STATEMENTS


def test_a_thread_with_many_answers_costs_as_much_as_with_few(browser, make, jo, count_statements):
    post = make.post(jo.actor, Audience.MEMBERS)
    parent = post
    for _ in range(4):
        parent = make.post(jo.actor, Audience.MEMBERS, reply_to=parent)
    make.commit()
    few = fewest(count_statements, lambda: browser.get(f"/users/jo/posts/{post.id}"))
    for _ in range(60):
        make.post(jo.actor, Audience.MEMBERS, reply_to=parent)
    make.commit()
    answer = browser.get(f"/users/jo/posts/{post.id}")
    assert answer.text.count("<article") == 65
    assert fewest(count_statements, lambda: browser.get(f"/users/jo/posts/{post.id}")) <= few


def test_a_stranger_sees_what_is_public_and_nothing_else(stranger, make, jo):
    shown = make.post(jo.actor, Audience.PUBLIC, html="<p>For all the world</p>")
    hidden = [make.post(jo.actor, audience, html="<p>canary</p>") for audience in Audience if audience not in ("public", "unlisted", "space")]
    make.commit()
    for path in ("/users/jo", "/explore", f"/users/jo/posts/{shown.id}", "/users/jo/feed.atom"):
        answer = stranger.get(path)
        assert answer.status_code == 200, path
        assert "For all the world" in answer.text, path
        assert "canary" not in answer.text, path
        assert "@mail.test" not in answer.text
    for post in hidden:
        assert stranger.get(f"/users/jo/posts/{post.id}").status_code == 404
        assert stranger.get(f"/posts/{post.id}/history").status_code == 404


def test_what_is_not_for_a_member_is_not_there(browser, make, jo):
    post = make.post(jo.actor, Audience.DIRECT, html="<p>canary</p>")
    make.commit()
    for path in (f"/users/jo/posts/{post.id}", f"/posts/{post.id}", f"/posts/{post.id}/history", f"/posts/{post.id}/deliveries"):
        assert browser.get(path).status_code == 404
    assert "canary" not in browser.get("/users/jo").text
    for verb in ("like", "boost", "bookmark", "pin"):
        assert browser.post(f"/posts/{post.id}/{verb}").status_code == 404


def test_a_post_at_a_wrong_name_is_not_there(browser, make, jo):
    post = make.post(jo.actor)
    make.commit()
    assert browser.get(f"/users/anna/posts/{post.id}").status_code == 404
    assert browser.get(f"/posts/{post.id}").location == f"/users/jo/posts/{post.id}"


def test_people_like_pass_on_and_keep_posts(browser, make, jo):
    post = make.post(jo.actor, Audience.PUBLIC)
    make.commit()
    for verb, path in (("like", "/inside"), ("boost", "/users/anna"), ("bookmark", "/bookmarks")):
        answer = browser.post(f"/posts/{post.id}/{verb}", headers={"Referer": f"https://home.test{path}"})
        assert answer.location == f"{path}#post-{post.id}"
        page = browser.get(path).text
        assert f"/posts/{post.id}/un{verb}" in page
        assert 'aria-pressed="true"' in page
        browser.post(f"/posts/{post.id}/un{verb}")
    assert "Nothing kept yet" in browser.get("/bookmarks").text


def test_what_stays_inside_cannot_be_passed_on(browser, make, jo):
    post = make.post(jo.actor, Audience.MEMBERS)
    make.commit()
    assert f"/posts/{post.id}/boost" not in browser.get("/inside").text
    answer = browser.post(f"/posts/{post.id}/boost")
    assert answer.status_code == 403
    assert "Only what anybody may see can be passed on." in answer.text


def test_a_vote_is_counted_once(browser, make, jo):
    post = make.post(jo.actor, Audience.MEMBERS, options=["Tuesday", "Thursday"])
    make.commit()
    option = post.options[1] if "options" in post.__dict__ else None
    page = browser.get(f"/users/jo/posts/{post.id}").text
    choice = page.split('name="option" value="')[2].split('"')[0]
    assert option is None or str(option.id) == choice
    assert browser.post(f"/posts/{post.id}/vote", {"option": choice}).status_code == 303
    page = browser.get(f"/users/jo/posts/{post.id}").text
    assert "1 vote" in page
    assert browser.post(f"/posts/{post.id}/vote", {"option": choice}).status_code == 409


def test_notifications_are_told_and_marked_as_read(browser, make, anna, jo, session):
    post = make.post(jo.actor, Audience.MEMBERS, html="<p>Look, @anna</p>", mentions=[anna.actor])
    feeds.notify(session, anna.actor_id, "mention", from_actor_id=jo.actor_id, post_id=post.id, now=make.clock())
    make.commit()
    newest = session.query(Notification).one().id
    assert 'class="count">1' in browser.get("/").text
    page = browser.get("/notifications").text
    assert "mentioned you" in page
    assert "Look, @anna" in page
    assert 'class="count">1' in browser.get("/").text  # looking alone changes nothing
    browser.post("/notifications/read", {"newest": newest})
    assert 'class="count">' not in browser.get("/").text


def test_names_are_never_read_as_html(browser, make):
    jo = make.member("mallory")
    jo.actor.name = "<script>alert(1)</script>"
    make.post(jo.actor, Audience.MEMBERS, title="<b>title</b>", summary="<i>warning</i>")
    make.commit()
    for path in ("/inside", "/users/mallory", "/search"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<b>title" not in page
        assert "<i>warning" not in page


def test_times_polls_and_links_from_elsewhere_are_shown_safely(browser, make, now):
    bob = make.remote("bob", "peer.test")
    make.peer("peer.test", "allowed")
    soon, past = (now + timedelta(days=2)).isoformat(), (now - timedelta(days=2)).isoformat()
    event = make.post(bob, kind="Event", event={"start": "2026-12-05T10:00:00+00:00", "end": None, "place": "Kiel"})
    odd = make.post(bob, kind="Event", event={"start": "<b>soon</b>", "end": None, "place": ""}, url="javascript:alert(1)", quote_uri="javascript:x")
    running = make.post(bob, options=["a", "b"], poll={"multiple": False, "closes_at": soon, "closed": False, "voters": 0})
    over = make.post(bob, options=["a", "b"], poll={"multiple": False, "closes_at": past, "closed": False, "voters": 0})
    make.commit()
    assert "December 5, 2026, 10:00\u202fAM UTC" in browser.get(f"/posts/{event.id}").text
    page = browser.get(f"/posts/{odd.id}").text
    assert "<b>soon" not in page
    assert "javascript:" not in page
    assert f"/posts/{running.id}/vote" in browser.get(f"/posts/{running.id}").text
    page = browser.get(f"/posts/{over.id}").text
    assert f"/posts/{over.id}/vote" not in page
    assert "closed" in page


def test_no_page_names_an_answered_post_that_the_reader_may_not_see(browser, make, anna, jo):
    """The id of a post says when it was written; whose it is and that it is, a message may not tell (abuse case L01)."""
    hidden = make.post(jo.actor, Audience.SPACE, space=make.space("board", jo.actor))
    shown = make.post(jo.actor, Audience.MEMBERS)
    for parent in (hidden, shown):
        answer = make.post(jo.actor, Audience.DIRECT, reply_to=parent, mentions=[anna.actor])
        make.on_home(anna.actor, answer)
    make.commit()
    for path in ("/messages", "/", f"/posts/{answer.id}", "/users/jo?answers=yes"):
        page = browser.get(path, follow_redirects=True).text
        assert str(hidden.id) not in page, path
    page = browser.get("/messages").text
    assert f'href="/posts/{shown.id}">Answer to an earlier post' in page
    assert "Answer to a post that is not here" in page
