"""Members: how they come to be, and every refusal on the way."""

import pytest
from sqlalchemy import select

from node.actions import clients, drafts, logins, members, outbox, reactions, relations
from node.errors import Invalid, NotAllowed, Taken
from node.models import AccessToken, Activity, Actor, ActorKey, AuditEntry, Delivery, Follow, LoginSession, Post, Tombstone
from node.policy import Audience
from node.queries import actors
from node.queries import members as query

GOOD = "correct horse battery"


@pytest.fixture
def create(session, settings, now):
    def make_member(name="ada", email="ada@mail.test", password=GOOD, role="member", **values):
        return members.create(session, name, email, password, role, settings=settings, now=now, **values)

    return make_member


def test_a_member_has_an_actor_with_our_urls_and_two_keys(session, create):
    member = create("Ada", " Ada@Mail.TEST ", display_name="  Ada\n Lovelace ")
    actor = member.actor
    assert (actor.username, member.email, actor.name) == ("ada", "ada@mail.test", "Ada Lovelace")
    assert actor.uri == "https://home.test/users/ada"
    assert actor.inbox == "https://home.test/users/ada/inbox"
    assert actor.shared_inbox == "https://home.test/inbox"
    assert actor.featured_uri == "https://home.test/users/ada/collections/featured"
    keys = {key.key_id: key for key in session.scalars(select(ActorKey).where(ActorKey.actor_id == actor.id))}
    assert {key_id: key.algorithm for key_id, key in keys.items()} == {
        "https://home.test/users/ada#main-key": "rsa",
        "https://home.test/users/ada#ed25519-key": "ed25519",
    }
    assert all(key.private_pem for key in keys.values())
    assert member.default_audience == "members"


def test_the_node_has_an_actor_of_its_own_from_the_first_member_on_and_only_one(session, create, settings, now):
    create()
    node = actors.by_uri(session, "https://home.test/actor")
    assert (node.kind, node.username) == ("Application", "home.test")
    assert members.ensure_node_actor(session, settings, now) is node


@pytest.mark.parametrize("name", ["", "a b", "ä", "a-b", "x" * 31, "../x", "ada@home", "a\u0000b", "admin", "Inbox", "actor"])
def test_a_name_is_short_plain_and_not_reserved(create, name):
    with pytest.raises(Invalid) as refusal:
        create(name)
    assert refusal.value.field == "name"


def test_a_name_belongs_to_one_person_in_any_case_and_stays_taken(session, create, settings, make, now):
    member = create()
    with pytest.raises(Taken) as refusal:
        create("ADA", "other@mail.test")
    assert (refusal.value.code, refusal.value.field) == ("name_taken", "name")
    members.remove(session, member, by=None, settings=settings, rules=make.rules(), now=now)
    with pytest.raises(Taken):
        create("ada", "other@mail.test")


BAD_ADDRESSES = [
    "", "ada", "@mail.test", "a@ok.test%evil", '"a,b"@x.test', "a@b@c", "a b@c.test", "a@b..test", "a@b.test.", "a@-b.test",
    "a@" + "b" * 400, "<a@b.test>",
]  # fmt: skip
BAD_PASSWORDS = [
    "", "short", "x" * 1025, "password123", "1234567890", "0987654321", "aaaaaaaaaa", "ada@mail.test", "Qwertzuiop1!",
]  # fmt: skip


@pytest.mark.parametrize("email", BAD_ADDRESSES)
def test_an_address_is_an_address(create, email):
    with pytest.raises(Invalid) as refusal:
        create("ada", email)
    assert refusal.value.field == "email"


def test_an_address_belongs_to_one_person_in_any_case(create):
    create()
    with pytest.raises(Taken) as refusal:
        create("bo", "ADA@mail.test")
    assert (refusal.value.code, refusal.value.field) == ("email_taken", "email")


@pytest.mark.parametrize("password", BAD_PASSWORDS)
def test_a_password_is_neither_short_nor_endless_nor_the_first_guess(create, password):
    with pytest.raises(Invalid) as refusal:
        create(password=password)
    assert refusal.value.field == "password"


@pytest.mark.parametrize(("field", "value"), [("role", "root"), ("language", "xx"), ("display_name", "x" * 101)])
def test_other_values_are_checked_beside_their_field(create, field, value):
    with pytest.raises(Invalid) as refusal:
        create(**{field: value})
    assert refusal.value.field == field


def test_a_password_opens_by_name_or_address_and_only_the_right_one(session, create, now):
    member = create()
    assert members.verify_password(session, "ada", GOOD, now) is member
    assert members.verify_password(session, "@Ada", GOOD, now) is member
    assert members.verify_password(session, "ADA@mail.test", GOOD, now) is member
    assert members.verify_password(session, "ada", GOOD + "x", now) is None
    assert members.verify_password(session, "nobody", GOOD, now) is None
    assert members.verify_password(session, "x" * 400, GOOD, now) is None


def test_a_login_without_password_cannot_be_opened_with_one(session, create, now):
    create(password=None)
    assert members.verify_password(session, "ada", "", now) is None


def test_a_password_with_weaker_parameters_is_hashed_again(session, create, now):
    from argon2 import PasswordHasher

    member = create()
    fresh = member.password_hash
    members.refresh_password(session, member, GOOD)
    assert member.password_hash == fresh
    member.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    members.refresh_password(session, member, GOOD)
    assert "m=65536,t=3,p=4" in member.password_hash
    assert members.verify_password(session, "ada", GOOD, now) is member


