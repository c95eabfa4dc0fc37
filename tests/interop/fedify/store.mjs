// What the peer remembers, in memory: its own actors and posts, other people's
// posts that reached it, and a log of every request that came in.

/** One actor of this peer. Sets hold the ids (URLs as strings) of other actors. */
export class LocalActor {
  constructor(identifier, keyPairs) {
    this.identifier = identifier;
    this.keyPairs = keyPairs;
    this.followers = new Map(); // actor id -> {id, inboxId, endpoints}: a Fedify Recipient
    this.following = new Map(); // actor id -> {state: "pending"|"accepted"|"rejected", activityId}
    this.blocked = new Set();
    this.posts = new Map(); // number -> post
    this.reactions = new Map(); // "Like|Announce object id" -> activity id
    this.published = new Date().toISOString();
  }
}

export class Store {
  constructor() {
    this.actors = new Map();
    this.objects = new Map(); // id -> what is known of somebody else's post
    this.received = []; // activities whose signature Fedify accepted
    this.requests = []; // every HTTP request on the public port
    this.failures = []; // deliveries that did not get through
    this.next = 1;
  }

  number() {
    return String(this.next++);
  }

  /** Return the local post with this id, or undefined. */
  post(id) {
    for (const actor of this.actors.values()) {
      for (const post of actor.posts.values()) {
        if (post.id === id) return post;
      }
    }
    return undefined;
  }

  snapshot() {
    const actors = {};
    for (const [name, actor] of this.actors) {
      actors[name] = {
        followers: [...actor.followers.keys()],
        following: Object.fromEntries(
          [...actor.following].map(([id, follow]) => [id, follow.state]),
        ),
        blocked: [...actor.blocked],
        posts: [...actor.posts.values()],
      };
    }
    return {
      actors,
      objects: Object.fromEntries(this.objects),
      received: this.received,
      requests: this.requests,
      failures: this.failures,
    };
  }
}
