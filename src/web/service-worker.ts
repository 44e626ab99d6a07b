// ◇ Browser-safe. The service worker of a model's own page on a host of static files (release space): it states the headers of
// cross-origin isolation where the host does not, and stores the files of one release, so that the page opens without network.
// Source: W3C Service Workers; the HTML standard on cross-origin isolation. Invariants: nothing of another origin, or of other
// pages below this folder, is answered here; what is stored has the hash that the release states; a page whose host no longer has this
// file forgets what it stored.
import type { Release } from "../server/api.ts";

/** What is used of this scope, which TypeScript's DOM does not have. */
interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Told extends Lasting {
  readonly ports: readonly MessagePort[];
}
interface Scope {
  /** As server/offline.ts writes it above this code. */
  readonly release: Release;
  readonly registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", hear: (event: Lasting) => void): void;
  addEventListener(type: "fetch", hear: (event: Fetching) => void): void;
  addEventListener(type: "message", hear: (event: Told) => void): void;
}

/** What the page hears while files are stored. */
export type Storing =
  | { readonly is: "storing"; readonly bytes: number; readonly of: number }
  | { readonly is: "stored"; readonly bytes: number }
  | { readonly is: "refused"; readonly why: string };

const scope = self as unknown as Scope;
const { id, headers: ISOLATION, files: listed } = scope.release;
const files = new Map(Object.entries(listed));
const total = Object.values(listed).reduce((sum, { bytes }) => sum + bytes, 0);

/** The folder of the page. */
const HERE = new URL("./", self.location.href);
/** Caches are of the whole origin, on which others may have pages too. */
const OURS = `facehand ${HERE.pathname} `;
const STORE = OURS + id;

/** True when the host has the page no longer: nothing is stored any more. */
let isGone = false;

const urlOf = (address: string) => new URL(address, HERE).href;

/** The address below the folder of what is answered here: the page, and what the page asks for. */
function addressOf({ method, url }: Request): string | undefined {
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== HERE.origin || !pathname.startsWith(HERE.pathname)) return undefined;
  const address = pathname.slice(HERE.pathname.length).replace(/^index\.html$/, "");
  // Of the next release, which this one does not know, these have to have the headers too.
  return files.has(address) || /^(assets|api)\//.test(address) ? address : undefined;
}

const find = (address: string) => caches.match(urlOf(address), { cacheName: STORE });

/** The answer with what it needs to share memory, where the host does not say so itself. */
function isolated(response: Response): Response {
  const { status, statusText, body } = response;
  if (status === 0) return response; // led on elsewhere, which the browser follows
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) if (!headers.has(name)) headers.set(name, value);
  return new Response(body, { status, statusText, headers });
}

/** What has its hash in its address is the same for ever; the rest is the host's, and the stored one where the host cannot be reached. */
async function answer(request: Request, address: string): Promise<Response> {
  if (files.get(address)?.fixed === true) {
    const stored = await store(address).then(
      () => find(address),
      () => undefined, // another release's host, or no room
    );
    return isolated(stored ?? (await fetch(request)));
  }
  try {
    return isolated(await fetch(request));
  } catch (error) {
    const stored = await find(address);
    if (stored === undefined) throw error;
    return isolated(stored);
  }
}

/** Files on their way: who asks for one meanwhile waits for it. */
const coming = new Map<string, Promise<void>>();

function store(address: string): Promise<void> {
  const now = coming.get(address) ?? fetched(address).finally(() => coming.delete(address));
  coming.set(address, now);
  return now;
}

/** @throws TypeError for other bytes than the release's, and where there is no network or no room */
async function fetched(address: string): Promise<void> {
  const { sha256, fixed } = files.get(address)!;
  const url = urlOf(address);
  if (isGone) throw new Error(`${HERE.href}, where the page is no longer`);
  const own = await caches.open(STORE);
  if ((await own.match(url)) !== undefined) return;
  const before = fixed ? await caches.match(url) : undefined; // an earlier release had it
  const got =
    before ?? (await fetch(url, { integrity: `sha256-${sha256}`, cache: fixed ? "default" : "no-cache" }));
  if (!got.ok) throw new Error(`the status ${got.status} for ${address}`);
  const type = got.headers.get("content-type");
  await own.put(url, new Response(got.body, { headers: type === null ? {} : { "content-type": type } }));
}

async function storeAll(say: (now: Storing) => void): Promise<void> {
  let bytes = 0;
  for (const [address, file] of files) {
    await store(address);
    bytes += file.bytes;
    say({ is: "storing", bytes, of: total });
  }
  say({ is: "stored", bytes });
}

/** A first one takes over at once; a next one when it has all of its files: until then the release before it is whole. */
async function install(): Promise<void> {
  if (scope.registration.active !== null) await storeAll(() => undefined);
  await scope.skipWaiting();
}

const forget = async (which: (name: string) => boolean) => {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && which(name)) await caches.delete(name);
};

/** A host that has another page here now, or none, is not to be answered for. */
async function leaveIfGone(): Promise<void> {
  const { status, headers } = await fetch(self.location.href, { cache: "no-store" });
  const isCode = /javascript/.test(headers.get("content-type") ?? "");
  if (status !== 404 && status !== 410 && (status !== 200 || isCode)) return;
  isGone = true;
  await forget(() => true);
  await scope.registration.unregister();
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(forget((name) => name !== STORE)));
scope.addEventListener("fetch", (event) => {
  const address = addressOf(event.request);
  if (address === undefined) return;
  event.respondWith(answer(event.request, address));
  if (event.request.mode === "navigate") event.waitUntil(leaveIfGone().catch(() => undefined)); // no network
});
scope.addEventListener("message", (event) => {
  const say = (now: Storing) => event.ports[0]?.postMessage(now);
  const refuse = (cause: unknown) =>
    say({ is: "refused", why: cause instanceof Error ? cause.message : String(cause) });
  event.waitUntil(storeAll(say).catch(refuse));
});
