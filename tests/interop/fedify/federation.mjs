// The ActivityPub face of the peer: dispatchers (what it shows) and inbox
// listeners (what it takes in). Everything on the wire is Fedify's own work.
import { Temporal } from "@js-temporal/polyfill";
import {
  createFederation,
  generateCryptoKeyPair,
  InProcessMessageQueue,
  MemoryKvStore,
} from "@fedify/fedify";
import {
  Accept,
  Activity,
  Announce,
  Block,
  Create,
  Delete,
  Endpoints,
  Flag,
  Follow,
  Like,
  Note,
  Person,
  PUBLIC_COLLECTION,
  Reject,
  Undo,
  Update,
} from "@fedify/vocab";
import { LocalActor } from "./store.mjs";
import { createOf, noteOf } from "./posts.mjs";

/** Make the actors and their keys: RSA for everybody, Ed25519 beside it. */
export async function makeActors(store, names) {
  for (const name of names) {
    store.actors.set(
      name,
      new LocalActor(name, [
        await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"),
        await generateCryptoKeyPair("Ed25519"),
      ]),
    );
  }
}

/**
 * Build the federation.
 * firstKnock: "rfc9421" or "draft-cavage-http-signatures-12", the scheme tried first.
 * authorizedFetch: actors and collections only for signed requests (WebFinger stays open).
 */
export function buildFederation(store, { firstKnock, authorizedFetch }) {
  const federation = createFederation({
    kv: new MemoryKvStore(),
    queue: new InProcessMessageQueue({ pollInterval: { milliseconds: 50 } }),
    allowPrivateAddress: true,
    firstKnock,
    circuitBreaker: false,
    // A test waits seconds, not hours.
    outboxRetryPolicy: ({ attempts }) =>
      attempts >= 5 ? null : Temporal.Duration.from({ milliseconds: 500 * attempts + 500 }),
    onOutboxError: (error, activity) =>
      store.failures.push({
        activity: activity?.id?.href ?? null,
        type: activity?.constructor.name ?? null,
        status: error.statusCode ?? null,
        error: String(error.message ?? error),
      }),
  });
  showActors(federation, store, authorizedFetch);
  showPosts(federation, store);
  takeIn(federation, store);
  return federation;
}

function showActors(federation, store, authorizedFetch) {
  const mayRead = async (context, identifier) => {
    if (!authorizedFetch) return true;
    const owner = await signer(context);
    return owner?.id != null && !store.actors.get(identifier)?.blocked.has(owner.id.href);
  };
  federation
    .setActorDispatcher("/users/{identifier}", async (context, identifier) => {
      const actor = store.actors.get(identifier);
      if (actor == null) return null;
      const keys = await context.getActorKeyPairs(identifier);
      return new Person({
        id: context.getActorUri(identifier),
        preferredUsername: identifier,
        name: `${identifier} of the Fedify peer`,
        summary: "<p>An actor for interoperability tests.</p>",
        url: context.getActorUri(identifier),
        inbox: context.getInboxUri(identifier),
        outbox: context.getOutboxUri(identifier),
        followers: context.getFollowersUri(identifier),
        following: context.getFollowingUri(identifier),
        endpoints: new Endpoints({ sharedInbox: context.getInboxUri() }),
        manuallyApprovesFollowers: false,
        publicKey: keys[0].cryptographicKey,
        assertionMethods: keys.map((key) => key.multikey),
      });
    })
    .setKeyPairsDispatcher((_context, identifier) => store.actors.get(identifier)?.keyPairs ?? [])
    // "peer" is the server's own actor. Anybody may read it, so that two servers
    // that both insist on signed requests can meet.
    .authorize((context, identifier) => identifier === "peer" || mayRead(context, identifier));

  federation
    .setFollowersDispatcher("/users/{identifier}/followers", (_context, identifier) => {
      const actor = store.actors.get(identifier);
      return actor == null ? null : { items: [...actor.followers.values()] };
    })
    .setCounter((_context, identifier) => store.actors.get(identifier)?.followers.size ?? 0)
    .authorize(mayRead);
  federation
    .setFollowingDispatcher("/users/{identifier}/following", (_context, identifier) => {
      const actor = store.actors.get(identifier);
      if (actor == null) return null;
      const accepted = [...actor.following].filter(([, follow]) => follow.state === "accepted");
      return { items: accepted.map(([id]) => new URL(id)) };
    })
    .authorize(mayRead);
  federation
    .setOutboxDispatcher("/users/{identifier}/outbox", (context, identifier) => {
      const actor = store.actors.get(identifier);
      if (actor == null) return null;
      const open = [...actor.posts.values()].filter((post) => post.audience === "public" && !post.deleted);
      return { items: open.reverse().map((post) => createOf(context, post)) };
    })
    .authorize(mayRead);
  federation.setNodeInfoDispatcher("/nodeinfo/2.1", () => ({
    software: {
      name: "courtyard-interop-peer",
      version: "1.0.0",
      homepage: new URL("https://fedify.dev/"),
    },
    protocols: ["activitypub"],
    usage: { users: { total: store.actors.size }, localPosts: 0, localComments: 0 },
  }));
}

