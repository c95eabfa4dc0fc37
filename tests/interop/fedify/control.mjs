// What a test may tell the peer to do: one verb each, JSON in, JSON out.
// Every verb takes {actor: name} as the one who acts, and returns a plain object.
import { parseNodeInfo } from "@fedify/fedify";
import { Temporal } from "@js-temporal/polyfill";
import { Announce, Block, Follow, Like, PUBLIC_COLLECTION, Undo } from "@fedify/vocab";
import { createOf, deleteOf, updateOf } from "./posts.mjs";

/** Return {verb: async (request) => answer} working on one peer. */
export function verbs(context, store) {
  const localActor = (name) => {
    const actor = store.actors.get(name);
    if (actor == null) throw new RangeError(`no actor ${name} here`);
    return actor;
  };
  const ownId = (name) => context.getActorUri(name);
  const activityId = (name, type) => new URL(`#${type}-${store.number()}`, ownId(name));

  const lookup = async (name, target) => {
    const documentLoader = await context.getDocumentLoader({ identifier: name });
    return await context.lookupObject(target, { documentLoader });
  };
  const actorAt = async (name, target) => {
    const found = await lookup(name, target);
    if (found?.inboxId == null) throw new RangeError(`${target} is no actor`);
    return found;
  };

  /** Send to the followers (when the audience has them) and to everybody named. */
  const send = async (post, activity) => {
    const sender = { identifier: post.identifier };
    const options = { preferSharedInbox: true, orderingKey: post.id };
    const named = [];
    for (const id of post.mentions) named.push(await actorAt(post.identifier, id));
    const followers = post.audience === "direct"
      ? []
      : [...localActor(post.identifier).followers.values()];
    const known = new Set(followers.map((follower) => follower.id.href));
    const recipients = [...followers, ...named.filter((actor) => !known.has(actor.id.href))];
    if (recipients.length > 0) await context.sendActivity(sender, recipients, activity, options);
    return recipients.length;
  };

  const react = async (Type, list, { actor, object }) => {
    const found = await lookup(actor, object);
    if (found?.attributionId == null) throw new RangeError(`${object} is no post`);
    const author = await actorAt(actor, found.attributionId.href);
    const id = activityId(actor, Type.name.toLowerCase());
    const cc = Type === Announce ? context.getFollowersUri(actor) : undefined;
    const activity = new Type({
      id,
      actor: ownId(actor),
      object: found.id,
      to: Type === Announce ? PUBLIC_COLLECTION : author.id,
      cc,
      published: Temporal.Now.instant(),
    });
    localActor(actor).reactions.set(`${Type.name} ${found.id.href}`, activity);
    const followers = Type === Announce ? [...localActor(actor).followers.values()] : [];
    const others = followers.filter((follower) => follower.id.href !== author.id.href);
    await context.sendActivity({ identifier: actor }, [author, ...others], activity, {
      orderingKey: found.id.href,
      preferSharedInbox: true,
    });
    return { id: id.href, list };
  };

  const undoReaction = async (Type, { actor, object }) => {
    const found = await lookup(actor, object);
    const key = `${Type.name} ${found?.id?.href ?? object}`;
    const activity = localActor(actor).reactions.get(key);
    if (activity == null) throw new RangeError(`${actor} did not ${Type.name} ${object}`);
    const author = await actorAt(actor, found.attributionId.href);
    localActor(actor).reactions.delete(key);
    const undo = new Undo({
      id: activityId(actor, "undo"),
      actor: ownId(actor),
      object: activity,
      tos: activity.toIds,
      ccs: activity.ccIds,
    });
    await context.sendActivity({ identifier: actor }, author, undo, { orderingKey: found.id.href });
    return { id: undo.id.href };
  };

  return {
    async state() {
      return store.snapshot();
    },

    /** Forget the logs (received, requests, failures), keep actors and posts. */
    async forget() {
      store.received.length = 0;
      store.requests.length = 0;
      store.failures.length = 0;
      return {};
    },

    async lookup({ actor, target }) {
      const found = await lookup(actor, target);
      return { document: found == null ? null : await found.toJsonLd({ contextLoader: context.contextLoader }) };
    },

    async webfinger({ resource }) {
      return { descriptor: await context.lookupWebFinger(resource) };
    },

    /** Read a server's NodeInfo, judged by Fedify's strict parser. Its own fetch never asks a private address. */
    async nodeinfo({ url }) {
      const links = await (await fetch(new URL("/.well-known/nodeinfo", url))).json();
      const link = links.links.find((each) => each.rel === "http://nodeinfo.diaspora.software/ns/schema/2.1");
      const document = await (await fetch(link.href)).json();
      return { nodeinfo: parseNodeInfo(document) == null ? null : document };
    },

    /** Read a collection to its end: {items: ids}. */
    async collection({ actor, url, limit = 200 }) {
      const found = await lookup(actor, url);
      if (found == null) return { items: null, total: null };
      const documentLoader = await context.getDocumentLoader({ identifier: actor });
      const items = [];
      for await (const item of context.traverseCollection(found, { documentLoader })) {
        items.push(item.id?.href ?? null);
        if (items.length >= limit) break;
      }
      return { items, total: found.totalItems };
    },

    async follow({ actor, target }) {
      const found = await actorAt(actor, target);
      const id = activityId(actor, "follow");
      localActor(actor).following.set(found.id.href, { state: "pending", activityId: id.href });
      const follow = new Follow({ id, actor: ownId(actor), object: found.id, to: found.id });
      await context.sendActivity({ identifier: actor }, found, follow);
      return { id: id.href, target: found.id.href };
    },

    async unfollow({ actor, target }) {
      const found = await actorAt(actor, target);
      const known = localActor(actor).following.get(found.id.href);
      if (known == null) throw new RangeError(`${actor} does not follow ${target}`);
      localActor(actor).following.delete(found.id.href);
      const follow = new Follow({ id: new URL(known.activityId), actor: ownId(actor), object: found.id });
      const undo = new Undo({ id: activityId(actor, "undo"), actor: ownId(actor), object: follow, to: found.id });
      await context.sendActivity({ identifier: actor }, found, undo);
      return { id: undo.id.href };
    },

    async post({ actor, content, audience = "public", inReplyTo = null, mentions = [] }) {
      const number = store.number();
      const named = [];
      for (const mention of mentions) named.push(await actorAt(actor, mention));
      const post = {
        id: new URL(`/users/${actor}/posts/${number}`, ownId(actor)).href,
        identifier: actor,
        number,
        content,
        audience,
        inReplyTo,
        mentions: named.map((other) => other.id.href),
        names: named.map((other) => `@${other.preferredUsername}@${other.id.host}`),
        published: new Date().toISOString(),
        updated: null,
        deleted: false,
        likes: [],
        boosts: [],
      };
      localActor(actor).posts.set(number, post);
      return { id: post.id, sent: await send(post, createOf(context, post)) };
    },

    async edit({ id, content }) {
      const post = store.post(id);
      if (post == null) throw new RangeError(`no post ${id} here`);
      Object.assign(post, { content, updated: new Date().toISOString() });
      return { id, sent: await send(post, updateOf(context, post)) };
    },

    async delete({ id }) {
      const post = store.post(id);
      if (post == null) throw new RangeError(`no post ${id} here`);
      Object.assign(post, { deleted: true, content: null });
      return { id, sent: await send(post, deleteOf(context, post)) };
    },

    like: (request) => react(Like, "likes", request),
    unlike: (request) => undoReaction(Like, request),
    boost: (request) => react(Announce, "boosts", request),
    unboost: (request) => undoReaction(Announce, request),

    /** Refuse an actor: no follow of theirs is accepted any more. Send a Block only when told to. */
    async block({ actor, target, tell = false }) {
      const found = await actorAt(actor, target);
      localActor(actor).blocked.add(found.id.href);
      localActor(actor).followers.delete(found.id.href);
      if (tell) {
        const id = activityId(actor, "block");
        const block = new Block({ id, actor: ownId(actor), object: found.id, to: found.id });
        await context.sendActivity({ identifier: actor }, found, block);
      }
      return { target: found.id.href };
    },
  };
}
