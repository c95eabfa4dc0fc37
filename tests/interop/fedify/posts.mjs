// How this peer's own posts look on the wire, and to whom they are addressed.
import { Temporal } from "@js-temporal/polyfill";
import { Create, Delete, Mention, Note, PUBLIC_COLLECTION, Tombstone, Update } from "@fedify/vocab";

/** Return {tos, ccs} of a post as lists of URLs. */
export function addressing(context, post) {
  const followers = context.getFollowersUri(post.identifier);
  const mentioned = post.mentions.map((id) => new URL(id));
  switch (post.audience) {
    case "public":
      return { tos: [PUBLIC_COLLECTION], ccs: [followers, ...mentioned] };
    case "unlisted":
      return { tos: [followers], ccs: [PUBLIC_COLLECTION, ...mentioned] };
    case "followers":
      return { tos: [followers], ccs: mentioned };
    case "direct":
      return { tos: mentioned, ccs: [] };
    default:
      throw new RangeError(`unknown audience ${post.audience}`);
  }
}

export function noteOf(context, post) {
  return new Note({
    id: new URL(post.id),
    attribution: context.getActorUri(post.identifier),
    ...addressing(context, post),
    content: post.content,
    mediaType: "text/html",
    url: new URL(post.id),
    published: Temporal.Instant.from(post.published),
    updated: post.updated ? Temporal.Instant.from(post.updated) : undefined,
    replyTarget: post.inReplyTo ? new URL(post.inReplyTo) : undefined,
    tags: post.mentions.map((id, index) => new Mention({ href: new URL(id), name: post.names?.[index] ?? id })),
  });
}

export function createOf(context, post) {
  return new Create({
    id: new URL("#create", post.id),
    actor: context.getActorUri(post.identifier),
    ...addressing(context, post),
    object: noteOf(context, post),
    published: Temporal.Instant.from(post.published),
  });
}

export function updateOf(context, post) {
  return new Update({
    id: new URL(`#update-${Date.parse(post.updated)}`, post.id),
    actor: context.getActorUri(post.identifier),
    ...addressing(context, post),
    object: noteOf(context, post),
    updated: Temporal.Instant.from(post.updated),
  });
}

export function deleteOf(context, post) {
  return new Delete({
    id: new URL("#delete", post.id),
    actor: context.getActorUri(post.identifier),
    ...addressing(context, post),
    object: new Tombstone({ id: new URL(post.id) }),
  });
}
