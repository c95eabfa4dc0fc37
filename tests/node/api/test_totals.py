"""Totals tell nobody more than the list does (abuse case L01)."""

from __future__ import annotations

from node.models import Member
from tests.node.api.conftest import Api, SignIn
from tests.support.factories import Factory


def test_answers_are_counted_for_the_reader(
    stranger: Api, api: Api, sign_in: SignIn, ada: Member, ben: Member, make: Factory
) -> None:
    post = make.post(ada.actor, "public")
    for audience in ("members", "direct", "followers", "public"):
        make.post(ada.actor, audience, reply_to=post)
    make.session.refresh(post)
    post.replies_count = 4
    path = f"/api/v1/statuses/{post.id}"

    for reader, number in ((stranger, 1), (sign_in(ben), 2), (api, 4)):
        assert reader.get(path)["replies_count"] == len(reader.get(f"{path}/context")["descendants"]) == number
        assert reader.get(f"/api/v1/accounts/{ada.actor_id}/statuses")[-1]["replies_count"] == number
