"""Accounts, and how they stand to each other."""

from __future__ import annotations

import io

import pytest

from node.models import Actor, Block, Delivery, Follow, Member
from node.policy import Audience
from tests.node.api.conftest import Api, Count, SignIn
from tests.support.factories import Factory


class TestOneself:
    def test_credentials_and_preferences(self, api: Api) -> None:
        me = api.get("/api/v1/accounts/verify_credentials", shape="CredentialAccount")
        assert me["username"] == me["acct"] == "ada"
        assert me["source"]["privacy"] == "private"
        assert me["courtyard"] == {"default_audience": "members"}
        assert "@" not in str({key: value for key, value in me.items() if key not in ("url", "uri")})  # no address (L19)
        api.get("/api/v1/preferences", shape="Preferences")

    def test_the_profile_is_changed(self, api: Api) -> None:
        me = api.patch(
            "/api/v1/accounts/update_credentials", shape="CredentialAccount", display_name="Ada L.", note="Counts *everything*",
            locked="true", fields_attributes={"0": {"name": "Room", "value": "12"}, "1": {"name": "", "value": ""}},
            source={"privacy": "public", "language": "de"},
        )  # fmt: skip
        assert (me["display_name"], me["locked"]) == ("Ada L.", True)
        assert "<em>everything</em>" in me["note"]
        assert me["source"]["note"] == "Counts *everything*"
        assert [(field["name"], field["value"]) for field in me["fields"]] == [("Room", "12")]
        assert api.get("/api/v1/preferences")["posting:default:visibility"] == "public"
        assert api.post("/api/v1/statuses", status="Out")["visibility"] == "public"

    def test_forms_with_numbered_fields_are_understood(self, api: Api) -> None:
        form = {"fields_attributes[0][name]": "A", "fields_attributes[0][value]": "https://a.test", "source[sensitive]": "0"}
        me = api.send("PATCH", "/api/v1/accounts/update_credentials", data=form).get_json()
        assert 'href="https://a.test"' in me["fields"][0]["value"]

    def test_sending_back_what_was_shown_changes_no_default(self, api: Api) -> None:
        me = api.patch("/api/v1/accounts/update_credentials", source={"privacy": "private"})
        assert me["courtyard"]["default_audience"] == "members"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"source": "x"}, {"source": {"privacy": "everybody"}}, {"display_name": ["x"]}, {"display_name": "x" * 2000},
            {"fields_attributes": "x"}, {"avatar": "data"},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, api: Api, wrong: dict[str, object]) -> None:
        api.patch("/api/v1/accounts/update_credentials", 422, **wrong)


class TestOthers:
    def test_found_by_id_name_and_handle(self, api: Api, ben: Member, make: Factory) -> None:
        bob = make.remote("Bob", "peer.test", icon_url="https://peer.test/bob.png", fields=[["Home", "<a href='x'>x</a>"]])
        account = api.get(f"/api/v1/accounts/{bob.id}", shape="Account")
        assert account["acct"] == "Bob@peer.test"
        assert account["avatar"] == f"https://home.test/media/icon/{bob.id}"
        assert api.get("/api/v1/accounts/lookup", acct="@bob@PEER.test", shape="Account")["id"] == str(bob.id)
        for text in ("ben", "@ben", "ben@home.test", "BEN"):
            assert api.get("/api/v1/accounts/lookup", acct=text)["id"] == str(ben.actor.id)
        for text in ("nobody", "", "@", "bob@", "bob@@", "bob@peer.test:99999", "'; --"):
            api.get("/api/v1/accounts/lookup", 404, acct=text)
        found = api.get("/api/v1/accounts/search", q="b", shape="[Account]")
        assert [each["acct"] for each in found] == ["ben"]
        many = api.get("/api/v1/accounts", **{"id[]": [str(bob.id), str(ben.actor.id), "1", "x"]})
        assert [each["id"] for each in many] == [str(bob.id), str(ben.actor.id)]

    def test_strangers_see_ours_alone_and_no_more_posts_than_they_may(self, stranger: Api, ben: Member, make: Factory) -> None:
        bob = make.remote("bob")
        make.post(ben.actor, Audience.PUBLIC)
        make.post(ben.actor, Audience.MEMBERS)
        ben.actor.posts_count, ben.actor.last_post_at = 2, make.clock()
        account = stranger.get(f"/api/v1/accounts/{ben.actor.id}", shape="Account")
        assert (account["statuses_count"], account["last_status_at"]) == (1, None)
        stranger.get(f"/api/v1/accounts/{bob.id}", 404)
        stranger.get("/api/v1/accounts/lookup", 404, acct="bob@peer.test")
        statuses = stranger.get(f"/api/v1/accounts/{ben.actor.id}/statuses", shape="[Status]")
        assert [each["visibility"] for each in statuses] == ["public"]
        stranger.get(f"/api/v1/accounts/{ben.actor.id}/followers", 401)

    def test_who_is_suspended_or_deleted_is_not_there(self, api: Api, make: Factory) -> None:
        for name, column in (("gone", "deleted_at"), ("out", "suspended_at")):
            actor = make.remote(name, **{column: make.clock()})
            for path in ("", "/statuses", "/followers", "/following"):
                api.get(f"/api/v1/accounts/{actor.id}{path}", 404)
            api.post(f"/api/v1/accounts/{actor.id}/follow", 404)
        api.get("/api/v1/accounts/12345", 404)

    def test_followers_are_paged_by_key(self, api: Api, ada: Member, make: Factory) -> None:
        for number in range(5):
            make.follow(make.remote(f"bob{number}"), ada.actor)
        answer = api.send("GET", f"/api/v1/accounts/{ada.actor.id}/followers?limit=2")
        assert [each["username"] for each in answer.get_json()] == ["bob4", "bob3"]
        following = _link(answer.headers["Link"], "next")
        assert following.startswith(f"https://home.test/api/v1/accounts/{ada.actor.id}/followers?limit=2&max_id=")
        assert [each["username"] for each in api.send("GET", following).get_json()] == ["bob2", "bob1"]
        assert api.get(f"/api/v1/accounts/{ada.actor.id}/following") == []

    def test_media_replies_and_boosts_are_left_out_when_wished(self, api: Api, ben: Member, make: Factory) -> None:
        first = make.post(ben.actor)
        other = make.post(make.remote("bob"))
        reply = make.post(ben.actor, reply_to=other)
        boost = make.boost(ben.actor, other)
        path = f"/api/v1/accounts/{ben.actor.id}/statuses"
        assert _ids(api.get(path, shape="[Status]")) == [boost.id, reply.id, first.id]
        assert _ids(api.get(path, exclude_replies="true")) == [boost.id, first.id]
        assert _ids(api.get(path, exclude_reblogs="1")) == [reply.id, first.id]
        assert api.get(path, only_media="true") == []
        assert api.get(path, tagged="garden") == []


