"""Totals tell nobody more than the page does (abuse case L01)."""

from __future__ import annotations


def test_answers_that_stay_inside_are_not_counted_for_strangers(stranger, make, anna):
    silent, answered = make.post(anna.actor, "public"), make.post(anna.actor, "public")
    for post, audience in ((silent, "members"), (silent, "direct"), (answered, "members"), (answered, "public")):
        make.post(anna.actor, audience, reply_to=post)
    silent.replies_count = answered.replies_count = 2
    make.commit()

    for path in ("/users/anna", f"/users/anna/posts/{silent.id}"):
        assert "2 answers" not in stranger.get(path).text
    assert "answer</span>" not in stranger.get(f"/users/anna/posts/{silent.id}").text
    assert "1 answer</span>" in stranger.get(f"/users/anna/posts/{answered.id}").text


def test_answers_that_are_not_for_a_member_are_not_counted_for_them(browser, make):
    jo = make.member("jo")
    post = make.post(jo.actor, "members")
    for audience in ("members", "direct"):
        make.post(jo.actor, audience, reply_to=post)
    post.replies_count = 2
    make.commit()

    page = browser.get(f"/users/jo/posts/{post.id}").text
    act = page.split(f"reply={post.id}")[1].split("</a>")[0]
    assert "<span>1</span>" in act


def test_a_profile_counts_the_posts_that_whoever_looks_may_see(stranger, browser, enter, make, anna):
    for audience in ("public", "unlisted", "followers", "members", "direct"):
        make.post(anna.actor, audience)
    anna.actor.posts_count = 5
    jo = enter(make.member("jo"))
    make.commit()

    assert "<b>2</b> posts" in stranger.get("/users/anna").text
    assert "<b>3</b> posts" in jo.get("/users/anna").text
    assert "<b>5</b> posts" in browser.get("/users/anna").text
