// ◇ Browser-safe. What the browser keeps for an audit: judgements on their way, and who judges.
import type { Keeping } from "./outbox.ts";

/** The browser's own storage, of this address. */
export const browserKeeping = (): Keeping => ({
  keys: () => Object.keys(localStorage),
  get: (key) => localStorage.getItem(key),
  set: (key, value) => localStorage.setItem(key, value),
  remove: (key) => localStorage.removeItem(key),
});

const WHO = "facehand.who";

/** Who judges here; undefined before anybody said. */
export function storedName(): string | undefined {
  try {
    return localStorage.getItem(WHO) ?? undefined;
  } catch {
    return undefined; // the browser keeps nothing: it is asked again
  }
}

/** Keeps who judges here; undefined forgets it. */
export function storeName(name: string | undefined): void {
  try {
    if (name === undefined) localStorage.removeItem(WHO);
    else localStorage.setItem(WHO, name);
  } catch {
    // it is asked again
  }
}
