"""Timelines, paging, notifications, markers, search."""

from __future__ import annotations

import pytest

from node.models import Attachment, Member, Notification
from node.policy import Audience
from tests.node.api.conftest import Api
from tests.support.factories import Factory


def ids(lines: list[dict[str, str]]) -> list[int]:
    return [int(line["id"]) for line in lines]


def link(header: str, rel: str) -> str:
    return next(part for part in header.split(", ") if part.endswith(f'rel="{rel}"')).partition(">")[0].removeprefix("<")


class TestPaging:
    @pytest.fixture
    def entries(self, ada: Member, make: Factory) -> list[int]:
        """The ids on ada's home, newest first."""
        bob = make.remote("bob")
        make.follow(ada.actor, bob)
        shown = [make.post(bob) for _ in range(7)]
        for post in shown:
            make.on_home(ada.actor, post)
        return [post.id for post in reversed(shown)]

    def test_backwards_by_link(self, api: Api, entries: list[int]) -> None:
        seen, address = [], "/api/v1/timelines/home?limit=3"
        while True:
            answer = api.send("GET", address)
            if not answer.get_json():
                break
            seen += ids(answer.get_json())
            address = link(answer.headers["Link"], "next")
        assert seen == entries

    def test_forwards_nothing_is_skipped(self, api: Api, entries: list[int]) -> None:
        answer = api.send("GET", f"/api/v1/timelines/home?limit=3&max_id={entries[5]}")
        assert ids(answer.get_json()) == entries[6:]
        newer = api.send("GET", link(answer.headers["Link"], "prev").replace("limit=3", "limit=2"))
        assert ids(newer.get_json()) == entries[4:6]

    def test_since_id_gives_the_newest_of_what_is_newer(self, api: Api, entries: list[int]) -> None:
        assert ids(api.get("/api/v1/timelines/home", limit=2, since_id=str(entries[5]))) == entries[:2]
        assert ids(api.get("/api/v1/timelines/home", limit=40, since_id=str(entries[5]), max_id=str(entries[2]))) == entries[3:5]

    def test_limits_are_capped_and_nonsense_is_refused(self, api: Api, entries: list[int]) -> None:
        assert ids(api.get("/api/v1/timelines/home", limit="1000000")) == entries
        assert len(api.get("/api/v1/timelines/home", limit="0")) == 7
        for wrong in ({"limit": "x"}, {"max_id": "-1"}, {"since_id": "1.5"}, {"min_id": "9" * 30}, {"limit[]": ["1", "2"]}):
            api.get("/api/v1/timelines/home", 422, **wrong)


