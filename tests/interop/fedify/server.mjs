// A small ActivityPub server on Fedify, driven by a test.
//
//   node server.mjs [--host 127.0.0.1] [--actors alice,bob]
//                   [--first-knock rfc9421|draft-cavage-http-signatures-12] [--authorized-fetch]
//
// It listens on two free ports: one for other servers, one for the test. When
// it is ready it prints one line of JSON: {"origin": ..., "control": ...}.
// A verb is called by POST {control}/{verb} with a JSON object. It ends with its
// standard input, so nothing stays behind when the test dies.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { buildFederation, makeActors } from "./federation.mjs";
import { verbs } from "./control.mjs";
import { allowLoopbackWithoutTls } from "./loopback.mjs";
import { Store } from "./store.mjs";

const { values: options } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    actors: { type: "string", default: "alice,bob" },
    "first-knock": { type: "string", default: "rfc9421" },
    "authorized-fetch": { type: "boolean", default: false },
  },
});

/** Start an HTTP server on a free port, return its origin. */
function listen(host, handler) {
  const server = createServer(handler);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => resolve(`http://${host}:${server.address().port}`));
  });
}

async function bodyOf(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Which signature scheme a request carries: "rfc9421", "cavage" or null. */
function schemeOf(headers) {
  if (headers["signature-input"] != null) return "rfc9421";
  return headers.signature == null ? null : "cavage";
}

async function answerServers(incoming, outgoing) {
  const body = await bodyOf(incoming);
  const headers = new Headers();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i], incoming.rawHeaders[i + 1]);
  }
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
  const request = new Request(new URL(incoming.url, origin), {
    method: incoming.method,
    headers,
    body: hasBody ? body : undefined,
  });
  const entry = {
    method: incoming.method,
    path: incoming.url,
    scheme: schemeOf(incoming.headers),
    status: null,
    body: hasBody ? body.toString("utf8") : null,
    at: new Date().toISOString(),
  };
  store.requests.push(entry);
  const response = await federation.fetch(request, { contextData: undefined });
  entry.status = response.status;
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

async function answerTest(incoming, outgoing) {
  const verb = verbTable[incoming.url.slice(1)];
  let status = 200;
  let answer;
  try {
    const text = (await bodyOf(incoming)).toString("utf8");
    if (verb == null) throw new RangeError(`no verb ${incoming.url}`);
    answer = await verb(text === "" ? {} : JSON.parse(text));
  } catch (error) {
    status = 422;
    answer = { error: String(error.message ?? error), stack: error.stack };
  }
  outgoing.writeHead(status, { "content-type": "application/json" });
  outgoing.end(JSON.stringify(answer));
}

/** A fault in a handler is an answer, never the end of the process. */
function guarded(handler) {
  return (incoming, outgoing) =>
    handler(incoming, outgoing).catch((error) => {
      console.error(error);
      if (!outgoing.headersSent) outgoing.writeHead(500);
      outgoing.end();
    });
}

allowLoopbackWithoutTls();
const store = new Store();
await makeActors(store, ["peer", ...options.actors.split(",")]);
const federation = buildFederation(store, {
  firstKnock: options["first-knock"],
  authorizedFetch: options["authorized-fetch"],
});
const origin = await listen(options.host, guarded(answerServers));
const verbTable = verbs(federation.createContext(new URL(origin), undefined), store);
const control = await listen("127.0.0.1", guarded(answerTest));
console.log(JSON.stringify({ origin, control }));

process.stdin.on("end", () => process.exit(0)).resume();
