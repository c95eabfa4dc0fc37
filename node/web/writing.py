"""Writing: the composer's page, its preview, publishing, editing, deleting."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from flask import abort, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from node.actions import outbox
from node.actions.drafts import Draft, check_poll, check_words
from node.actions.texts import read_text
from node.database import db, row_id, transaction
from node.errors import ActionError
from node.models import Member, Post
from node.policy import Audience
from node.queries import actors, posts
from node.runtime import current_node
from node.visitors import the_member
from node.web import drafts
from node.web.drafts import Writing, composer_for
from node.web.errors import explain
from node.web.limits import count_attempt
from node.web.presenting import handle, post_url
from node.web.reading import marks_of, own_post_or_404, viewer
from node.web.surroundings import rules


def form() -> Any:
    """Show an empty composer: for a new post, for an answer (?reply=), or for a word to somebody (?mention=)."""
    member = the_member()
    parent = _parent(request.args.get("reply", type=row_id))
    mention = request.args.get("mention", type=row_id)
    actor = actors.get(db.session(), mention) if mention else None
    writing = drafts.fresh(member, parent)
    if actor is not None and not parent:
        writing = replace(writing, text=handle(actor) + " ", audience=Audience.DIRECT.value)
    elif parent is not None and parent.author_id != member.actor_id:
        writing = replace(writing, text=handle(parent.author) + " ")
    return _show(member, writing, parent)


def publish() -> Any:
    """Publish what was typed, or show how it would look and who would see it."""
    member = the_member()
    parent = _parent(request.form.get("reply", type=row_id))
    writing = drafts.typed(request.form, parent)
    if request.form.get("do") == "preview":
        return _show_preview(member, writing, parent)
    count_attempt("post", str(member.id))
    try:
        post = _publish(member, writing, parent)
    except ActionError as error:
        field = error.field if error.field in ("text", "audience", "title", "summary", "poll") else "text"
        words = explain(error)
        if error.code == "names_unknown":
            words = " ".join([_("Nobody would get this."), *drafts.unknown_words(error.values["strangers"])])
        return _show(member, replace(writing, errors={field: words}), parent), error.status
    return redirect(post_url(post) if parent is None else f"{post_url(post)}#post-{post.id}", 303)


def preview() -> Any:
    """Say, as JSON, who would see what is in the composer now."""
    member = the_member()
    parent = _parent(request.form.get("reply", type=row_id))
    writing = drafts.typed(request.form, parent)
    found = drafts.previews(member, writing, parent)
    shown = next((item for audience, item in found.items() if audience.value == writing.audience), None)
    if shown is None:
        abort(422)
    named = len(drafts.named_ids(writing.text, parent, member))
    return jsonify(
        audience=writing.audience, sentence=drafts.sentence(shown, named), crosses=drafts.crosses(shown),
        servers=[{"host": server.host, "people": server.people, "software": server.software} for server in shown.reached],
    )  # fmt: skip


def edit_form(post_id: int) -> str:
    """Show one's own post for editing."""
    post = own_post_or_404(post_id)
    writing = Writing(
        text=post.source or "", title=post.title, summary=post.summary, is_sensitive=post.is_sensitive and not post.summary
    )
    return render_template("web/edit.html", post=post, draft=writing)


def edit(post_id: int) -> Any:
    """Keep the edit and send it to everybody who has the post."""
    post = own_post_or_404(post_id)
    writing = drafts.typed(request.form, None)
    node = current_node()
    gate = rules()
    try:
        with transaction() as session:
            fresh = posts.get(session, post_id, viewer())
            if fresh is None:
                abort(404)
            outbox.edit(
                session, fresh, by=fresh.author, text=writing.text, title=writing.title, summary=writing.summary,
                is_sensitive=writing.is_sensitive or bool(writing.summary), settings=node.settings, rules=gate, now=node.now(),
            )  # fmt: skip
    except ActionError as error:
        field = error.field if error.field in ("text", "title", "summary") else "text"
        return render_template("web/edit.html", post=post, draft=replace(writing, errors={field: explain(error)})), error.status
    flash(_("Saved. The earlier version is kept and can be looked at."), "good")
    return redirect(post_url(post), 303)