class TestRelations:
    def test_a_follow_inside_is_at_once(self, api: Api, ben: Member) -> None:
        relation = api.post(f"/api/v1/accounts/{ben.actor.id}/follow", shape="Relationship", reblogs="true", notify="0")
        assert (relation["following"], relation["requested"]) == (True, False)
        assert api.post(f"/api/v1/accounts/{ben.actor.id}/unfollow")["following"] is False

    def test_a_follow_elsewhere_waits_and_is_sent(self, api: Api, make: Factory) -> None:
        make.peer("peer.test", "allowed")
        bob = make.remote("bob")
        assert api.post(f"/api/v1/accounts/{bob.id}/follow")["requested"] is True
        assert make.session.query(Delivery).count() == 1
        relation = api.get("/api/v1/accounts/relationships", shape="[Relationship]", **{"id[]": str(bob.id)})[0]
        assert (relation["id"], relation["requested"], relation["following"]) == (str(bob.id), True, False)

    def test_the_gate_says_no_in_words(self, api: Api, make: Factory) -> None:
        bob = make.remote("bob", "stranger.test")
        assert "stranger.test" in api.post(f"/api/v1/accounts/{bob.id}/follow", 403)["error"]
        assert make.session.query(Follow).count() == 0

    def test_nobody_follows_blocks_or_mutes_themselves(self, api: Api, ada: Member) -> None:
        for verb in ("follow", "block", "mute"):
            api.post(f"/api/v1/accounts/{ada.actor.id}/{verb}", 403)

    def test_blocks_and_mutes_are_listed_and_taken_back(self, api: Api, ben: Member, make: Factory) -> None:
        for verb, mark, path in (("block", "blocking", "blocks"), ("mute", "muting", "mutes")):
            assert api.post(f"/api/v1/accounts/{ben.actor.id}/{verb}", shape="Relationship")[mark] is True
            assert [each["id"] for each in api.get(f"/api/v1/{path}", shape="[Account]")] == [str(ben.actor.id)]
            assert api.post(f"/api/v1/accounts/{ben.actor.id}/un{verb}")[mark] is False
            assert api.get(f"/api/v1/{path}") == []
        assert make.session.query(Block).count() == 0

    def test_requests_are_answered(self, sign_in: SignIn, make: Factory) -> None:
        locked = make.member("lea", with_keys=True, is_locked=True)
        lea = sign_in(locked)
        for name, verb, is_follower in (("bob", "authorize", True), ("eve", "reject", False)):
            asking = make.remote(name)
            make.follow(asking, locked.actor, "pending")
            assert [each["username"] for each in lea.get("/api/v1/follow_requests", shape="[Account]")] == [name]
            assert lea.get("/api/v1/accounts/verify_credentials")["source"]["follow_requests_count"] == 1
            relation = lea.post(f"/api/v1/follow_requests/{asking.id}/{verb}", shape="Relationship")
            assert (relation["followed_by"], relation["requested_by"]) == (is_follower, False)
            lea.post(f"/api/v1/follow_requests/{asking.id}/{verb}", 404)

    def test_a_follower_is_removed(self, api: Api, ada: Member, make: Factory) -> None:
        bob = make.remote("bob")
        make.follow(bob, ada.actor)
        assert api.post(f"/api/v1/accounts/{bob.id}/remove_from_followers", shape="Relationship")["followed_by"] is False


def test_what_lists_cost_does_not_grow(api: Api, ada: Member, make: Factory, count_statements: Count) -> None:
    def more(count: int) -> None:
        for _ in range(count):
            bob: Actor = make.remote(f"bob{make.id()}")
            make.follow(bob, ada.actor)

    path = f"/api/v1/accounts/{ada.actor.id}/followers"
    more(2)
    few = count_statements(lambda: api.get(path))
    more(20)
    assert count_statements(lambda: api.get(path)) == few <= 8


def _link(header: str, rel: str) -> str:
    return next(part for part in header.split(", ") if part.endswith(f'rel="{rel}"')).partition(">")[0].removeprefix("<")


def _ids(statuses: list[dict[str, str]]) -> list[int]:
    return [int(status["id"]) for status in statuses]


def test_a_picture_the_web_server_cut_is_413(api: Api) -> None:
    form = {"display_name": "Ada", "avatar": (io.BytesIO(b"x" * 3000), "ada.png")}
    cut = {"courtyard.largest_body": 1000}
    answer = api.send("PATCH", "/api/v1/accounts/update_credentials", data=form, environ_overrides=cut)
    assert answer.status_code == 413
    assert answer.get_json()["error"]