function showPosts(federation, store) {
  federation
    .setObjectDispatcher(Note, "/users/{identifier}/posts/{number}", (context, values) => {
      const post = store.actors.get(values.identifier)?.posts.get(values.number);
      return post == null || post.deleted ? null : noteOf(context, post);
    })
    .authorize(async (context, values) => {
      const actor = store.actors.get(values.identifier);
      const post = actor?.posts.get(values.number);
      if (post == null || post.audience === "public" || post.audience === "unlisted") return true;
      const owner = await signer(context);
      if (owner?.id == null) return false;
      return post.audience === "followers"
        ? actor.followers.has(owner.id.href) || post.mentions.includes(owner.id.href)
        : post.mentions.includes(owner.id.href);
    });
}

/** Return the actor who signed the request, fetched with the signature of this server's own actor. */
async function signer(context) {
  const documentLoader = await context.getDocumentLoader({ identifier: "peer" });
  return await context.getSignedKeyOwner({ documentLoader });
}

function takeIn(federation, store) {
  const note = (context, activity) =>
    store.received.push({
      type: activity.constructor.name,
      id: activity.id?.href ?? null,
      actor: activity.actorId?.href ?? null,
      object: activity.objectId?.href ?? null,
      recipient: context.recipient,
      at: new Date().toISOString(),
    });
  const listen = (type, effect) => [
    type,
    async (context, activity) => {
      note(context, activity);
      await effect(context, activity);
    },
  ];
  const listeners = federation.setInboxListeners("/users/{identifier}/inbox", "/inbox");
  listeners.setSharedKeyDispatcher(() => ({ identifier: "peer" }));
  for (const [type, handler] of [
    listen(Follow, (context, follow) => onFollow(store, context, follow)),
    listen(Accept, (context, accept) => onAnswer(store, context, accept, "accepted")),
    listen(Reject, (context, reject) => onAnswer(store, context, reject, "rejected")),
    listen(Create, (context, create) => keepPost(store, context, create)),
    listen(Update, (context, update) => keepPost(store, context, update)),
    listen(Delete, (_context, activity) => onDelete(store, activity)),
    listen(Announce, (_context, activity) => onReaction(store, activity, "boosts", true)),
    listen(Like, (_context, activity) => onReaction(store, activity, "likes", true)),
    listen(Undo, (context, undo) => onUndo(store, context, undo)),
    listen(Block, () => {}),
    listen(Flag, () => {}),
    listen(Activity, () => {}),
  ]) {
    listeners.on(type, handler);
  }
}