def opened(session, member, now):
    """Sign in and make a token; return a function that says whether each still opens."""
    secret = logins.open(session, member, "192.0.2.1", "browser", now)
    token = clients.token_for_member(session, member, "read write", now)
    return lambda: (logins.member_of(session, secret, now) is not None, clients.find_token(session, token, now) is not None)


@pytest.mark.parametrize(
    "change",
    [
        lambda session, member, now: members.set_password(session, member, "another good one", now=now),
        lambda session, member, now: members.set_email(session, member, "new@mail.test", now=now),
        lambda session, member, now: members.suspend(session, member, by=None, now=now),
    ],
    ids=["password", "address", "suspend"],
)
def test_what_changes_a_login_ends_every_session_and_token(session, create, make, now, change):
    member = create()
    create("boss", "boss@mail.test", role="admin")
    is_open = opened(session, member, now)
    assert is_open() == (True, True)
    change(session, member, now)
    assert is_open() == (False, False)


def test_a_suspended_member_cannot_sign_in_until_restored(session, create, now):
    member = create()
    members.suspend(session, member, by=None, now=now)
    assert member.actor.suspended_at == now
    assert members.verify_password(session, "ada", GOOD, now) is None
    members.restore(session, member, by=None, now=now)
    assert members.verify_password(session, "ada", GOOD, now) is member
    assert [entry.verb for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
        "member.create", "member.suspend", "member.restore",
    ]  # fmt: skip


def test_nobody_gives_a_role_to_themselves_and_only_admins_give_any(session, make, now):
    admin, moderator, member = (make.member(role, role=role) for role in ("admin", "moderator", "member"))
    make.member("other_admin", role="admin")
    for by, whom in ((moderator, member), (member, member), (admin, admin)):
        with pytest.raises(NotAllowed):
            members.set_role(session, whom, "admin", by=by, now=now)
    with pytest.raises(Invalid):
        members.set_role(session, member, "owner", by=admin, now=now)
    members.set_role(session, member, "moderator", by=admin, now=now)
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.member_id, entry.verb, entry.subject) == (admin.id, "member.role", "member")
    assert entry.details == {"before": "member", "after": "moderator"}


def test_moderators_suspend_members_but_nobody_above_and_not_themselves(session, make, now):
    admin, moderator, member = (make.member(role, role=role) for role in ("admin", "moderator", "member"))
    for by, whom in ((moderator, admin), (moderator, moderator), (member, moderator)):
        with pytest.raises(NotAllowed):
            members.suspend(session, whom, by=by, now=now)
    members.suspend(session, member, by=moderator, now=now)
    assert member.suspended_at == now


def test_the_last_admin_stays(session, make, settings, now):
    admin = make.member("boss", role="admin")
    with pytest.raises(NotAllowed) as refusal:
        members.set_role(session, admin, "member", by=None, now=now)
    assert refusal.value.code == "last_admin"
    with pytest.raises(NotAllowed):
        members.suspend(session, admin, by=None, now=now)
    with pytest.raises(NotAllowed):
        members.remove(session, admin, by=admin, settings=settings, rules=make.rules(), now=now)


def test_a_member_who_leaves_takes_everything_along_and_servers_are_told(session, make, settings, now):
    ada, bo = make.member("ada", with_keys=True), make.member("bo")
    eve = make.remote("eve", "good.test")
    make.peer("good.test")
    rules = make.rules()
    relations.follow(session, bo.actor, ada.actor, settings=settings, rules=rules, now=now)
    make.follow(eve, ada.actor)
    draft = drafts.Draft("my words #tea", Audience.PUBLIC)
    post = outbox.publish(session, ada.actor, draft, settings=settings, rules=rules, now=now)
    theirs = make.post(bo.actor)
    reactions.like(session, ada.actor, theirs, settings=settings, rules=rules, now=now)
    logins.open(session, ada, "", "", now)
    members.remove(session, ada, by=ada, settings=settings, rules=rules, now=now)
    session.expire_all()
    assert query.by_name(session, "ada") is None
    actor = session.get(Actor, ada.actor_id)
    assert (actor.deleted_at, actor.name) == (now, "")
    assert session.scalar(select(Post.content_html).where(Post.id == post.id)) == ""
    assert set(session.scalars(select(Tombstone.uri))) == {post.uri, actor.uri}
    assert session.scalars(select(Follow)).all() == []
    assert session.scalars(select(LoginSession)).all() == []
    assert session.get(Actor, bo.actor_id).following_count == 0
    assert session.get(Post, theirs.id).likes_count == 0
    queued = select(Activity.kind, Delivery.state).join(Delivery, Delivery.activity_id == Activity.id)
    assert dict(session.execute(queued).all()) == {"Create": "cancelled", "Delete": "waiting"}


def test_only_admins_remove_others(session, make, settings, now):
    with pytest.raises(NotAllowed):
        members.remove(
            session, make.member("ada"), by=make.member("mo", role="moderator"), settings=settings, rules=make.rules(), now=now
        )


def test_tokens_are_kept_as_digests_only(session, make, now):
    secret = clients.token_for_member(session, make.member(), "read", now)
    kept = session.scalars(select(AccessToken)).one()
    assert secret not in (kept.token_hash, kept.scopes)
    assert len(kept.token_hash) == 64
