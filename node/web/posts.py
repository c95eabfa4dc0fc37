"""A post in its conversation, its earlier versions, and where it went."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from node import reads
from node.actions import deliveries as actions
from node.database import db, transaction
from node.errors import ActionError
from node.ledger import Channel, read_rule_names
from node.models import Post
from node.policy import Audience, Verdict
from node.queries import ledger, posts
from node.queries.audience import send_decision
from node.queries.ledger import Holder
from node.queries.posts import DeliveryLine
from node.queries.rules import names_of
from node.queries.scopes import speaker
from node.runtime import current_node
from node.visitors import visitor
from node.web.drafts import composer_for
from node.web.errors import explain
from node.web.finding import let_be_listed
from node.web.presenting import ago, post_url
from node.web.reading import marks_of, own_post_or_404, post_or_404, viewer
from node.web.surroundings import rules
from node.web.wording import activity_words, delivery_words, holder_words, rules_words

MOST_REPLIES = 200
MOST_HOLDERS = 100


def post(name: str, post_id: int) -> str:
    """Show one of our posts at its own address, to whoever may see it."""
    found = post_or_404(post_id)
    if not found.is_local or found.author.username != name.lower():
        abort(404)
    return _show_thread(found)


def any_post(post_id: int) -> Any:
    """Show a post from elsewhere; one of ours is shown at its own address."""
    found = post_or_404(post_id)
    if found.is_local:
        return redirect(post_url(found), 303)
    return _show_thread(found)


def history(post_id: int) -> str:
    """Show a post as it was before each edit, the newest first."""
    found = post_or_404(post_id)
    now = SimpleNamespace(
        title=found.title,
        summary=found.summary,
        content_html=found.content_html,
        created_at=found.edited_at or found.published_at,
    )
    versions = [now, *reversed(posts.versions(db.session(), post_id))]
    if visitor() is None:
        reads.note(Channel.PAGE, [found])
    return render_template("web/history.html", post=found, versions=versions)


def deliveries(post_id: int) -> str:
    """Show the author what each server got and answered."""
    found = own_post_or_404(post_id)
    lines = posts.deliveries(db.session(), post_id)
    reasons = " · ".join(names_of(rules().content, found.findings))
    hosts = {line.host for line in lines if line.kind == "Create"}
    reached = {line.host for line in lines if line.kind == "Create" and line.state == "delivered"}
    summary = ngettext(
        "%(done)s of %(num)s server has it.", "%(done)s of %(num)s servers have it.", len(hosts), done=len(reached)
    )
    return render_template(
        "web/deliveries.html",
        post=found,
        lines=[_line(line, _held(found, line), reasons) for line in lines],
        kept_back=found.kept_back,
        reasons=reasons,
        summary=summary,
        **_on_record(found),
    )


def resend(post_id: int, delivery_id: int) -> BaseResponse:
    """Send once more what a server did not get; the gate is asked again."""
    own_post_or_404(post_id)
    if all(line.id != delivery_id for line in posts.deliveries(db.session(), post_id)):
        abort(404)
    gate = rules()
    try:
        with transaction() as session:
            actions.resend(session, delivery_id, current_node().now(), rules=gate)
        flash(_("It is on its way again."), "good")
    except ActionError as error:
        flash(explain(error), "bad")
    return redirect(url_for("web.deliveries", post_id=post_id), 303)


def _held(found: Post, line: DeliveryLine) -> str:
    """Return why something that is on its way is held by the brake, '' when it is not."""
    gate = rules()
    if line.state != "waiting" or not gate.brakes:
        return ""
    who = speaker(db.session(), found.author_id, found.id, gate)
    audience = Audience(line.audience) if line.audience else None
    decision = send_decision(
        line.host, line.kind, audience, gate, current_node().now(), speaker=who, activity_id=line.activity_id
    )
    return rules_words([one.as_json() for one in decision.reasons if one.verdict is Verdict.HOLD]) if decision.is_braked else ""


def _line(line: DeliveryLine, held: str = "", reasons: str = "") -> SimpleNamespace:
    words, tone = delivery_words(line.state)
    reason = (
        reasons if line.state == "held" else line.reason or (_("Answer %(status)s", status=line.answer) if line.answer else "")
    )
    if held:
        words, reason = _("held by the brake"), held
    elif line.state == "waiting" and line.attempts and line.next_at:
        reason = _("%(reason)s; next try %(when)s", reason=reason or _("No answer yet"), when=ago(line.next_at))
    return SimpleNamespace(
        id=line.id, may_resend=line.state in actions.RESENDABLE, host=line.host, what=activity_words(line.kind), state=words,
        tone=tone, reason=reason, moment=line.finished_at,
    )  # fmt: skip


def _on_record(found: Post) -> dict[str, Any]:
    """Return who has the post by the ledger, by name and a page at a time, and how often it was read without a name."""
    session, after = db.session(), request.args.get("after", "").replace("\0", "")
    held = ledger.holders(session, found.uri, after, MOST_HOLDERS + 1)
    holders = [_holder(one) for one in held[:MOST_HOLDERS]]
    more = url_for("web.deliveries", post_id=found.id, after=holders[-1].held.host) if len(held) > MOST_HOLDERS else ""
    return {"holders": holders, "more_holders": more, "reads": sum(ledger.reads(session, found.id).values())}


def _holder(held: Holder) -> SimpleNamespace:
    state = holder_words(held.state, held.deleted_at is not None)
    return SimpleNamespace(held=held, state=state, rules=rules_words(read_rule_names(held.last.reasons)))


def _show_thread(found: Post) -> str:
    thread = posts.thread(db.session(), found, viewer(), MOST_REPLIES)
    shown = [*thread.ancestors, found, *thread.replies]
    let_be_listed(found.author, shown)
    member = visitor()
    composer = composer_for(member, found) if member else {"draft": None}
    return render_template(
        "web/thread.html", post=found, ancestors=thread.ancestors, replies=thread.replies, depths=thread.depths,
        replies_count=len(thread.replies), has_more=thread.is_cut, marks=marks_of(shown), **composer,
    )  # fmt: skip
