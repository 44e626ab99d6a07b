// ◇ Browser-safe. What server and page exchange: addresses and payloads, stated once.
// Source: our own. Invariants: nothing here names a place on the disk but for people to read; a file is asked for by the id of a
// thing and a name that its listing has.
import type { Annotation } from "../audit/annotation.ts";

/** Kinds of folders that are found. */
export const KINDS = ["dataset", "run", "study"] as const;
export type ThingKind = (typeof KINDS)[number];

/** A file that may be asked for. */
export interface ListedFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** What is wrong with a folder, as the command line would report it. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A count of each split. */
export interface BySplit {
  readonly train: number;
  readonly val: number;
  readonly test: number;
}

/** What a dataset's manifest states. */
export interface DatasetFacts {
  /** True if nobody in it is real. */
  readonly drawn: boolean;
  readonly licence: string;
  readonly recipeHash: string;
  /** Frames of the input, and those that were removed, for whatever reason. */
  readonly frames: number;
  readonly removed: number;
  readonly pairs: BySplit;
  readonly subjects: BySplit;
}

/** What a run learnt from. */
export interface RunSource {
  readonly kind: string;
  /** Of the folder alone. */
  readonly name: string;
  /** Absent before the run is under way. */
  readonly images?: number | undefined;
  readonly recipeHash?: string | undefined;
}

/** What a run's configuration states, and how far the run is. */
export interface RunFacts {
  /** The same for runs that differ in their seed alone. */
  readonly configuration: string;
  readonly arch: string;
  readonly tag: string;
  readonly seed: number;
  readonly imageSize: number;
  readonly modality?: string | undefined;
  /** What it may differ in from others, as texts. */
  readonly axes: Readonly<Record<string, string>>;
  readonly epochs: { readonly done: number; readonly planned: number };
  readonly sources: readonly RunSource[];
}

/** What a study's plan states. */
export interface StudyFacts {
  readonly name: string;
  readonly about: string;
  /** Configurations, and runs of them by seed. */
  readonly cells: number;
  readonly runs: number;
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
  /** Number of images that may be asked for by name; of datasets only. */
  readonly pictures: number;
  /** What it records about itself, by its kind; absent where that is missing or damaged. */
  readonly dataset?: DatasetFacts | undefined;
  readonly run?: RunFacts | undefined;
  readonly study?: StudyFacts | undefined;
  readonly trouble?: Trouble | undefined;
}

/** Answer of ROUTES.things. */
export interface Listing {
  readonly version: string;
  readonly note: string;
  /** Whether HaGRID's frames are given. */
  readonly frames: boolean;
  /** False for static files: judgements stay in the browser. */
  readonly writes: boolean;
  readonly things: readonly Thing[];
  /** The views of a page that has not all of them. */
  readonly views?: readonly string[] | undefined;
  /** Address of the service worker of a page that is a release by itself. */
  readonly serviceWorker?: string | undefined;
  /** What was not searched, e.g. links and folders that cannot be read. */
  readonly passedOver: readonly string[];
}

/** A file of a release. */
export interface ReleaseFile {
  /** Base64, as browsers check it. */
  readonly sha256: string;
  readonly bytes: number;
  /** True where its address has the hash of its content. */
  readonly fixed: boolean;
}

/** What the service worker of a page stores and states. */
export interface Release {
  /** Of all its files. */
  readonly id: string;
  /** Of cross-origin isolation, by name. */
  readonly headers: Readonly<Record<string, string>>;
  /** By address below the folder of the page, which itself is "". */
  readonly files: Readonly<Record<string, ReleaseFile>>;
}

/** Answer of a judgement that was saved. */
export interface Saved {
  readonly ids: readonly string[];
  /** Of a line that a kill had cut off, taken away now. */
  readonly cutBytes: number;
}

/** Answer of ROUTES.blind: pairs without what is recorded of them. */
export interface BlindPairs {
  /** Subjects, by number. */
  readonly users: readonly string[];
  /** In the order of their ids. */
  readonly pairs: readonly (readonly [id: string, user: number, hand: string, face: string])[];
}

/** What another did, for a page that must not know their answers. */
export interface OthersLine {
  readonly id: string;
  readonly image_id?: string | undefined;
  readonly user_id: string;
  readonly reverts?: string | undefined;
  /** False of a line that takes back, or skips. */
  readonly judged: boolean;
}

/** A line of the log for a blind page: its own but for what was recorded, or another's. */
export type JudgedLine = Annotation | OthersLine;

/** How far a task of a study is: its configuration with one seed. */
export interface TaskFacts {
  /** Id of the configuration in the study's plan. */
  readonly cell: string;
  readonly seed: number;
  /** `unfinished` was begun and is worked on by nobody; `failed` is the same after an error. */
  readonly state: "done" | "running" | "failed" | "unfinished" | "missing";
  readonly epochs: { readonly done: number; readonly planned: number };
  readonly evaluations: { readonly done: number; readonly planned: number };
  /** Times that it failed or was lost. */
  readonly failures: number;
  /** Code of the last failure; its message may name places of this machine. */
  readonly error?: string | undefined;
}

/** Answer of ROUTES.study. */
export interface StudyTasks {
  readonly tasks: readonly TaskFacts[];
  /** Of all tasks, one after another; absent where nothing was measured yet. */
  readonly secondsLeft?: number | undefined;
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
  /** A picture of one version of a thing: browsers need not ask for it twice. */
  keptPicture: ({ id, changed }: Pick<Thing, "id" | "changed">, name: string) =>
    `/api/things/${part(id)}/pictures/${part(name)}?v=${part(changed)}`,
  /** A frame of HaGRID, where `--hagrid` gives them. */
  frame: (gesture: string, name: string) => `/api/frames/${part(gesture)}/${part(name)}`,
  /** A model that finds faces or hands. */
  detector: (model: string) => `/api/detectors/${part(model)}.tflite`,
  /** New bytes of a file that grows, as events. */
  follow: (thing: string, name: string, from: number) =>
    `/api/things/${part(thing)}/follow/${part(name)}?from=${from}`,
  /** The log of judgements: GET has it as it lies, POST adds to it. */
  annotations: (thing: string) => `/api/things/${part(thing)}/annotations`,
  /** The log as it grows, as events; of others only what they judged where somebody is blind. */
  followAnnotations: (thing: string, from: number, blind?: string) =>
    `/api/things/${part(thing)}/annotations/follow?from=${from}${blind === undefined ? "" : `&blind=${part(blind)}`}`,
  /** How far the tasks of a study are. */
  study: (thing: string) => `/api/things/${part(thing)}/study.json`,
  /** Pairs without labels. */
  blind: (thing: string) => `/api/things/${part(thing)}/blind.json`,
} as const;
