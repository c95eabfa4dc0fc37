"""What members say about themselves, checked, and told to those who follow from elsewhere."""

import pytest

from node.actions import profile
from node.errors import Invalid


@pytest.fixture
def member(make):
    member = make.member("ada", with_keys=True)
    make.peer("good.test")
    make.follow(make.remote("eve", "good.test"), member.actor)
    return member


@pytest.fixture
def update(session, member, ways):
    return lambda **values: profile.update(session, member, **values, **ways())


def test_what_others_see_is_kept_clean_and_sent(member, update, sent):
    assert update(
        name=" Ada \u0000L. ", summary="I *count* <script>", fields=[("Site", "https://a.test"), ("", "")], is_locked=True
    )
    actor = member.actor
    assert (actor.name, actor.summary_source, actor.fields, actor.is_locked) == (
        "Ada L.", "I *count* <script>", [["Site", "https://a.test"]], True,
    )  # fmt: skip
    assert "<em>count</em>" in actor.summary_html
    assert "<script" not in actor.summary_html
    ((kind, inbox, document),) = sent()
    assert (kind, inbox) == ("Update", "https://good.test/inbox")
    assert (document["object"]["id"], document["object"]["name"]) == (actor.uri, "Ada L.")
    assert document["object"]["manuallyApprovesFollowers"] is True


def test_what_concerns_nobody_else_is_not_sent(member, update, sent):
    assert update(language="de", theme="dark", is_informal=True, default_audience="followers") is False
    assert (member.language, member.theme, member.is_informal, member.default_audience) == ("de", "dark", True, "followers")
    assert update(name=member.actor.name) is False
    assert sent() == []


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("display_name", {"name": "x" * 101}),
        ("summary", {"summary": "x" * 2001}),
        ("fields", {"fields": [("label", "")]}),
        ("fields", {"fields": [("x" * 101, "y")]}),
        ("fields", {"fields": [("x", "y")] * 9}),
        ("language", {"language": "xx"}),
        ("theme", {"theme": "pink"}),
        ("default_audience", {"default_audience": "space"}),
        ("default_audience", {"default_audience": "world"}),
    ],
)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_changes(member, update, sent, field, values):
    with pytest.raises(Invalid) as refusal:
        update(**({"name": "New"} | values))
    assert refusal.value.field == field
    assert member.actor.name == "Ada"
    assert sent() == []
