"""Totals tell a stranger no more than the list does (abuse case L01)."""

from __future__ import annotations

from node.models import Member
from tests.node.api.conftest import Api
from tests.support.factories import Factory


def test_answers_that_stay_inside_are_not_counted_for_strangers(stranger: Api, api: Api, ada: Member, make: Factory) -> None:
    post = make.post(ada.actor, "public")
    for audience in ("members", "direct", "followers", "public"):
        make.post(ada.actor, audience, reply_to=post)
    make.session.refresh(post)
    post.replies_count = 4
    path = f"/api/v1/statuses/{post.id}"

    assert stranger.get(path)["replies_count"] == len(stranger.get(f"{path}/context")["descendants"]) == 1
    assert stranger.get(f"/api/v1/accounts/{ada.actor_id}/statuses")[-1]["replies_count"] == 1
    assert api.get(path)["replies_count"] == 4
