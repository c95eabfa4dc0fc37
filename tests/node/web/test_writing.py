"""Writing: who will see it is said before, and what one typed is never lost."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier, current_thread
from unittest.mock import patch

import pytest

from node.actions import outbox
from node.models import Post
from node.policy import Audience
from node.web.wording import reach_sentence


@pytest.fixture
def bob(make):
    return make.remote("bob", "peer.test")


def said(session):
    session.expire_all()
    return session.query(Post).order_by(Post.id).all()


def test_a_post_goes_to_the_people_inside_unless_one_chooses(browser, session):
    page = browser.get("/")
    assert re.search(r'<option value="members"[^>]*selected', page.text)
    answer = browser.post("/write", {"text": "Hello **all**", "audience": "members", "do": "send"})
    assert answer.status_code == 303
    (post,) = said(session)
    assert post.audience == "members"
    shown = browser.get(answer.location)
    assert "<strong>all</strong>" in shown.text
    assert 'class="post post-open"' in shown.text  # plain: it stays inside


def test_what_leaves_wears_the_mark(browser):
    answer = browser.post("/write", {"text": "Hello world", "audience": "public", "do": "send"})
    page = browser.get(answer.location).text
    assert "post-outside" in page
    assert "audience-outside" in page


def test_the_bar_says_in_words_who_will_see_it(browser, make, anna, bob):
    make.member("jo")
    make.peer("peer.test", "allowed")
    make.follow(bob, anna.actor)
    make.commit()
    page = browser.get("/write").text
    assert "1 member will see this. It stays inside." in page
    assert "1 member, 1 follower on 1 server, and anybody who visits will see this." in page


def test_the_first_member_is_told_to_be_alone(browser):
    assert "Nobody else is here yet. It stays inside." in browser.get("/write").text


def test_a_server_that_is_not_let_in_is_not_counted(browser, make, anna, bob):
    make.follow(bob, anna.actor)
    make.commit()
    assert "It is sent to no other server at present." in browser.get("/write").text


def test_the_preview_shows_the_text_and_the_servers_and_posts_nothing(browser, make, anna, bob, session):
    make.peer("peer.test", "allowed")
    make.host("peer.test", software="mastodon")
    make.follow(bob, anna.actor)
    make.commit()
    answer = browser.post("/write", {"text": "*Draft*", "audience": "public", "do": "preview"})
    assert answer.status_code == 200
    assert "<em>Draft</em>" in answer.text
    assert "peer.test" in answer.text
    assert "1 person · mastodon" in answer.text
    assert ">\n*Draft*</textarea>" in answer.text
    assert said(session) == []


def test_the_live_preview_answers_for_whom_the_text_names(browser, make, anna, bob):
    make.peer("peer.test", "allowed")
    make.commit()
    form = {"text": "@bob@peer.test hello", "audience": "direct"}
    answer = browser.post("/write/preview", form)
    assert answer.json["crosses"] is True
    assert [server["host"] for server in answer.json["servers"]] == ["peer.test"]
    assert "1 server" in answer.json["sentence"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"text": "  ", "audience": "members"}, "Please write something first."),
        ({"text": "x" * 20_001, "audience": "members"}, "The text has 20,001 characters; the limit is 20,000."),
        ({"text": "hello", "audience": "direct"}, "names at least one person"),
    ],
)
def test_what_is_wrong_is_said_and_the_text_is_kept(browser, session, form, words):
    answer = browser.post("/write", form | {"title": "My title", "do": "send"})
    assert answer.status_code == 422
    assert words in answer.text
    assert form["text"].strip() in answer.text
    assert 'value="My title"' in answer.text
    assert said(session) == []


def test_an_unknown_audience_is_refused(browser, session):
    assert browser.post("/write", {"text": "hello", "audience": "everybody", "do": "send"}).status_code == 400
    assert said(session) == []


def test_a_form_sent_twice_is_one_post(browser, session):
    key = re.search(r'name="key" value="([^"]+)"', browser.get("/write").text).group(1)
    places = {browser.post("/write", {"text": "once", "audience": "members", "key": key, "do": "send"}).location for _ in range(2)}
    assert len(places) == 1
    assert len(said(session)) == 1


def test_an_answer_is_never_offered_a_wider_audience(browser, make, anna, session):
    jo = make.member("jo")
    post = make.post(jo.actor, Audience.MEMBERS)
    make.commit()
    page = browser.get(f"/write?reply={post.id}").text
    offered = re.findall(r'<option value="(\w+)"', page)
    assert "public" not in offered
    assert "members" in offered
    assert "@jo " in page
    answer = browser.post("/write", {"text": "wider", "audience": "public", "reply": post.id, "do": "send"})
    assert answer.status_code == 403
    assert "cannot be seen by more people" in answer.text
    assert "wider" in answer.text
    assert len(said(session)) == 1


def test_an_answer_lands_in_the_conversation(browser, make):
    post = make.post(make.member("jo").actor, Audience.MEMBERS)
    make.commit()
    answer = browser.post("/write", {"text": "I agree", "audience": "members", "reply": post.id, "do": "send"})
    page = browser.get(answer.location).text
    assert "I agree" in page
    assert "Hello" in page
    assert "1 answer" in browser.get(f"/users/jo/posts/{post.id}").text


def test_what_one_may_not_see_one_cannot_answer(browser, make):
    post = make.post(make.member("jo").actor, Audience.DIRECT)
    make.commit()
    assert browser.get(f"/write?reply={post.id}").status_code == 404
    assert browser.post("/write", {"text": "x", "audience": "direct", "reply": post.id}).status_code == 404


def test_a_post_is_edited_and_its_earlier_version_kept(browser, session):
    place = browser.post("/write", {"text": "First words", "audience": "members", "do": "send"}).location
    (post,) = said(session)
    assert "First words</textarea>" in browser.get(f"/posts/{post.id}/edit").text
    answer = browser.post(f"/posts/{post.id}/edit", {"text": "Second words", "title": "", "summary": ""})
    assert (answer.status_code, answer.location) == (303, place)
    page = browser.get(place).text
    assert "Second words" in page
    assert "edited" in page
    history = browser.get(f"/posts/{post.id}/history").text
    assert history.index("Second words") < history.index("First words")


def test_an_edit_that_cannot_be_keeps_the_text(browser, make, anna):
    post = make.post(anna.actor)
    make.commit()
    answer = browser.post(f"/posts/{post.id}/edit", {"text": "", "summary": "A warning"})
    assert answer.status_code == 422
    assert "Please write something first." in answer.text
    assert 'value="A warning"' in answer.text


def test_a_post_is_deleted_after_a_question(browser, session, make, anna):
    post = make.post(anna.actor, Audience.PUBLIC)
    make.commit()
    asked = browser.get(f"/posts/{post.id}/delete")
    assert "It was not sent to any other server." in asked.text
    assert browser.post(f"/posts/{post.id}/delete").location == "/"
    assert browser.get(f"/users/anna/posts/{post.id}").status_code == 404


@pytest.mark.parametrize("page", ["edit", "delete", "deliveries"])
def test_only_the_author_gets_to_the_pages_of_a_post(browser, make, page):
    post = make.post(make.member("jo").actor, Audience.PUBLIC)
    make.commit()
    assert browser.get(f"/posts/{post.id}/{page}").status_code == 404
    if page != "deliveries":
        assert browser.post(f"/posts/{post.id}/{page}", {"text": "mine now"}).status_code == 404


def test_the_author_sees_where_a_post_went(browser, make, anna):
    post = make.post(anna.actor, Audience.PUBLIC)
    make.delivery(anna.actor, "https://peer.test/inbox", post=post, state="delivered", answer=202)
    make.delivery(anna.actor, "https://gone.test/inbox", post=post, state="failed", answer=410, reason="The inbox is gone.")
    make.commit()
    page = browser.get(f"/posts/{post.id}/deliveries").text
    assert "1 of 2 servers have it." in page
    assert "peer.test" in page
    assert "The inbox is gone." in page


def test_the_author_sends_again_what_did_not_arrive(browser, make, anna, session):
    make.peer("peer.test", "allowed")
    post = make.post(anna.actor, Audience.PUBLIC)
    delivery = make.delivery(anna.actor, "https://peer.test/inbox", post=post, state="failed", answer=500)
    other = make.delivery(anna.actor, "https://else.test/inbox", post=make.post(anna.actor), state="failed")
    make.commit()
    page = browser.get(f"/posts/{post.id}/deliveries").text
    assert 'aria-label="Try again at peer.test"' in page
    assert browser.post(f"/posts/{post.id}/deliveries/{other.id}/resend").status_code == 404
    browser.post(f"/posts/{post.id}/deliveries/{delivery.id}/resend")
    assert "It is on its way again." in browser.get(f"/posts/{post.id}/deliveries").text
    session.expire_all()
    assert (delivery.state, other.state) == ("waiting", "failed")


def test_direct_messages_have_a_page_of_their_own(browser, make, anna, enter):
    jo = make.member("jo")
    kim = enter(make.member("kim"))
    make.post(jo.actor, Audience.DIRECT, html="<p>For Anna alone</p>", mentions=[anna.actor])
    make.commit()
    assert "For Anna alone" in browser.get("/messages").text
    assert "No messages yet" in kim.get("/messages").text


def test_who_is_alone_is_told_so_for_every_audience(browser):
    alone = browser.get("/write").text
    assert "0 members" not in alone
    assert "Anybody who visits will see this. It is sent to no other server at present." in alone
    assert "For now only you see this" in alone


def test_who_is_alone_inside_reads_of_followers_only(browser, make, anna, bob):
    make.peer("peer.test", "partner")
    make.follow(bob, anna.actor)
    make.commit()
    followed = browser.get("/write").text
    assert "0 members" not in followed
    assert "1 follower on 1 server, and anybody who visits will see this." in followed
    assert "1 follower on 1 server will see this. Nobody inside does at present." in followed


@pytest.mark.parametrize("audience", [audience.value for audience in Audience])
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_bar_never_counts_to_nought(door, audience, language):
    with door.test_request_context(headers={"Accept-Language": language}):
        for inside, servers, named in product((0, 1, 2), repeat=3):
            said = reach_sentence(audience, inside, 2 * servers, servers, named)
            assert not re.search(r"\b0\b", said), said


def test_two_presses_at_once_are_one_post(door, enter, anna, session):
    """Both look for the key before either has written; the slower is answered with the post of the faster (PostgreSQL)."""
    browsers = [enter(anna), enter(anna)]
    form = {"text": "once", "audience": "members", "key": "the same key", "do": "send"}
    tokens = [browser.token() for browser in browsers]
    both_looked = Barrier(2)
    real = outbox._made_before
    looked = set()

    def look(*arguments):
        found = real(*arguments)
        if current_thread().name not in looked and not is_sqlite:
            looked.add(current_thread().name)
            both_looked.wait(10)
        return found

    is_sqlite = session.get_bind().dialect.name == "sqlite"  # there one writes at a time: the second finds the key
    with patch.object(outbox, "_made_before", look), ThreadPoolExecutor(2) as pool:
        pressed = [pool.submit(browser.post, "/write", form, token=token) for browser, token in zip(browsers, tokens, strict=True)]
        answers = [one.result(30) for one in pressed]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.location for answer in answers}) == 1
    assert len(said(session)) == 1


@pytest.mark.parametrize("do", ["send", "preview"])
def test_a_title_that_is_too_long_is_refused_beside_its_field_and_kept(browser, session, do):
    answer = browser.post("/write", {"text": "Hello", "title": "t" * 201, "audience": "members", "do": do})
    assert answer.status_code == 422
    assert re.search(r'id="title-error">.*A title has at most 200 characters\.', answer.text)
    assert f'value="{"t" * 201}" aria-invalid="true"' in answer.text
    assert session.query(Post).count() == 0


NOBODY = "hi @nobody and @x@y.example"


def test_a_direct_message_to_unknown_names_says_who_is_not_known_and_why(browser, session):
    answer = browser.post("/write", {"text": NOBODY, "audience": "direct", "do": "send"})
    assert answer.status_code == 422
    error = re.search(r'id="text-error">(.*)', answer.text)[1]
    assert "@nobody is not known here." in error
    assert "@x@y.example is not known here; y.example is not let in." in error
    assert NOBODY in answer.text
    assert said(session) == []


@pytest.mark.parametrize("audience", ["direct", "members"])
def test_the_preview_marks_names_that_nobody_here_knows(browser, make, audience):
    make.member("jo")
    make.commit()
    page = browser.post("/write", {"text": NOBODY + " and @jo", "audience": audience, "do": "preview"}).text
    assert "<p>@nobody is not known here.</p>" in page
    assert "<p>@x@y.example is not known here; y.example is not let in.</p>" in page
    assert "@jo is not known" not in page


def test_the_preview_of_a_message_to_nobody_says_so(browser):
    page = browser.post("/write", {"text": NOBODY, "audience": "direct", "do": "preview"}).text
    assert "Nobody will see this: nobody you name is known here." in page


def test_no_preview_tells_how_many_are_in_a_space_one_is_not_in(browser, make, anna):
    elsewhere = make.space("board", *(make.actor(f"boss{number}") for number in range(37)))
    own = make.space("kitchen", anna.actor)
    make.commit()
    form = {"text": "hello", "audience": "space"}
    assert browser.post("/write/preview", form | {"space": str(own.id)}).status_code == 200
    assert browser.post("/write/preview", form | {"space": str(elsewhere.id)}).status_code == 422
    for do, text in (("preview", "hello"), ("send", "hello"), ("send", "")):
        answer = browser.post("/write", form | {"space": str(elsewhere.id), "do": do, "text": text})
        assert answer.status_code in (403, 422), do
        assert "37 p" not in answer.text, do
