// Loopback has no TLS. Fedify asks a handle's host over https, always; here a
// https request to a loopback address is made over http instead.

const LOOPBACK = /^https:\/\/(127(?:\.\d+){3}|localhost)(?=[:/])/;

/** Wrap the global fetch. */
export function allowLoopbackWithoutTls() {
  const fetchOverTls = globalThis.fetch;
  globalThis.fetch = (resource, options) => {
    const url = resource instanceof Request ? resource.url : String(resource);
    if (!LOOPBACK.test(url)) return fetchOverTls(resource, options);
    const plain = url.replace(/^https:/, "http:");
    return fetchOverTls(resource instanceof Request ? new Request(plain, resource) : plain, options);
  };
}
