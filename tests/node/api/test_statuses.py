"""Publishing, reading, changing and deleting through the client API; who sees what stays with the audience."""

from __future__ import annotations

import pytest

from node.models import Member, Post
from node.policy import Audience
from tests.node.api.conftest import Api, Count
from tests.support.factories import Factory


class TestPublishing:
    def test_without_a_visibility_it_stays_inside(self, api: Api) -> None:
        status = api.post("/api/v1/statuses", shape="Status", status="Hello **you**")
        assert status["visibility"] == "private"
        assert status["courtyard"] == {"audience": "members", "leaves": False, "space": None}
        assert "<strong>you</strong>" in status["content"]

    @pytest.mark.parametrize(
        ("visibility", "audience", "shown"),
        [
            ("public", "public", "public"), ("unlisted", "unlisted", "unlisted"), ("followers", "followers", "private"),
            ("partners", "partners", "private"), ("local", "members", "private"),
        ],
    )  # fmt: skip
    def test_visibilities_are_audiences(self, api: Api, visibility: str, audience: str, shown: str) -> None:
        status = api.post("/api/v1/statuses", shape="Status", status="Hello", visibility=visibility)
        assert (status["courtyard"]["audience"], status["visibility"]) == (audience, shown)

    @pytest.mark.parametrize(
        ("default", "means"),
        [
            ("members", "members"), ("partners", "partners"), ("followers", "followers"),
            ("unlisted", "followers"), ("public", "followers"), ("direct", "followers"),
        ],
    )  # fmt: skip
    def test_private_is_the_default_where_the_default_is_shown_so(
        self, api: Api, ada: Member, ben: Member, make: Factory, default: str, means: str
    ) -> None:
        ada.default_audience = default
        make.session.commit()
        told = api.get("/api/v1/preferences")["posting:default:visibility"]
        assert told == api.get("/api/v1/accounts/verify_credentials")["source"]["privacy"]
        echo = api.post("/api/v1/statuses", status="As always, @ben", visibility=told)
        assert echo["courtyard"]["audience"] == default
        private = api.post("/api/v1/statuses", status="Hello", visibility="private")
        assert (private["courtyard"]["audience"], private["visibility"]) == (means, "private")
        seen = api.get("/api/v1/courtyard/preview?status=Hello&visibility=private")
        assert seen["audience"] == means

    def test_a_visibility_nobody_knows_is_refused_and_nothing_published(self, api: Api, make: Factory) -> None:
        api.post("/api/v1/statuses", 422, status="Hello", visibility="everybody")
        assert make.session.query(Post).count() == 0

    def test_the_same_key_is_the_same_status(self, api: Api, make: Factory) -> None:
        twice = [
            api.send("POST", "/api/v1/statuses", json={"status": "Once"}, headers={"Idempotency-Key": "k1"}).get_json()
            for _ in range(2)
        ]
        assert twice[0]["id"] == twice[1]["id"]
        assert make.session.query(Post).count() == 1

    def test_forms_and_booleans_as_strings_are_understood(self, api: Api) -> None:
        form = {
            "status": "Which?", "sensitive": "0", "language": "de", "poll[options][]": ["Yes", "No"], "poll[expires_in]": "600",
            "poll[multiple]": "false",
        }  # fmt: skip
        status = api.send("POST", "/api/v1/statuses", data=form).get_json()
        assert status["sensitive"] is False
        assert status["language"] == "de"
        assert [option["title"] for option in status["poll"]["options"]] == ["Yes", "No"]
        assert status["poll"]["multiple"] is False

    def test_a_poll_with_strings_in_json_is_understood(self, api: Api) -> None:
        poll = {"options": ["Yes", "No"], "expires_in": "600", "multiple": "true"}
        status = api.post("/api/v1/statuses", shape="Status", status="Which?", sensitive="1", spoiler_text="Hm", poll=poll)
        assert status["sensitive"] is True
        assert status["poll"]["multiple"] is True

    @pytest.mark.parametrize(
        "wrong",
        [
            {"status": ["a"]}, {"status": ""}, {"status": "x" * 20_001}, {"status": "x", "language": "not a code"},
            {"status": "x", "poll": "yes"}, {"status": "x", "poll": {"options": ["a"], "expires_in": 600}},
            {"status": "x", "poll": {"options": ["a", "b"], "expires_in": "soon"}}, {"status": "x", "media_ids": ["1"]},
            {"status": "x", "poll": {"options": ["a", "b"], "expires_in": 10**30}}, {"status": "x", "scheduled_at": "2030-01-01"},
            {"status": "x", "poll": {"options": [["a"], {"b": 1}], "expires_in": 600}},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, api: Api, wrong: dict[str, object]) -> None:
        api.post("/api/v1/statuses", 422, **wrong)

    def test_a_body_that_is_no_json_is_refused(self, api: Api) -> None:
        for body in (b"{", b"[]", b"\xff\xfe"):
            answer = api.send("POST", "/api/v1/statuses", data=body, content_type="application/json")
            assert answer.status_code == 400
            assert answer.get_json()["error"]

    def test_a_direct_post_leaves_when_somebody_it_names_is_elsewhere(self, api: Api, ben: Member, make: Factory) -> None:
        make.remote("bob")
        inside = api.post("/api/v1/statuses", status="@ben between us", visibility="direct")
        assert inside["courtyard"] == {"audience": "direct", "leaves": False, "space": None}
        outside = api.post("/api/v1/statuses", status="@ben and @bob@peer.test", visibility="direct")
        assert outside["courtyard"]["leaves"] is True

    def test_a_space_takes_a_post_of_those_in_it(self, api: Api, ada: Member, make: Factory) -> None:
        make.space("office", ada.actor)
        status = api.post("/api/v1/statuses", shape="Status", status="Between us", courtyard_space="office")
        assert status["courtyard"] == {"audience": "space", "leaves": False, "space": "office"}
        api.post("/api/v1/statuses", 422, status="Between us", courtyard_space="elsewhere")


class TestAnswering:
    def test_an_answer_hangs_under_its_post(self, api: Api, ben: Member, make: Factory) -> None:
        question = make.post(ben.actor, Audience.PUBLIC)
        reply = api.post("/api/v1/statuses", shape="Status", status="Yes", visibility="public", in_reply_to_id=str(question.id))
        assert reply["in_reply_to_id"] == str(question.id)
        assert reply["in_reply_to_account_id"] == str(ben.actor.id)
        context = api.get(f"/api/v1/statuses/{question.id}/context", shape="Context")
        assert [each["id"] for each in context["descendants"]] == [reply["id"]]

    def test_an_answer_is_never_wider(self, api: Api, ben: Member, make: Factory) -> None:
        question = make.post(ben.actor, Audience.MEMBERS)
        api.post("/api/v1/statuses", 403, status="Everybody!", visibility="public", in_reply_to_id=str(question.id))

    def test_private_under_a_post_shown_as_private_means_its_audience(self, api: Api, ben: Member, make: Factory) -> None:
        question = make.post(ben.actor, Audience.MEMBERS)
        reply = api.post("/api/v1/statuses", status="Yes", visibility="private", in_reply_to_id=str(question.id))
        assert reply["courtyard"]["audience"] == "members"

    @pytest.mark.parametrize("widest", [Audience.PARTNERS, Audience.UNLISTED, Audience.PUBLIC])
    def test_private_under_a_wider_post_stays_inside_by_default(
        self, api: Api, ben: Member, make: Factory, widest: Audience
    ) -> None:
        question = make.post(ben.actor, widest)
        reply = api.post("/api/v1/statuses", status="Yes", visibility="private", in_reply_to_id=str(question.id))
        assert reply["courtyard"]["audience"] == "members"

    def test_what_one_may_not_see_cannot_be_answered(self, api: Api, ben: Member, make: Factory) -> None:
        hidden = make.post(ben.actor, Audience.FOLLOWERS)
        api.post("/api/v1/statuses", 404, status="Aha", in_reply_to_id=str(hidden.id))
        api.post("/api/v1/statuses", 404, status="Aha", in_reply_to_id="99999999999999999999")


class TestReading:
    def test_a_status_has_mastodons_shape(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.PUBLIC, hashtags=["Garden"], mentions=[make.remote("bob")], options=["A", "B"])
        status = api.get(f"/api/v1/statuses/{post.id}", shape="Status")
        assert status["id"] == str(post.id)
        assert status["mentions"][0]["acct"] == "bob@peer.test"
        assert status["poll"]["own_votes"] == []

    @pytest.mark.parametrize("audience", [Audience.MEMBERS, Audience.FOLLOWERS, Audience.PARTNERS, Audience.DIRECT])
    def test_strangers_get_a_404_that_tells_nothing(self, stranger: Api, ben: Member, make: Factory, audience: Audience) -> None:
        hidden = make.post(ben.actor, audience)
        answers = [stranger.send("GET", f"/api/v1/statuses/{post_id}") for post_id in (hidden.id, hidden.id + 12345)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].data == answers[1].data

    def test_strangers_read_what_is_public(self, stranger: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.PUBLIC)
        make.post(ben.actor, Audience.MEMBERS)
        status = stranger.get(f"/api/v1/statuses/{post.id}", shape="Status")
        assert "favourited" not in status
        assert status["account"]["statuses_count"] == 1

    def test_a_private_group_gives_404_on_every_route(self, api: Api, ben: Member, make: Factory) -> None:
        space = make.space("office", ben.actor)
        post = make.post(ben.actor, Audience.SPACE, space=space, options=["A", "B"])
        for path in ("", "/context", "/history", "/source", "/card", "/favourited_by", "/reblogged_by"):
            api.get(f"/api/v1/statuses/{post.id}{path}", 404)
        for verb in ("favourite", "reblog", "bookmark", "pin", "unreblog", "unfavourite"):
            api.post(f"/api/v1/statuses/{post.id}/{verb}", 404)
        api.get(f"/api/v1/polls/{post.id}", 404)
        api.post(f"/api/v1/polls/{post.id}/votes", 404, choices=[0])
        api.put(f"/api/v1/statuses/{post.id}", 404, status="Mine")
        api.delete(f"/api/v1/statuses/{post.id}", 404)
        assert api.get(f"/api/v1/statuses?id[]={post.id}") == []
        for path in ("home", "public", "public?local=true", "tag/none"):
            assert api.get(f"/api/v1/timelines/{path}") == []
        assert api.get(f"/api/v1/accounts/{ben.actor.id}/statuses") == []
        assert api.get(f"/api/v1/accounts/{ben.actor.id}")["statuses_count"] == 0
        assert api.get("/api/v2/search", q=post.uri, resolve="true")["statuses"] == []

    def test_ids_that_cannot_be_are_not_there(self, api: Api) -> None:
        for number in ("0", "-1", "abc", "9" * 19, "9" * 30, "1.5", "%00"):
            api.get(f"/api/v1/statuses/{number}", 404)


class TestChanging:
    def test_an_edit_keeps_history_and_source(self, api: Api) -> None:
        made = api.post("/api/v1/statuses", status="First")
        status = api.put(f"/api/v1/statuses/{made['id']}", shape="Status", status="Second", spoiler_text="Careful")
        assert status["edited_at"] is not None
        assert (status["content"], status["spoiler_text"]) == ("<p>Second</p>", "Careful")
        history = api.get(f"/api/v1/statuses/{made['id']}/history", shape="[StatusEdit]")
        assert [each["content"] for each in history] == ["<p>First</p>", "<p>Second</p>"]
        assert api.get(f"/api/v1/statuses/{made['id']}/source", shape="StatusSource")["text"] == "Second"

    def test_others_posts_are_not_ones_own(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.PUBLIC)
        api.put(f"/api/v1/statuses/{post.id}", 404, status="Mine")
        api.delete(f"/api/v1/statuses/{post.id}", 404)
        api.get(f"/api/v1/statuses/{post.id}/source", 404)

    def test_a_deleted_status_gives_its_source_back_and_is_gone(self, api: Api) -> None:
        made = api.post("/api/v1/statuses", status="**Oops**")
        assert api.delete(f"/api/v1/statuses/{made['id']}", shape="Status")["text"] == "**Oops**"
        api.get(f"/api/v1/statuses/{made['id']}", 404)
        api.delete(f"/api/v1/statuses/{made['id']}", 404)


class TestReacting:
    @pytest.mark.parametrize(
        ("verb", "undo", "mark"),
        [
            ("favourite", "unfavourite", "favourited"), ("reblog", "unreblog", "reblogged"),
            ("bookmark", "unbookmark", "bookmarked"),
        ],
    )  # fmt: skip
    def test_done_and_undone(self, api: Api, ben: Member, make: Factory, verb: str, undo: str, mark: str) -> None:
        post = make.post(ben.actor, Audience.PUBLIC)
        done = api.post(f"/api/v1/statuses/{post.id}/{verb}", shape="Status")
        done = done["reblog"] or done
        assert done[mark] is True
        again = api.post(f"/api/v1/statuses/{post.id}/{verb}")
        again = again["reblog"] or again
        assert (again["favourites_count"], again["reblogs_count"]) == (done["favourites_count"], done["reblogs_count"])
        assert done["favourites_count"] + done["reblogs_count"] == (0 if verb == "bookmark" else 1)
        undone = api.post(f"/api/v1/statuses/{post.id}/{undo}", shape="Status")
        assert undone[mark] is False
        assert undone["favourites_count"] + undone["reblogs_count"] == 0

    def test_a_boosts_id_leads_to_its_post(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.PUBLIC)
        boost = api.post(f"/api/v1/statuses/{post.id}/reblog", shape="Status")
        assert boost["id"] != str(post.id)
        assert boost["reblog"]["id"] == str(post.id)
        assert api.get(f"/api/v1/statuses/{boost['id']}")["id"] == str(post.id)
        api.delete(f"/api/v1/statuses/{boost['id']}", 404)

    def test_who_did_it_is_listed(self, api: Api, ada: Member, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.PUBLIC)
        api.post(f"/api/v1/statuses/{post.id}/favourite")
        api.post(f"/api/v1/statuses/{post.id}/reblog")
        for path in ("favourited_by", "reblogged_by"):
            people = api.get(f"/api/v1/statuses/{post.id}/{path}", shape="[Account]")
            assert [each["username"] for each in people] == ["ada"]
        assert [each["id"] for each in api.get("/api/v1/favourites", shape="[Status]")] == [str(post.id)]

    def test_what_not_everybody_may_see_is_not_boosted(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.MEMBERS)
        api.post(f"/api/v1/statuses/{post.id}/reblog", 403)

    def test_ones_own_is_pinned_others_are_not(self, api: Api, ada: Member, ben: Member, make: Factory) -> None:
        own, other = make.post(ada.actor, Audience.PUBLIC), make.post(ben.actor, Audience.PUBLIC)
        assert api.post(f"/api/v1/statuses/{own.id}/pin", shape="Status")["pinned"] is True
        api.post(f"/api/v1/statuses/{other.id}/pin", 403)
        pinned = api.get(f"/api/v1/accounts/{ada.actor.id}/statuses", shape="[Status]", pinned="true")
        assert [each["id"] for each in pinned] == [str(own.id)]

    def test_a_vote_counts_once(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor, Audience.PUBLIC, options=["A", "B"])
        poll = api.post(f"/api/v1/polls/{post.id}/votes", shape="Poll", choices=["1"])
        assert poll["voted"] is True
        assert poll["own_votes"] == [1]
        assert [option["votes_count"] for option in poll["options"]] == [0, 1]
        assert poll["voters_count"] == 1
        api.post(f"/api/v1/polls/{post.id}/votes", 409, choices=[0])

    @pytest.mark.parametrize("choices", [[], ["7"], ["x"], ["-1"], ["1" * 30], ["0", "1"]])
    def test_a_vote_for_what_is_not_there_is_refused(self, api: Api, ben: Member, make: Factory, choices: list[str]) -> None:
        post = make.post(ben.actor, Audience.PUBLIC, options=["A", "B"])
        api.post(f"/api/v1/polls/{post.id}/votes", 422, choices=choices)


class TestPreview:
    def test_it_says_who_will_see_it(self, api: Api, ada: Member, ben: Member, make: Factory) -> None:
        make.peer("peer.test", "partner")
        make.follow(make.remote("bob", "peer.test"), ada.actor)
        make.follow(make.remote("eve", "other.test"), ada.actor)
        found = api.get("/api/v1/courtyard/preview", visibility="public", status="Hello")
        assert found["audience"] == "public"
        assert found["inside"] == 1
        assert found["outside"] == 1
        verdicts = {server["host"]: server["verdict"] for server in found["servers"]}
        assert verdicts == {"peer.test": "send", "other.test": "withhold"}
        assert all(reason["text"] and "%" not in reason["text"] for server in found["servers"] for reason in server["reasons"])

    def test_inside_nothing_leaves(self, api: Api, ada: Member, make: Factory) -> None:
        make.peer("peer.test", "partner")
        make.follow(make.remote("bob", "peer.test"), ada.actor)
        assert api.get("/api/v1/courtyard/preview", status="Hello")["servers"] == []


def test_what_the_page_costs_does_not_grow_with_it(api: Api, ada: Member, make: Factory, count_statements: Count) -> None:
    for number in range(3):
        other = make.remote(f"bob{number}")
        make.follow(ada.actor, other)
        make.on_home(ada.actor, make.post(other, mentions=[ada.actor], hashtags=["x"], options=["A", "B"]))
        make.on_home(ada.actor, make.boost(other, make.post(ada.actor)))
    few = count_statements(lambda: api.get("/api/v1/timelines/home", limit=4))
    for number in range(3, 15):
        other = make.remote(f"bob{number}")
        make.on_home(ada.actor, make.post(other, mentions=[ada.actor], hashtags=["x"], options=["A", "B"]))
        make.on_home(ada.actor, make.boost(other, make.post(ada.actor)))
    many = count_statements(lambda: api.get("/api/v1/timelines/home", limit=30))
    assert few == many <= 25