class TestTimelines:
    def test_boosts_come_as_statuses_around_statuses(self, api: Api, ada: Member, make: Factory) -> None:
        bob = make.remote("bob")
        post = make.post(ada.actor)
        boost = make.boost(bob, post)
        make.on_home(ada.actor, boost)
        line = api.get("/api/v1/timelines/home", shape="[Status]")[0]
        assert (line["id"], line["uri"], line["account"]["acct"]) == (str(boost.id), boost.uri, "bob@peer.test")
        assert line["reblog"]["id"] == str(post.id)

    def test_local_remote_and_both(self, api: Api, stranger: Api, ben: Member, make: Factory) -> None:
        inside, ours = make.post(ben.actor, Audience.MEMBERS), make.post(ben.actor)
        theirs = make.post(make.remote("bob"))
        assert ids(api.get("/api/v1/timelines/public", shape="[Status]")) == [theirs.id, ours.id]
        assert ids(api.get("/api/v1/timelines/public", local="true")) == [ours.id, inside.id]
        assert ids(api.get("/api/v1/timelines/public", remote="true")) == [theirs.id]
        assert ids(stranger.get("/api/v1/timelines/public")) == [ours.id]
        assert ids(stranger.get("/api/v1/timelines/public", local="1")) == [ours.id]

    def test_tags_and_media(self, api: Api, stranger: Api, ben: Member, make: Factory) -> None:
        tagged = make.post(ben.actor, hashtags=["Garden"])
        make.post(ben.actor, Audience.FOLLOWERS, hashtags=["secret"])
        bob = make.remote("bob")
        with_media = make.post(bob, hashtags=["garden"])
        picture = make.add(Attachment(id=make.id(), post_id=with_media.id, kind="image", url="https://peer.test/a.png", width=4, height=2))
        make.add(Attachment(id=make.id(), post_id=with_media.id, position=1, kind="video", url="https://peer.test/a.mp4"))
        assert ids(api.get("/api/v1/timelines/tag/GARDEN", shape="[Status]")) == [with_media.id, tagged.id]
        status = api.get("/api/v1/timelines/tag/garden", only_media="true")[0]
        media = status["media_attachments"]
        assert media[0]["url"].startswith(f"https://home.test/media/{picture.id}?key=")
        assert (media[0]["type"], media[0]["meta"]["original"]["aspect"], media[1]["type"]) == ("image", 2.0, "unknown")
        assert ids(stranger.get("/api/v1/timelines/tag/garden")) == [tagged.id]
        assert stranger.get("/api/v1/timelines/tag/secret") == []
        assert api.get("/api/v1/tags/Garden", shape="Tag")["name"] == "garden"

    def test_bookmarks(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(ben.actor)
        api.post(f"/api/v1/statuses/{post.id}/bookmark")
        assert ids(api.get("/api/v1/bookmarks", shape="[Status]")) == [post.id]


class TestNotifications:
    @pytest.fixture
    def told(self, ada: Member, make: Factory) -> list[int]:
        """The ids of what ada is told, oldest first."""
        bob = make.remote("bob")
        post, said = make.post(ada.actor), make.post(bob, mentions=[ada.actor])
        rows = []
        for kind, about in (("like", post), ("boost", post), ("mention", said), ("reply", said), ("follow", None), ("report", None)):
            values = {"actor_id": ada.actor.id, "kind": kind, "from_actor_id": bob.id, "created_at": make.clock()}
            rows.append(make.add(Notification(id=make.id(), post_id=about.id if about else None, fingerprint=kind, **values)))
        return [row.id for row in rows]

    def test_by_mastodons_names(self, api: Api, told: list[int]) -> None:
        rows = api.get("/api/v1/notifications", shape="[Notification]")
        assert [row["type"] for row in rows] == ["follow", "mention", "mention", "reblog", "favourite"]
        assert rows[1]["status"]["account"]["acct"] == "bob@peer.test"
        assert api.get(f"/api/v1/notifications/{told[0]}", shape="Notification")["type"] == "favourite"
        assert api.get("/api/v1/notifications/unread_count", shape="CountResponse")["count"] == 6

    def test_types_are_chosen(self, api: Api, told: list[int]) -> None:
        assert [row["type"] for row in api.get("/api/v1/notifications?types[]=follow&types[]=reblog")] == ["follow", "reblog"]
        rows = api.get("/api/v1/notifications?exclude_types[]=mention&exclude_types[]=follow")
        assert [row["type"] for row in rows] == ["reblog", "favourite"]
        assert api.get("/api/v1/notifications?types[]=quote") == []
        assert ids(api.get("/api/v1/notifications", since_id=told[2])) == [told[4], told[3]]

    def test_dismissed_and_cleared(self, api: Api, told: list[int], make: Factory, ben: Member) -> None:
        others = make.add(
            Notification(id=make.id(), actor_id=ben.actor.id, kind="like", fingerprint="his", created_at=make.clock())
        )
        api.post(f"/api/v1/notifications/{told[4]}/dismiss")
        api.post(f"/api/v1/notifications/{others.id}/dismiss")
        api.get(f"/api/v1/notifications/{told[4]}", 404)
        api.get(f"/api/v1/notifications/{others.id}", 404)
        api.post("/api/v1/notifications/clear")
        assert api.get("/api/v1/notifications") == []
        assert make.session.query(Notification).count() == 1

    def test_markers_only_move_forward(self, api: Api, told: list[int]) -> None:
        assert api.get("/api/v1/markers?timeline[]=home&timeline[]=notifications") == {}
        saved = api.post("/api/v1/markers", home={"last_read_id": "77"}, notifications={"last_read_id": str(told[5])})
        assert (saved["home"]["last_read_id"], saved["home"]["version"]) == ("77", 1)
        assert api.get("/api/v1/notifications/unread_count") == {"count": 0}
        api.send("POST", "/api/v1/markers", data={"home[last_read_id]": "76"})
        found = api.get("/api/v1/markers?timeline[]=home")
        assert list(found) == ["home"]
        assert found["home"]["last_read_id"] == "77"
        for wrong in ({"home": "x"}, {"home": {}}, {"home": {"last_read_id": "x"}}):
            api.post("/api/v1/markers", 422, **wrong)


class TestSearch:
    def test_people_posts_and_tags(self, api: Api, ben: Member, make: Factory) -> None:
        post = make.post(make.remote("bob"), hashtags=["benches"])
        found = api.get("/api/v2/search", q="ben", shape="Search")
        assert [each["acct"] for each in found["accounts"]] == ["ben"]
        assert [each["name"] for each in api.get("/api/v2/search", q="#benches", shape="Search")["hashtags"]] == ["benches"]
        assert ids(api.get("/api/v2/search", q=post.uri, shape="Search")["statuses"]) == [post.id]
        assert api.get("/api/v2/search", q=ben.actor.uri)["accounts"][0]["acct"] == "ben"
        assert api.get("/api/v2/search", q="ben", type="hashtags")["accounts"] == []
        assert api.get("/api/v2/search", q="@ben@home.test")["accounts"][0]["acct"] == "ben"

    def test_the_canary_is_not_found(self, api: Api, ben: Member, make: Factory) -> None:
        hidden = make.post(ben.actor, Audience.DIRECT, html="<p>canary</p>", hashtags=["canary"])
        for text in ("canary", "#canary", hidden.uri):
            found = api.get("/api/v2/search", q=text, resolve="true")
            assert found == {"accounts": [], "statuses": [], "hashtags": []}

    def test_what_is_typed_is_taken_literally(self, api: Api, ben: Member) -> None:
        for text in ("%", "_", "'", "{{7*7}}", "\\", "\0", "b_n", "#", "@", "https://", "y" * 600):
            assert api.get("/api/v2/search", q=text)["accounts"] == []

    def test_a_server_that_was_not_let_in_is_not_asked(self, api: Api) -> None:
        for text in ("@bob@stranger.test", "https://stranger.test/users/bob", "http://127.0.0.1/x", "https://home.test/users/nobody"):
            assert api.get("/api/v2/search", q=text, resolve="true") == {"accounts": [], "statuses": [], "hashtags": []}
