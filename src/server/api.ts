// ◇ Browser-safe. What server and page say to each other: addresses and payloads, stated once.
// Source: our own. Invariants: nothing here names a place on the disk but for people to read; a file is asked for by the id of a
// thing and a name that its listing has.

/** Kinds of folders that are found. */
export const KINDS = ["dataset", "run", "study"] as const;
export type ThingKind = (typeof KINDS)[number];

/** A file that may be asked for. */
export interface ListedFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** What is wrong with a folder, as the command line would say it. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A dataset, run or study. */
export interface Thing {
  /** Stays the same as long as the folder lies where it lies. */
  readonly id: string;
  readonly kind: ThingKind;
  /** To be read: the path below the folder that was given. */
  readonly place: string;
  /** The last change of its files, ISO 8601. */
  readonly changed: string;
  readonly files: readonly ListedFile[];
  /** Number of pictures that may be asked for by name; of datasets only. */
  readonly pictures: number;
  readonly trouble?: Trouble | undefined;
}

/** Answer of ROUTES.things. */
export interface Listing {
  readonly version: string;
  readonly note: string;
  /** False for static files: judgements stay in the browser. */
  readonly writes: boolean;
  readonly things: readonly Thing[];
  /** What is not looked into, e.g. links and folders that cannot be read. */
  readonly passedOver: readonly string[];
}

/** Answer of a judgement that was saved. */
export interface Saved {
  readonly ids: readonly string[];
  /** Of a line that a kill had cut off, taken away now. */
  readonly cutBytes: number;
}

/** Every answer that is not what was asked for. */
export interface Refusal {
  readonly error: Trouble;
}

const part = encodeURIComponent;

/** Addresses. */
export const ROUTES = {
  things: () => "/api/things.json",
  file: (thing: string, name: string) => `/api/things/${part(thing)}/files/${part(name)}`,
  picture: (thing: string, name: string) => `/api/things/${part(thing)}/pictures/${part(name)}`,
  /** New bytes of a file that grows, as events. */
  follow: (thing: string, name: string, from: number) =>
    `/api/things/${part(thing)}/follow/${part(name)}?from=${from}`,
  annotations: (thing: string) => `/api/things/${part(thing)}/annotations`,
} as const;