def delete_form(post_id: int) -> str:
    """Ask before deleting, and say what deleting does."""
    post = own_post_or_404(post_id)
    servers = {line.host for line in posts.deliveries(db.session(), post_id) if line.state == "delivered"}
    return render_template("web/delete.html", post=post, servers=len(servers), marks=marks_of([post])[post.id])


def delete(post_id: int) -> BaseResponse:
    """Delete one's own post, here and wherever it went."""
    own_post_or_404(post_id)
    node = current_node()
    gate = rules()
    with transaction() as session:
        fresh = posts.get(session, post_id, viewer())
        if fresh is None:
            abort(404)
        outbox.delete(session, fresh, by=fresh.author, settings=node.settings, rules=gate, now=node.now())
    flash(_("Deleted."), "good")
    return redirect(url_for("web.home"), 303)


def _publish(member: Member, writing: Writing, parent: Post | None) -> Post:
    """Publish once, however often the button was pressed: of two presses at once the slower gets the other's post."""
    try:
        return _publish_once(member, writing, parent)
    except IntegrityError:
        if not writing.key:
            raise
        g.pop("login", None)  # what was read before the rollback is stale
        return _publish_once(the_member(), writing, _parent(writing.reply_id))


def _publish_once(member: Member, writing: Writing, parent: Post | None) -> Post:
    node = current_node()
    gate = rules()
    draft = Draft(
        text=writing.text, audience=_audience(writing), title=writing.title, summary=writing.summary,
        language=writing.language or None,
        is_sensitive=writing.is_sensitive, in_reply_to=parent, space_id=writing.space_id, idempotency_key=writing.key or None,
        poll=drafts.poll_of(writing),
    )  # fmt: skip
    with transaction() as session:
        return outbox.publish(session, member.actor, draft, settings=node.settings, rules=gate, now=node.now())


def _audience(writing: Writing) -> Audience:
    try:
        return Audience(writing.audience)
    except ValueError:
        abort(400)


def _parent(post_id: int | None) -> Post | None:
    if post_id is None:
        return None
    parent = posts.get(db.session(), post_id, viewer())
    if parent is None:
        abort(404)
    return parent


def _show(member: Member, writing: Writing, parent: Post | None, shown: SimpleNamespace | None = None) -> str:
    return render_template(
        "web/write.html", **composer_for(member, parent, writing), parent=parent, preview=shown, action=url_for("web.write_post"),
        heading=_("Answer") if parent else _("Write"), words=_("Your answer") if parent else _("What do you want to say?"),
        marks=marks_of([parent] if parent else []),
    )  # fmt: skip


def _show_preview(member: Member, writing: Writing, parent: Post | None) -> Any:
    poll = drafts.poll_of(writing)
    try:
        text = read_text(db.session(), writing.text, member.actor, current_node().settings, is_empty_allowed=poll is not None)
        check_words(text.source, writing.title, writing.summary, is_poll=poll is not None)
        check_poll(poll)
    except ActionError as error:
        field = error.field if error.field in ("poll", "title") else "text"
        return _show(member, replace(writing, errors={field: explain(error)}), parent), error.status
    found = next(
        (item for audience, item in drafts.previews(member, writing, parent).items() if audience.value == writing.audience), None
    )
    if found is None:
        return _show(member, replace(writing, errors={"audience": _("Choose who will see this.")}), parent), 422
    servers = [
        SimpleNamespace(host=server.host, words=" · ".join(filter(None, (
            ngettext("%(num)s person", "%(num)s people", server.people), server.software)))) for server in found.reached
    ]  # fmt: skip
    named = len(drafts.named_ids(writing.text, parent, member))
    lasts = dict(drafts.poll_lasts()).get(writing.poll_lasts, "")
    shown = SimpleNamespace(
        poll=poll, lasts=lasts, html=text.html, sentence=drafts.sentence(found, named, bool(text.strangers)), servers=servers,
        strangers=drafts.unknown_words(text.strangers),
    )  # fmt: skip
    return _show(member, writing, parent, shown)
