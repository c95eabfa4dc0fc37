"""Settings: kept, refused beside the field, and obeyed by every page."""

import pytest

from node.actions import logins, members
from node.models import LoginSession, Member
from tests.node.web.conftest import COOKIE, Browser

PASSWORD = "a sentence nobody guesses"
PROFILE = {"name": "Anna L.", "summary": "Ask me about *heat*", "label": ["Place", ""], "content": ["Kiel", ""], "locked": "yes"}


def test_a_profile_is_changed_and_shown(browser):
    assert browser.post("/settings/profile", PROFILE).location == "/settings/profile"
    page = browser.get("/users/anna").text
    for words in ("Anna L.", "<em>heat</em>", "Kiel", "Approves followers"):
        assert words in page


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": " "}, "Please tell us your name."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"label": ["Place"], "content": [""]}, "both a label and a content"),
        ({"summary": "x" * 20_000}, "at most"),
    ],
)
def test_a_profile_that_cannot_be_keeps_what_was_typed(browser, form, words):
    answer = browser.post("/settings/profile", PROFILE | form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Ask me about" in answer.text or form.get("summary", "?") in answer.text


def test_language_address_and_theme_are_obeyed(browser):
    browser.post("/settings/reading", {"language": "de", "address": "formal", "theme": "dark"})
    page = browser.get("/")
    assert 'lang="de"' in page.text
    assert 'data-theme="dark"' in page.text
    assert "Was möchten Sie sagen?" in page.text
    browser.post("/settings/reading", {"language": "de", "address": "informal", "theme": "auto"})
    page = browser.get("/")
    assert "Was möchtest du sagen?" in page.text
    assert "data-theme" not in page.text


def test_a_choice_that_does_not_exist_is_refused(browser):
    assert browser.post("/settings/reading", {"language": "xx", "address": "formal", "theme": "auto"}).status_code == 422
    assert browser.post("/settings/reading", {"language": "", "address": "formal", "theme": "pink"}).status_code == 422
    assert browser.post("/settings/posting", {"audience": "everybody"}).status_code == 422


def test_the_usual_audience_is_what_the_composer_starts_with(browser):
    browser.post("/settings/posting", {"audience": "followers"})
    page = browser.get("/write").text
    assert 'value="followers" class=outside selected' in page


@pytest.fixture
def lock(session, make, anna, clock):
    members.set_password(session, anna, PASSWORD, now=clock())
    make.commit()


def test_a_new_password_ends_every_other_session(lock, enter, anna, door, session, make, clock):
    here, there = enter(anna), enter(anna)
    answer = here.post("/settings/account", {"current": PASSWORD, "password": "another long sentence"})
    assert answer.status_code == 303
    assert there.get("/inside").status_code == 303
    assert here.get("/inside").status_code == 200
    other = Browser(door.test_client())
    assert other.post("/sign-in", {"login": "anna", "password": PASSWORD}).status_code == 422
    assert other.post("/sign-in", {"login": "anna", "password": "another long sentence"}).status_code == 303


def test_the_new_password_is_confirmed_in_the_members_language(lock, enter, anna, session):
    browser = enter(anna)
    browser.post("/settings/reading", {"language": "de", "address": "formal", "theme": "auto"})
    browser.post("/settings/account", {"current": PASSWORD, "password": "another long sentence"})
    assert "Ihr Passwort ist geändert" in browser.get("/settings/account").text


def test_the_old_password_is_asked_for(lock, browser, session):
    answer = browser.post("/settings/account", {"current": "wrong", "password": "another long sentence"})
    assert answer.status_code == 422
    assert "not your password until now" in answer.text
    answer = browser.post("/settings/account", {"current": PASSWORD, "password": "short"})
    assert answer.status_code == 422
    assert "at least 10 characters" in answer.text
    assert browser.get("/inside").status_code == 200


def test_a_member_sees_and_ends_their_other_sessions(enter, anna, session):
    here, there = enter(anna), enter(anna)
    page = here.get("/settings/account").text
    assert page.count("Firefox on Linux") >= 2
    assert "this one" in page
    other = session.query(LoginSession).filter_by(token_hash=logins.digest(there.client.get_cookie(COOKIE, domain="home.test").value)).one()
    here.post(f"/settings/sessions/{other.id}/end")
    assert there.get("/inside").status_code == 303
    assert here.get("/inside").status_code == 200


def test_nobody_ends_somebody_elses_session(enter, make, anna, session):
    mine, theirs = enter(anna), enter(make.member("jo"))
    row = session.query(LoginSession).join(Member).filter(Member.email == "jo@mail.test").one()
    mine.post(f"/settings/sessions/{row.id}/end")
    assert theirs.get("/inside").status_code == 200


def test_signing_out_everywhere_else(enter, anna):
    here, there = enter(anna), enter(anna)
    here.post("/settings/sessions/end-others")
    assert there.get("/inside").status_code == 303
    assert here.get("/inside").status_code == 200
