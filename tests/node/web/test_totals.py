"""Totals tell a stranger no more than the page does (abuse case L01)."""

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
