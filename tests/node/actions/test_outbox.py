"""What a member says: who is sent it, what may be changed, and what a delete leaves."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation.vocabulary import PUBLIC
from node.actions import outbox
from node.actions.drafts import Draft, PollDraft
from node.config import Settings
from node.errors import Invalid, NotAllowed, NotThere
from node.models import Activity, Actor, Delivery, Lane, Notification, Post, PostVersion, Refusal, TimelineEntry, Tombstone
from node.policy import WITHIN, Audience, PeerState
from tests.support.factories import Factory


@pytest.fixture
def ada(make: Factory) -> Actor:
    return make.member("ada", with_keys=True).actor


@pytest.fixture
def publish(session: Session, settings: Settings, make: Factory, ada: Actor, now: datetime):  # type: ignore[no-untyped-def]
    def say(text: str = "Hello", author: Actor | None = None, **draft: object) -> Post:
        return outbox.publish(
            session, author or ada, Draft(text=text, **draft), settings=settings, rules=make.rules(), now=make.clock()
        )  # type: ignore[arg-type]

    return say


def inboxes(session: Session, post: Post, kind: str = "Create") -> set[str]:
    found = select(Lane.inbox).join(Delivery, Delivery.lane_id == Lane.id).join(Activity, Activity.id == Delivery.activity_id)
    return set(session.scalars(found.where(Activity.post_id == post.id, Activity.kind == kind)))


def sent(session: Session, post: Post, kind: str = "Create") -> dict[str, object]:
    body = session.scalars(select(Activity.document).where(Activity.post_id == post.id, Activity.kind == kind)).one()
    return dict(json.loads(body))


def test_without_a_choice_a_post_stays_inside(session: Session, make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    make.peer(state=PeerState.PARTNER)
    make.follow(make.remote(), ada)
    post = publish()
    assert post.audience == Audience.MEMBERS
    assert session.scalar(select(func.count(Activity.id))) == 0
    assert post.addressed == {"to": [], "cc": []}


def test_a_public_post_goes_once_to_each_shared_inbox_the_gate_lets_it_go_to(
    session: Session, make: Factory, ada: Actor, publish
) -> None:  # type: ignore[no-untyped-def]
    make.peer("good.test")
    make.peer("evil.test", PeerState.BLOCKED)
    for name, host in (("a", "good.test"), ("b", "good.test"), ("c", "evil.test"), ("d", "unknown.test")):
        make.follow(make.remote(name, host), ada)
    post = publish(audience=Audience.PUBLIC)
    assert inboxes(session, post) == {"https://good.test/inbox"}
    activity = sent(session, post)
    assert activity["to"] == [PUBLIC]
    assert activity["cc"] == [ada.followers_uri]
    why = {row.host: row.reasons[0]["code"] for row in session.scalars(select(Refusal).where(Refusal.post_id == post.id))}
    assert why == {"evil.test": "peer_blocked", "unknown.test": "peer_not_let_in"}


def test_partners_posts_go_to_partners_alone_and_name_nobody_else(session: Session, make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    make.peer("partner.test", PeerState.PARTNER)
    make.peer("allowed.test")
    make.follow(make.remote("a", "partner.test"), ada)
    make.follow(make.remote("b", "allowed.test"), ada)
    post = publish(audience=Audience.PARTNERS)
    assert inboxes(session, post) == {"https://partner.test/inbox"}
    assert sent(session, post)["to"] == [ada.followers_uri]


def test_a_direct_message_goes_to_the_personal_inbox_of_those_it_names(
    session: Session, make: Factory, ada: Actor, publish
) -> None:  # type: ignore[no-untyped-def]
    make.peer()
    bob = make.remote("bob")
    make.follow(make.remote("eve"), ada)
    post = publish("@bob@peer.test psst", audience=Audience.DIRECT)
    assert inboxes(session, post) == {bob.inbox}
    assert sent(session, post)["to"] == [bob.uri]
    assert session.scalars(select(TimelineEntry.actor_id).where(TimelineEntry.post_id == post.id)).all() == [ada.id]


def test_a_direct_message_to_nobody_is_refused_beside_the_text(publish) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid) as refused:
        publish("psst", audience=Audience.DIRECT)
    assert (refused.value.code, refused.value.field) == ("nobody_named", "text")


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_post_is_refused(publish, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid, match="write something"):
        publish(text)


@pytest.mark.parametrize("narrow", [Audience.DIRECT, Audience.SPACE, Audience.MEMBERS, Audience.PARTNERS, Audience.FOLLOWERS])
def test_no_reply_is_wider_than_what_it_answers(session: Session, make: Factory, ada: Actor, publish, narrow: Audience) -> None:  # type: ignore[no-untyped-def]
    eve = make.member("eve").actor
    make.follow(eve, ada)
    space = make.space("office", ada, eve) if narrow is Audience.SPACE else None
    parent = make.post(ada, narrow, mentions=[eve], space=space)
    for wide in Audience:
        if wide not in WITHIN[narrow]:
            with pytest.raises(NotAllowed):
                publish("me too", author=eve, audience=wide, in_reply_to=parent)


def test_nobody_answers_what_they_cannot_see(make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    eve = make.member("eve").actor
    with pytest.raises(NotThere):
        publish("ha", author=eve, audience=Audience.DIRECT, in_reply_to=make.post(ada, Audience.DIRECT))


def test_a_reply_tells_the_author_and_is_counted(session: Session, make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    eve = make.member("eve").actor
    parent = make.post(eve, Audience.MEMBERS, replies_count=0)
    reply = publish("Agreed", in_reply_to=parent)
    session.refresh(parent)
    assert (reply.thread_id, parent.replies_count) == (parent.thread_id, 1)
    told = session.scalars(select(Notification)).one()
    assert (told.actor_id, told.kind, told.from_actor_id) == (eve.id, "reply", ada.id)


def test_nobody_is_told_of_a_post_they_may_not_see(session: Session, make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    make.member("eve")
    space = make.space("office", ada)
    publish("@eve look", audience=Audience.SPACE, space_id=space.id)
    assert session.scalar(select(func.count(Notification.id))) == 0


def test_only_a_spaces_members_post_in_it(make: Factory, publish) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotAllowed, match="members of a space"):
        publish(audience=Audience.SPACE, space_id=make.space("office").id)


def test_the_same_idempotency_key_makes_one_post(session: Session, publish) -> None:  # type: ignore[no-untyped-def]
    assert publish(idempotency_key="k").id == publish(idempotency_key="k").id
    assert session.scalar(select(func.count(Post.id))) == 1


def test_an_edit_keeps_the_former_version_and_tells_who_had_it(
    session: Session, make: Factory, ada: Actor, settings: Settings, publish
) -> None:  # type: ignore[no-untyped-def]
    make.peer()
    bob = make.remote()
    follow = make.follow(bob, ada)
    post = publish("First", audience=Audience.PUBLIC)
    session.delete(follow)
    session.flush()
    outbox.edit(session, post, by=ada, text="Second", settings=settings, rules=make.rules(), now=make.clock())
    assert session.scalars(select(PostVersion.source)).all() == ["First"]
    assert inboxes(session, post, "Update") == {"https://peer.test/inbox"}
    assert "Second" in str(sent(session, post, "Update")["object"])


@pytest.mark.parametrize("audience", [Audience.DIRECT, Audience.FOLLOWERS])
def test_naming_somebody_in_an_edit_does_not_let_them_in(
    session: Session, make: Factory, ada: Actor, settings: Settings, publish, audience: Audience
) -> None:  # type: ignore[no-untyped-def]
    make.peer("good.test")
    make.peer("other.test")
    make.remote("bob", "good.test")
    eve = make.remote("eve", "other.test")
    post = publish("@bob@good.test hi", audience=audience)
    outbox.edit(
        session, post, by=ada, text="@bob@good.test @eve@other.test hi", settings=settings, rules=make.rules(), now=make.clock()
    )
    assert eve.inbox not in inboxes(session, post, "Update")
    assert "https://other.test/inbox" not in inboxes(session, post, "Update")


def test_a_delete_erases_the_words_and_tells_everybody_who_was_to_have_them(
    session: Session, make: Factory, ada: Actor, settings: Settings, publish
) -> None:  # type: ignore[no-untyped-def]
    make.peer()
    make.follow(make.remote(), ada)
    post = publish("Secret **word** #tag", audience=Audience.PUBLIC)
    outbox.delete(session, post, by=ada, settings=settings, rules=make.rules(), now=make.clock())
    assert (post.source, post.content_html, post.title) == (None, "", "")
    assert session.scalars(select(Tombstone.uri)).all() == [post.uri]
    assert inboxes(session, post, "Delete") == {"https://peer.test/inbox"}
    rows = session.execute(select(Activity.kind, Delivery.state).join(Delivery, Delivery.activity_id == Activity.id))
    states = dict(rows.all())
    assert states == {"Create": "cancelled", "Delete": "waiting"}  # G3: the Create was never tried


def test_only_the_author_changes_or_deletes(session: Session, make: Factory, settings: Settings, publish) -> None:  # type: ignore[no-untyped-def]
    eve = make.member("eve").actor
    post = publish()
    with pytest.raises(NotAllowed):
        outbox.edit(session, post, by=eve, text="x", settings=settings, rules=make.rules(), now=make.clock())
    with pytest.raises(NotAllowed):
        outbox.delete(session, post, by=eve, settings=settings, rules=make.rules(), now=make.clock())


def test_a_delete_tells_nobody_who_was_not_to_have_it(
    session: Session, make: Factory, ada: Actor, settings: Settings, publish
) -> None:  # type: ignore[no-untyped-def]
    make.peer("partner.test", PeerState.PARTNER)
    make.peer("allowed.test")
    make.follow(make.remote("a", "partner.test"), ada)
    make.follow(make.remote("b", "allowed.test"), ada)
    post = publish(audience=Audience.PARTNERS)
    outbox.delete(session, post, by=ada, settings=settings, rules=make.rules(), now=make.clock())
    assert inboxes(session, post, "Delete") == {"https://partner.test/inbox"}


def test_the_words_of_a_deleted_post_stay_in_no_activity(
    session: Session, make: Factory, ada: Actor, settings: Settings, publish
) -> None:  # type: ignore[no-untyped-def]
    make.peer()
    make.follow(make.remote(), ada)
    post = publish("canaryword", audience=Audience.PUBLIC)
    outbox.delete(session, post, by=ada, settings=settings, rules=make.rules(), now=make.clock())
    assert not any(b"canaryword" in body for body in session.scalars(select(Activity.document)))


@pytest.mark.parametrize("options", [("one",), ("same", "same"), tuple(str(at) for at in range(17)), ("a", "x" * 201)])
def test_a_poll_that_makes_no_sense_is_refused(publish, options: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid):
        publish("Which?", poll=PollDraft(options))


def test_a_poll_goes_out_as_a_question(session: Session, make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    make.peer()
    make.follow(make.remote(), ada)
    post = publish("Which?", poll=PollDraft(("tea", "coffee")), audience=Audience.PUBLIC)
    document = sent(session, post)["object"]
    assert isinstance(document, dict)
    assert document["type"] == "Question"
    assert [option["name"] for option in document["oneOf"]] == ["tea", "coffee"]


@pytest.mark.parametrize("audience", [Audience.MEMBERS, Audience.SPACE])
def test_a_message_out_does_not_name_what_stays_inside(  # abuse case L06
    session: Session,
    make: Factory,
    ada: Actor,
    publish,
    audience: Audience,  # type: ignore[no-untyped-def]
) -> None:
    make.peer()
    make.remote("bob")
    inside = make.post(ada, audience, space=make.space("office", ada) if audience is Audience.SPACE else None)
    post = publish("@bob@peer.test look", audience=Audience.DIRECT, in_reply_to=inside)

    assert post.in_reply_to_uri == inside.uri
    assert inboxes(session, post)
    assert inside.uri not in json.dumps(sent(session, post))


def test_a_message_out_names_what_leaves(session: Session, make: Factory, ada: Actor, publish) -> None:  # type: ignore[no-untyped-def]
    make.peer()
    bob = make.remote("bob")
    make.follow(bob, ada)
    first = publish("For followers", audience=Audience.FOLLOWERS)
    post = publish("@bob@peer.test look", audience=Audience.DIRECT, in_reply_to=first)

    assert sent(session, post)["object"]["inReplyTo"] == first.uri  # type: ignore[index]


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        ({"text": "Hello", "title": "t" * 201}, "title_long"),
        ({"text": " ", "poll": PollDraft(("Tuesday", "Thursday"))}, "poll_question"),
    ],
)
def test_a_title_has_an_end_and_a_poll_asks_something(publish, draft: dict[str, object], code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid) as refused:
        publish(**draft)
    assert refused.value.code == code
