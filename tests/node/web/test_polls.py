"""Polls: written in the composer, taken part in on the page, errors beside the field and nothing lost."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from node.models import PollOption, Post

POLL = {"text": "Which **day**?", "audience": "members", "poll_options": "Tuesday\r\n\r\n Thursday \nFriday", "poll_lasts": "3600"}


def the_post(session):
    session.commit()
    session.expire_all()
    (post,) = session.query(Post).all()
    return post


@pytest.mark.parametrize("page", ["/", "/write"])
def test_every_composer_offers_a_poll_without_script(browser, page):
    text = browser.get(page).text
    assert '<textarea id="poll_options" name="poll_options"' in text
    assert '<option value="86400" selected>1 day</option>' in text
    assert 'name="poll_multiple" value="yes">' in text


def test_a_poll_is_published_with_what_was_chosen(browser, session, clock):
    answer = browser.post("/write", POLL | {"poll_multiple": "yes", "do": "send"})
    assert answer.status_code == 303
    post = the_post(session)
    assert post.kind == "Question"
    assert post.poll["multiple"] is True
    assert post.poll["closes_at"] == (post.published_at + timedelta(hours=1)).isoformat()
    page = browser.get(answer.location).text
    assert [page.index(f"<span>{name}</span>") for name in ("Tuesday", "Thursday", "Friday")]
    assert "0 votes" in page


def test_a_post_without_options_is_no_poll(browser, session):
    browser.post("/write", POLL | {"poll_options": " \n ", "do": "send"})
    assert the_post(session).poll is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poll_options": "Tuesday"}, "A poll has 2 to 16 different options."),
        ({"poll_options": "Tuesday\nTuesday"}, "A poll has 2 to 16 different options."),
        ({"poll_options": "\n".join(map(str, range(17)))}, "A poll has 2 to 16 different options."),
        ({"poll_options": f"a\n{'b' * 201}"}, "An option has at most 200 characters."),
        ({"poll_lasts": "never"}, "A poll lasts from 5 minutes to 90 days."),
        ({"poll_lasts": "999999999999"}, "A poll lasts from 5 minutes to 90 days."),
    ],
)
@pytest.mark.parametrize("do", ["send", "preview"])
def test_what_is_wrong_with_a_poll_stands_beside_it_and_nothing_is_lost(browser, session, change, words, do):
    form = POLL | {"poll_multiple": "yes", "title": "My title"} | change
    answer = browser.post("/write", form | {"do": do})
    assert answer.status_code == 422
    assert re.search(rf'id="poll-error">.*{re.escape(words)}', answer.text)
    assert 'aria-describedby="poll_options-hint poll-error" aria-invalid="true"' in answer.text
    assert ">\n" + form["poll_options"].replace("\r\n", "\n") + "</textarea>" in answer.text
    assert "Which **day**?" in answer.text
    assert 'value="My title"' in answer.text
    assert 'name="poll_multiple" value="yes" checked' in answer.text
    assert session.query(Post).count() == 0


def test_the_preview_shows_the_poll_and_keeps_it(browser, session):
    page = browser.post("/write", POLL | {"do": "preview"})
    assert page.status_code == 200
    assert '<li dir="auto">Thursday</li>' in page.text
    assert "One answer may be chosen · ends after 1 hour" in page.text
    assert '<option value="3600" selected>' in page.text
    assert session.query(Post).count() == 0


@pytest.mark.parametrize("do", ["send", "preview"])
def test_a_poll_without_a_question_is_asked_for_one_and_nothing_is_lost(browser, session, do):
    answer = browser.post("/write", POLL | {"text": " ", "do": do})
    assert answer.status_code == 422
    assert re.search(r'id="text-error">.*A poll needs a question: please write it here\.', answer.text)
    assert ">\nTuesday\n\n Thursday \nFriday</textarea>" in answer.text
    assert session.query(Post).count() == 0


def test_a_title_is_question_enough_and_the_question_cannot_be_edited_away(browser, session):
    assert browser.post("/write", POLL | {"text": "", "title": "Which day?", "do": "send"}).status_code == 303
    post = the_post(session)
    assert browser.post(f"/posts/{post.id}/edit", {"text": "Which day?"}).status_code == 303
    answer = browser.post(f"/posts/{post.id}/edit", {"text": ""})
    assert answer.status_code == 422
    assert "A poll needs a question" in answer.text
    names = session.scalars(select(PollOption.name).where(PollOption.post_id == post.id).order_by(PollOption.position))
    assert list(names) == ["Tuesday", "Thursday", "Friday"]


def test_the_page_of_a_poll_without_text_is_titled_by_what_may_be_chosen(browser, make, anna):
    post = make.post(anna.actor, html="", options=["Tuesday", "Thursday"])
    make.commit()
    assert "<title>Anna: “Tuesday / Thursday”" in browser.get(f"/users/anna/posts/{post.id}").text


def test_the_page_of_a_post_without_words_is_titled_by_its_author(browser, make, anna):
    post = make.post(anna.actor, html="")
    make.commit()
    assert "<title>Post by Anna" in browser.get(f"/users/anna/posts/{post.id}").text


@pytest.mark.parametrize(("language", "words"), [("en", "until May 5, 2099, 2:30\u202fPM UTC"), ("de", "bis 5. Mai 2099, 14:30 UTC")])
def test_the_end_of_a_poll_is_told_to_the_minute_with_its_zone(browser, make, anna, language, words):
    anna.language = language
    poll = {"multiple": False, "closes_at": "2099-05-05T14:30:12+00:00", "closed": False, "voters": 0}
    post = make.post(anna.actor, options=["Tuesday", "Thursday"], poll=poll)
    make.commit()
    assert words in browser.get(f"/users/anna/posts/{post.id}").text


def test_who_voted_sees_the_result_and_their_choice(browser, make):
    jo = make.member("jo")
    post = make.post(jo.actor, options=["Tuesday", "Thursday"])
    make.commit()
    page = browser.get(f"/users/jo/posts/{post.id}").text
    assert page.count('type="radio" name="option"') == 2
    chosen = re.findall(r'name="option" value="(\d+)"', page)[1]
    browser.post(f"/posts/{post.id}/vote", {"option": chosen})
    page = browser.get(f"/users/jo/posts/{post.id}").text
    assert 'Thursday <span class="note">(your choice)</span></span><b>1</b>' in page
    assert "<span>Tuesday</span><b>0</b>" in page
    assert 'name="option"' not in page


def test_voting_for_nothing_leads_back_to_the_poll(browser, make):
    jo = make.member("jo")
    post = make.post(jo.actor, options=["Tuesday", "Thursday"], poll={"multiple": True, "closes_at": None, "closed": False, "voters": 0})
    make.commit()
    assert "Several answers may be chosen" in browser.get(f"/users/jo/posts/{post.id}").text
    answer = browser.post(f"/posts/{post.id}/vote", {})
    assert (answer.status_code, answer.location) == (303, f"/#post-{post.id}")
    assert "Please choose one of the answers." in browser.get(f"/users/jo/posts/{post.id}").text
