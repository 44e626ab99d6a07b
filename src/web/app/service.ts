// ◇ Browser-safe. The page's side of its service worker (web/service-worker.ts), where the listing names one: it becomes isolated by
// one reload, and its files are stored.
// Invariants: what came by a reload makes none; what stands in the way is known, and the page works.
import { signal } from "@preact/signals";
import type { Listing } from "../../server/api.ts";
import { NO_HEADERS } from "../isolation.ts";
import type { Storing } from "../service-worker.ts";

/** How the page is without network, in words for people; undefined where it has no service worker. */
export const offline = signal<string | undefined>(undefined);

let registration: ServiceWorkerRegistration | undefined;
let reason = NO_HEADERS;

/** Why this page may not share memory among threads, if it may not. */
export const whyAlone = (): string => reason;

/**
 * Begins with the listing's service worker. Where the page has to be loaded anew for it, this does not return.
 *
 * @param url - of its address
 */
export async function serve({ serviceWorker }: Listing, url: (route: string) => string): Promise<void> {
  if (serviceWorker === undefined) return;
  try {
    registration = await registered(url(serviceWorker));
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    reason = isSecureContext
      ? `this server sends no headers for it, and no service worker of the page runs here: ${cause}`
      : "browsers let a page share memory at a secure address (https) alone, and this is none";
    offline.value = `does not open: ${isSecureContext ? cause : "browsers store pages of secure addresses (https) alone"}`;
    return;
  }
  if (crossOriginIsolated) return;
  if (window.top !== window) {
    reason = "this page is shown inside another one: open it by itself";
  } else if (performance.getEntriesByType("navigation")[0]?.toJSON().type === "reload") {
    // The one below, or one by a person who wants to pass service workers by (Shift).
    reason =
      "this server sends no headers for it, and the page's service worker stated none at this load: load it again";
  } else {
    location.reload();
    await new Promise(() => undefined);
  }
}

/** @throws Error with what stands in the way */
async function registered(url: string): Promise<ServiceWorkerRegistration> {
  if (navigator.serviceWorker === undefined) throw new Error("this browser has none here");
  const found = await navigator.serviceWorker.register(url, { updateViaCache: "none" });
  const first = found.installing ?? found.waiting;
  if (found.active === null && first !== null)
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (first.state === "activated") resolve();
        if (first.state === "redundant") reject(new Error("it did not begin"));
      };
      first.addEventListener("statechange", look);
      look();
    });
  return found;
}

/** Has the files of the release stored, so that the page opens without network; once what is looked at is there. */
export async function storePage(): Promise<void> {
  if (registration === undefined || offline.peek() !== undefined) return;
  offline.value = "storing …";
  await registration.update().catch(() => undefined); // no network: those of the last visit
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<Storing>) => {
    offline.value = wordsOf(data);
  };
  worker?.postMessage("store", [port2]);
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function wordsOf(now: Storing): string {
  if (now.is === "storing") return `storing its files in this browser, ${mb(now.bytes)} of ${mb(now.of)}`;
  if (now.is === "stored") return `opens and predicts: this browser has its files, ${mb(now.bytes)}`;
  return `does not open: expected its files in this browser's store, got ${now.why}`;
}
