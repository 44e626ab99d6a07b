// ◇ Browser-safe. What the page shows, as its address: a view, the thing that it is about, and what was chosen there.
// `#/pairs/<id>?gender=male&sort=-face_px`. Invariants: everything that another person has to see stands in it, and nothing
// that they must not; it lies behind `#`, which no server gets; the same choice is always the same text.
import { effect, signal, useComputed } from "@preact/signals";

/** Views, in the order of the navigation. */
export const VIEWS = ["home", "pairs", "audit", "runs", "predict", "tune"] as const;
export type View = (typeof VIEWS)[number];

/** Choices of a view; a name may have several values. */
export type Choices = Readonly<Record<string, readonly string[]>>;

/** What is shown. */
export interface Address {
  readonly view: View;
  /** Id of the dataset, run or study; none at home. */
  readonly thing?: string | undefined;
  readonly choices: Choices;
}

/**
 * The address that a fragment names; what is unknown in it leads home.
 *
 * @param fragment - with its `#`
 * @example parseAddress("#/pairs/a1?gender=male").choices["gender"] // ["male"]
 */
export function parseAddress(fragment: string): Address {
  const [path = "", query = ""] = fragment.replace(/^#/, "").split(/\?(.*)/s);
  const [, name = "", thing = ""] = path.split("/");
  const view = VIEWS.find((one) => one === name);
  if (view === undefined) return { view: "home", choices: {} };
  const choices: Record<string, string[]> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    choices[key] ??= [];
    choices[key].push(value);
  }
  return { view, thing: thing === "" ? undefined : decode(thing), choices };
}

/** The fragment of an address, choices in the order of their names. */
export function formatAddress({ view, thing, choices }: Address): string {
  const query = new URLSearchParams();
  for (const key of Object.keys(choices).sort()) for (const value of choices[key]!) query.append(key, value);
  const of = thing === undefined ? "" : `/${encodeURIComponent(thing)}`;
  const text = query.toString();
  return `#/${view}${of}${text === "" ? "" : `?${text}`}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a `%` of somebody's own
  }
}

/** The address now; of a program without a page, home. */
export const address = signal<Address>(parseAddress(globalThis.location?.hash ?? ""));

const unrecorded: (() => void)[] = [];

globalThis.addEventListener?.("hashchange", () => {
  unrecorded.length = 0; // Back came before it was written: what the browser shows now counts
  address.value = parseAddress(location.hash);
});

/** Goes somewhere, at once; Back comes back here. */
export function go(to: Address): void {
  const fragment = formatAddress(to);
  if (fragment === formatAddress(address.peek())) return;
  address.value = parseAddress(fragment);
  record(() => history.pushState(null, "", fragment));
}

/** Writes the browser's history, in order, behind what follows of an address: writing takes a third of the time of a filter. */
function record(write: () => void): void {
  if (unrecorded.push(write) > 1) return;
  setTimeout(() => {
    for (const one of unrecorded.splice(0)) one();
  });
}

/** Choices that say where a list stands: its first row in sight, and the row of its keys. */
export const PLACE = ["at", "on"] as const;
/** What may change without the list beginning anew. */
const BESIDE_LIST: readonly string[] = ["pair", "pick", "by", "rules", "size", ...PLACE];

/**
 * Changes choices of this view; those set to undefined or nothing go, and so does the place in a list that they change.
 *
 * @param step - false where Back should not stop, as while a slider moves
 */
export function choose(changes: Readonly<Record<string, readonly string[] | undefined>>, step = true): void {
  const now = address.peek();
  const left = Object.keys(changes).every((name) => BESIDE_LIST.includes(name)) ? {} : NOWHERE;
  const entries = Object.entries({ ...now.choices, ...left, ...changes });
  const choices = Object.fromEntries(
    entries.filter((entry): entry is [string, readonly string[]] => (entry[1]?.length ?? 0) > 0),
  );
  const next = { ...now, choices };
  if (step) {
    go(next);
    return;
  }
  address.value = next;
  record(() => history.replaceState(null, "", formatAddress(next)));
}

const NOWHERE = Object.fromEntries(PLACE.map((name) => [name, undefined]));

/** The single value of a choice. */
export const chosen = (name: string): string | undefined => address.value.choices[name]?.[0];

/** The single value of a choice, for a component that is drawn anew when that value changes and not before. */
export const useChosen = (name: string): string | undefined => useComputed(() => chosen(name)).value;

/** Keeps the document's title with the address. */
export function titled(titleOf: (now: Address) => string): () => void {
  return effect(() => {
    document.title = titleOf(address.value);
  });
}
