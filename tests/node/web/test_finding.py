"""Search engines: only what is public, of members who chose it; everything else says noindex."""

import pytest

NOINDEX = '<meta name="robots" content="noindex">'


@pytest.fixture
def found(make, session, anna):
    """Anna chose to be found, and said something to the world."""
    anna.actor.is_indexable = True
    post = make.post(anna.actor, "public")
    make.commit()
    return post


def test_a_member_who_chose_it_is_listed_with_what_is_public(stranger, found):
    for path in ("/users/anna", f"/users/anna/posts/{found.id}"):
        assert NOINDEX not in stranger.get(path).text
    assert "X-Robots-Tag" not in stranger.get("/users/anna/feed.atom").headers


def test_without_the_choice_nothing_is_listed(stranger, found, make, anna):
    anna.actor.is_indexable = False
    make.commit()
    for path in ("/users/anna", f"/users/anna/posts/{found.id}", "/explore", "/about", "/sign-in"):
        assert NOINDEX in stranger.get(path, follow_redirects=True).text
    assert stranger.get("/users/anna/feed.atom").headers["X-Robots-Tag"] == "noindex"


def test_what_is_quiet_or_not_the_first_page_is_not_listed(stranger, found, make, anna):
    quiet = make.post(anna.actor, "unlisted")
    make.commit()
    assert NOINDEX in stranger.get(f"/users/anna/posts/{quiet.id}").text
    assert NOINDEX in stranger.get(f"/users/anna?older={found.id}").text
    assert NOINDEX in stranger.get("/explore").text
    assert NOINDEX in stranger.get("/users/nobody").text


def test_nobody_is_listed_because_somebody_else_answered(stranger, found, make):
    jo = make.member("jo")
    make.post(jo.actor, "public", reply_to=found)
    make.commit()
    assert NOINDEX in stranger.get(f"/users/anna/posts/{found.id}").text
    jo.actor.is_indexable = True
    make.commit()
    assert NOINDEX not in stranger.get(f"/users/anna/posts/{found.id}").text


def test_members_pages_stay_out(browser, found, make):
    bob = make.remote("bob", "peer.test", is_indexable=True)
    make.commit()
    for path in ("/inside", "/settings", "/write", f"/people/@{bob.username}@peer.test"):
        assert NOINDEX in browser.get(path).text


def test_robots_txt_names_what_is_no_page_and_a_closed_node_answers_nobody(stranger, closed_door, make):
    make.commit()
    answer = stranger.get("/robots.txt")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "Disallow: /api/\n" in answer.text
    assert "Disallow: /\n" not in answer.text
    assert "/users" not in answer.text
    closed = closed_door.test_client().get("/robots.txt", base_url="https://home.test")
    assert closed.status_code == 401


def test_the_choice_is_made_in_the_settings(browser, session, anna):
    actor = anna.actor
    assert 'name="indexable"' in browser.get("/settings/profile").text
    browser.post("/settings/profile", {"name": "Anna", "summary": "", "indexable": "yes"})
    session.commit()
    session.expire_all()
    assert actor.is_indexable is True
    assert 'id="indexable" name="indexable" value="yes" checked' in browser.get("/settings/profile").text
    browser.post("/settings/profile", {"name": "Anna", "summary": ""})
    session.commit()
    session.expire_all()
    assert actor.is_indexable is False