async function onFollow(store, context, follow) {
  const target = context.parseUri(follow.objectId);
  if (target?.type !== "actor" || follow.id == null || follow.actorId == null) return;
  const actor = store.actors.get(target.identifier);
  if (actor == null) return;
  const documentLoader = await context.getDocumentLoader(target);
  const follower = await follow.getActor({ ...context, documentLoader });
  if (follower?.id == null || follower.inboxId == null) return;
  const answer = { actor: follow.objectId, to: follower.id, object: follow };
  if (actor.blocked.has(follower.id.href)) {
    const id = new URL(`#reject-${store.number()}`, follow.objectId);
    await context.sendActivity(target, follower, new Reject({ id, ...answer }));
    return;
  }
  actor.followers.set(follower.id.href, {
    id: follower.id,
    inboxId: follower.inboxId,
    endpoints: follower.endpoints,
  });
  const id = new URL(`#accept-${store.number()}`, follow.objectId);
  await context.sendActivity(target, follower, new Accept({ id, ...answer }));
}

async function onAnswer(store, context, answer, state) {
  const follow = await answer.getObject({ ...context, crossOrigin: "trust" });
  for (const actor of store.actors.values()) {
    for (const [target, known] of actor.following) {
      const isOurs = known.activityId === answer.objectId?.href ||
        (follow instanceof Follow && follow.actorId?.href === context.getActorUri(actor.identifier).href &&
          follow.objectId?.href === target);
      if (isOurs && answer.actorId?.href === target) known.state = state;
    }
  }
}

async function keepPost(store, context, activity) {
  const documentLoader = await context.getDocumentLoader({ identifier: "peer" });
  const object = await activity.getObject({ ...context, documentLoader });
  if (object?.id == null || object.attributionId?.href !== activity.actorId?.href) return;
  const mentions = [];
  for await (const tag of object.getTags({ ...context, documentLoader })) {
    if (tag.href != null) mentions.push(tag.href.href);
  }
  const to = object.toIds.map((id) => id.href);
  const cc = object.ccIds.map((id) => id.href);
  const before = store.objects.get(object.id.href);
  store.objects.set(object.id.href, {
    ...before,
    id: object.id.href,
    type: object.constructor.name,
    author: object.attributionId.href,
    content: object.content?.toString() ?? null,
    summary: object.summary?.toString() ?? null,
    name: object.name?.toString() ?? null,
    inReplyTo: object.replyTargetId?.href ?? null,
    published: object.published?.toString() ?? null,
    updated: object.updated?.toString() ?? null,
    url: object.url?.href?.toString() ?? null,
    to,
    cc,
    mentions,
    isPublic: [...to, ...cc].includes(PUBLIC_COLLECTION.href),
    likes: before?.likes ?? [],
    boosts: before?.boosts ?? [],
    deleted: before?.deleted ?? false,
  });
}

function onDelete(store, activity) {
  const known = store.objects.get(activity.objectId?.href);
  if (known == null || known.author !== activity.actorId?.href) return;
  store.objects.set(known.id, { ...known, content: null, deleted: true });
}

function onReaction(store, activity, list, isAdded) {
  const id = activity.objectId?.href;
  const actor = activity.actorId?.href;
  const post = store.post(id) ?? store.objects.get(id);
  if (post == null || actor == null) return;
  post[list] = (post[list] ?? []).filter((known) => known !== actor);
  if (isAdded) post[list].push(actor);
}

async function onUndo(store, context, undo) {
  const undone = await undo.getObject({ ...context, crossOrigin: "trust" });
  if (undone == null || undone.actorId?.href !== undo.actorId?.href) return;
  if (undone instanceof Follow) {
    const target = context.parseUri(undone.objectId);
    if (target?.type === "actor") {
      store.actors.get(target.identifier)?.followers.delete(undo.actorId.href);
    }
  }
  if (undone instanceof Like) onReaction(store, undone, "likes", false);
  if (undone instanceof Announce) onReaction(store, undone, "boosts", false);
}
