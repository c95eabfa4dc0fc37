"""Content rules: made, removed, asked once for each version of a post; and what they hold, let go by somebody else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from node.actions import audit, brakes, node_settings
from node.actions.brakes import check_scope, check_subject
from node.actions.roles import check_admin
from node.content import markdown
from node.database import new_id, rows_of
from node.errors import N_, Invalid, NotAllowed, NotThere
from node.models import Activity, Actor, Attachment, Delivery, Member, OutboundRule, Post
from node.policy import Content, Findings, LooksFor, Rules, Verdict, leaves
from node.policy.audiences import Audience
from node.policy.content import compiled, words_of
from node.queries.scopes import speaker

LONGEST_NAME, LONGEST_VALUE = 200, 500
NEEDS_NO_VALUE = frozenset({LooksFor.ATTACHMENT, LooksFor.ANYTHING})


def add(
    session: Session, name: str, looks_for: str, value: str = "", *, verdict: str = "hold", scope: str = "node",
    subject: str = "", by: Member | None, now: datetime, own_host: str = "",
) -> OutboundRule:  # fmt: skip
    """Make a rule for what is said from now on; `name` is the reason that the author reads. See `node.policy.ContentRule`.

    Raises Invalid beside name, looks_for, value, verdict, scope or subject; NotAllowed.
    """
    check_admin(by)
    name, value = " ".join(name.replace("\0", "").split()), value.replace("\0", "").strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid("rule_name", N_("A rule needs a reason of at most %(most)s characters."), "name", most=LONGEST_NAME)
    if verdict not in ("hold", "withhold"):
        raise Invalid("verdict_unknown", N_("A rule holds or keeps back."), "verdict")
    row = OutboundRule(
        id=new_id(now), name=name, looks_for=_check_looks_for(looks_for), value=_check_value(looks_for, value), verdict=verdict,
        scope=check_scope(scope), subject=check_subject(session, scope, subject, own_host), member_id=by.id if by else None,
        created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    node_settings.raise_version(session, now, by, f"rule.add {name}")
    audit.record(session, by, "rule.add", name, now=now, looks_for=row.looks_for, verdict=verdict, scope=scope, host=row.subject)
    session.flush()
    return row


def remove(session: Session, rule_id: int, *, by: Member | None, now: datetime) -> None:
    """Remove a rule. What it holds stays held until somebody lets it go. Raises NotThere, NotAllowed."""
    check_admin(by)
    row = session.get(OutboundRule, rule_id)
    if row is None:
        raise NotThere("rule_not_there", N_("This rule is not there any more."))
    session.delete(row)
    session.flush()
    node_settings.raise_version(session, now, by, f"rule.remove {row.name}")
    audit.record(session, by, "rule.remove", row.name, now=now)
    session.flush()


def ask(session: Session, post: Post, rules: Rules) -> None:
    """Note on a post of ours what the rules find in it as it stands; its mentions, tags and options are loaded.

    Called for each version before it is sent: what was let go before is asked again.
    """
    found = None
    if rules.content and leaves(Audience(post.audience)):
        who = speaker(session, post.author_id, post.id, rules)
        files = session.scalar(select(func.count(Attachment.id)).where(Attachment.post_id == post.id)) or 0
        found = rules.content.find(content_of(post, files), who.actor, who.space)
    strictest = rules.content.strictest(found) if found else None
    post.kept_back = strictest.value if strictest else ""
    post.findings = _stored(found) if found else None
    session.flush()


def foresee(
    session: Session, author_id: int, words: Sequence[str], named_ids: Collection[int], rules: Rules
) -> Findings | None:
    """Return what the rules would find in a post not yet written down: `words` are its title, warning, text and options."""
    if not rules.content:
        return None
    named = session.execute(select(Actor.username, Actor.host).where(Actor.id.in_(named_ids))) if named_ids else ()
    mentions = frozenset(f"{name}@{host}" if host else name for name, host in named)
    text = "\n".join(words)
    content = Content(text, frozenset(markdown.hashtags(text)), mentions)
    return rules.content.find(content, speaker(session, author_id, None, rules).actor, "")


def content_of(post: Post, files: int) -> Content:
    """Return what rules look at; `files` is the number of its attachments."""
    options = [option.name for option in post.options]
    text = "\n".join([post.title, post.summary, post.source or "", *options])
    handles = (row.actor for row in post.mentions)
    mentions = frozenset(f"{actor.username}@{actor.host}" if actor.host else actor.username for actor in handles)
    return Content(text, frozenset(tag.name for tag in post.hashtags), mentions, files)


def let_go(session: Session, post_id: int, *, by: Member | None, now: datetime) -> int:
    """Let a held post go as it stands: a later edit is asked anew. Return to how many inboxes.

    Raises NotThere (nothing is held), NotAllowed (the author, even an admin; or it is kept back, not held).
    """
    check_admin(by)
    post = session.get(Post, post_id, with_for_update=True, populate_existing=True)
    if post is None or post.findings is None or post.deleted_at is not None:
        raise NotThere("nothing_held", N_("Nothing of this post is held."))
    if by is not None and post.author_id == by.actor_id:
        raise NotAllowed("own_post", N_("Somebody else must let your own post go."))
    if post.kept_back == Verdict.WITHHOLD:
        raise NotAllowed("kept_back", N_("A rule keeps this post back; it is not held for a decision."))
    post.kept_back, post.findings = "", None
    session.flush()
    about = list(session.scalars(select(Activity.id).where(Activity.post_id == post_id)))
    held = update(Delivery).where(Delivery.activity_id.in_(about), Delivery.state == "held")
    number = rows_of(session.execute(held.values(state="waiting"), execution_options={"synchronize_session": False}))
    brakes.wake(session, now, about)
    audit.record(session, by, "rule.let_go", str(post_id), now=now, lanes=number)
    session.flush()
    return number


def _stored(found: Findings) -> dict[str, object]:
    return {"everywhere": list(found.everywhere), "by_peer": {host: list(ids) for host, ids in found.by_peer.items()}}


def _check_looks_for(looks_for: str) -> str:
    if looks_for not in list(LooksFor):
        raise Invalid("looks_for_unknown", N_("There is no such kind of rule."), "looks_for")
    return str(looks_for)


def _check_value(looks_for: str, value: str) -> str:
    if looks_for in NEEDS_NO_VALUE:
        return ""
    if not 1 <= len(value) <= LONGEST_VALUE:
        raise Invalid("rule_value", N_("Say what to look for, in at most %(most)s characters."), "value", most=LONGEST_VALUE)
    if looks_for == LooksFor.WORD and not words_of(value):
        raise Invalid("rule_word", N_("There is no word in this."), "value")
    if looks_for == LooksFor.PATTERN:
        try:
            compiled(value)
        except ValueError as error:
            raise Invalid("rule_pattern", N_("This is no pattern: %(why)s"), "value", why=str(error)) from error
    return value
