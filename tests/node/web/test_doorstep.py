"""Signing in and out, and coming in by invitation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from node.actions import invitations, members, node_settings
from node.application import build
from node.database import db
from node.models import LoginSession, Member
from node.web.doorstep import safe_path
from tests.node.web.conftest import COOKIE, Browser

PASSWORD = "a sentence nobody guesses"


@pytest.fixture
def lock(session, make, anna, clock):
    members.set_password(session, anna, PASSWORD, now=clock())
    make.commit()


def secret_of(browser):
    return browser.client.get_cookie(COOKIE, domain="home.test").value


def test_a_member_signs_in_by_name_or_address_and_lands_where_they_wanted(stranger, lock):
    for login in ("anna", "Anna", "anna@mail.test"):
        answer = stranger.post("/sign-in", {"login": login, "password": PASSWORD, "next": "/inside"})
        assert (answer.status_code, answer.location) == (303, "/inside")
        assert stranger.get("/inside").status_code == 200
        stranger.post("/sign-out")


def test_a_wrong_password_and_an_unknown_name_look_the_same(stranger, lock):
    answers = [stranger.post("/sign-in", {"login": login, "password": "something else"}) for login in ("anna", "nobody")]
    assert [answer.status_code for answer in answers] == [422, 422]
    bodies = [answer.text.replace("nobody", "anna") for answer in answers]
    assert [len(body) for body in bodies][0] == len(bodies[1])
    assert 'value="anna"' in bodies[0]


def test_every_sign_in_has_a_new_secret_and_signing_out_kills_it(stranger, lock, session):
    stranger.client.set_cookie(COOKIE, "a secret somebody else chose", domain="home.test", secure=True)
    stranger.post("/sign-in", {"login": "anna", "password": PASSWORD})
    first = secret_of(stranger)
    assert first != "a secret somebody else chose"
    stranger.post("/sign-out")
    assert session.query(LoginSession).count() == 0
    stranger.client.set_cookie(COOKIE, first, domain="home.test", secure=True)
    assert stranger.get("/inside").status_code == 303


@pytest.mark.parametrize("wish", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "", "/a\nb", "\\\\evil.test"])
def test_no_way_back_leads_to_another_site(door, wish):
    with door.test_request_context("/", base_url="https://home.test"):
        assert safe_path(wish) == "/"


def test_a_way_back_may_have_a_query(door):
    with door.test_request_context("/", base_url="https://home.test"):
        assert safe_path("/search?q=a") == "/search?q=a"


@pytest.fixture
def token(session, make, anna, clock):
    anna.role = "admin"
    _, token = invitations.invite(session, by=anna, note="Good to have you, Jo", now=clock())
    make.commit()
    return token


def form(**values):
    return {"name": "jo", "display_name": "Jo Berg", "email": "jo@mail.test", "password": PASSWORD, "language": "de"} | values


def test_an_invited_person_chooses_a_name_and_is_inside(stranger, token, session):
    page = stranger.get(f"/invitations/{token}")
    assert "Note from Anna: Good to have you, Jo" in page.text
    answer = stranger.post(f"/invitations/{token}", form())
    assert (answer.status_code, answer.location) == (303, "/")
    member = session.query(Member).filter_by(email="jo@mail.test").one()
    assert (member.role, member.language, member.default_audience) == ("member", "de", "members")
    home = stranger.get("/")
    assert home.status_code == 200
    assert 'lang="de"' in home.text
    assert stranger.get(f"/invitations/{token}").status_code == 410


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "Jo Berg"}, "A name has 1 to 30 characters"),
        ({"name": "admin"}, "kept for the node itself"),
        ({"name": "anna"}, "This name is taken."),
        ({"email": "anna@mail.test"}, "already uses this address"),
        ({"email": "jo"}, "not an e-mail address"),
        ({"password": "short"}, "at least 10 characters"),
        ({"display_name": "  "}, "Please tell us your name."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_the_rest_is_kept(stranger, token, values, words):
    answer = stranger.post(f"/invitations/{token}", form(**values))
    assert answer.status_code in (409, 422)
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    kept = form(**values)
    for name in ("name", "email"):
        assert f'value="{kept[name]}"' in answer.text
    assert PASSWORD not in answer.text


def test_an_old_or_unknown_invitation_says_so_kindly(stranger, token, clock):
    assert stranger.get("/invitations/unknown").status_code == 410
    clock.move(timedelta(days=8))
    answer = stranger.get(f"/invitations/{token}")
    assert answer.status_code == 410
    assert "does not open the door" in answer.text


def test_a_stranger_chooses_a_language_for_their_browser(stranger):
    assert 'lang="en"' in stranger.get("/sign-in", headers={"Accept-Language": "fr"}).text
    assert 'lang="de"' in stranger.get("/sign-in", headers={"Accept-Language": "de-AT,en;q=0.5"}).text
    answer = stranger.post("/language", {"language": "de", "next": "/about"})
    assert (answer.status_code, answer.location) == (303, "/about")
    assert 'lang="de"' in stranger.get("/sign-in").text


def test_who_asks_for_nothing_we_speak_reads_the_language_of_the_place(stranger, session, make, clock):
    def read(**headers):
        return stranger.get("/sign-in", headers=headers).text

    assert 'lang="en"' in read()
    node_settings.update(session, None, clock(), default_language="de")
    make.commit()
    for asked in ("fr", "*", "fr;q=0.9, *;q=0.1", ""):
        assert 'lang="de"' in read(**{"Accept-Language": asked})
    assert 'lang="de"' in read()
    assert 'lang="en"' in read(**{"Accept-Language": "en-GB, *;q=0.1"})
    stranger.post("/language", {"language": "en", "next": "/about"})
    assert 'lang="en"' in read()


def test_too_many_tries_are_slowed_down_even_without_redis(settings, clock, make):
    make.commit()
    app = build(replace(settings, rate_limits=True), clock, doors=("web", "media"))
    browser = Browser(app.test_client())
    answers = [browser.post("/sign-in", {"login": "nobody", "password": "guess"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert browser.post("/sign-in", {"login": "somebody", "password": "guess"}).status_code == 422
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(("name", "others"), [("anna", ["@Anna", "anna@mail.test", "ANNA@mail.test"]), ("guessed", ["@Guessed", " guessed "])])
def test_whatever_one_is_called_the_tries_are_counted_together(settings, clock, lock, name, others):
    app = build(replace(settings, rate_limits=True), clock, doors=("web", "media"))
    browser = Browser(app.test_client())
    logins = [name, *others] * 4
    answers = [browser.post("/sign-in", {"login": login, "password": "guess"}).status_code for login in logins[:11]]
    assert answers == [422] * 10 + [429]
    with app.app_context():
        db.engine.dispose()


def test_the_first_admin_reads_what_the_link_is_and_others_that_somebody_invited_them(stranger, session, settings, clock, make):
    link = invitations.first_admin_link(session, settings, clock())
    _, other = invitations.invite(session, by=None, note=invitations.FIRST_ADMIN + "!", now=clock())
    make.commit()
    page = stranger.get(link.removeprefix(settings.origin)).text
    assert "This is the one-time link of the first admin" in page
    assert "Somebody invited you" not in page
    assert "Somebody invited you" in stranger.get(f"/invitations/{other}").text


def test_a_first_link_that_a_newer_one_replaced_says_where_that_stands(stranger, session, settings, clock, make):
    old = invitations.first_admin_link(session, settings, clock()).removeprefix(settings.origin)
    new = invitations.first_admin_link(session, settings, clock()).removeprefix(settings.origin)
    make.commit()
    answer = stranger.get(old)
    assert answer.status_code == 410
    assert "The newest link stands in the output of scripts/run." in answer.text
    assert stranger.get(new).status_code == 200
    make.member("ada", role="admin")
    make.commit()
    assert "scripts/run" not in stranger.get(old).text


@pytest.mark.parametrize("typed", [{"login": "", "password": ""}, {"login": "anna", "password": ""}, {"login": " ", "password": "x"}])
def test_whoever_leaves_a_field_of_the_sign_in_empty_is_asked_for_both(stranger, lock, typed):
    answer = stranger.post("/sign-in", typed)
    assert answer.status_code == 422
    assert "Please fill in both" in answer.text
