// ◇ Browser-safe. What a reload must not lose, in the browser's own database: features of pictures, and how far trainings are.
// Invariants: a key has the hashes of everything that its value follows from; nothing of it leaves the browser, and all of it
// goes when people ask for that.
import { AppError } from "../../core/errors.ts";
import type { CourseState } from "../../train/head/course.ts";
import type { StoredRows } from "../../train/head/features.ts";

const NAME = "facehand-tune";
/** Of the names and forms of what lies there: another has another number. */
const VERSION = 2;
const STORES = ["features", "trainings"] as const;
type Store = (typeof STORES)[number];
const isStore = (name: string): name is Store => STORES.some((store) => store === name);

let opened: Promise<IDBDatabase> | undefined;

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(refused(request.error)));
  });

const refused = (cause: unknown) =>
  new AppError("input", "PAGE_STORE", `Expected room in this browser's database, got ${String(cause)}`, {
    hint: "free some space, or leave the private window",
    cause,
  });

function open(): Promise<IDBDatabase> {
  opened ??= (async () => {
    const request = indexedDB.open(NAME, VERSION);
    request.addEventListener("upgradeneeded", () => {
      const { result } = request;
      for (const old of [...result.objectStoreNames]) if (!isStore(old)) result.deleteObjectStore(old);
      for (const store of STORES)
        if (!result.objectStoreNames.contains(store)) result.createObjectStore(store);
    });
    const database = await done(request);
    // Another window wants it to go: what is asked for later opens it anew.
    database.addEventListener("versionchange", () => {
      database.close();
      opened = undefined;
    });
    return database;
  })();
  return opened;
}

async function get<T>(store: Store, key: string): Promise<T | undefined> {
  const database = await open();
  return (await done(database.transaction(store).objectStore(store).get(key))) as T | undefined;
}

/** Returns when it is stored, not when it is asked for. */
async function put(store: Store, key: string, value: unknown): Promise<void> {
  const transaction = (await open()).transaction(store, "readwrite");
  transaction.objectStore(store).put(value, key);
  await new Promise<void>((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(refused(transaction.error)));
  });
}

/** Features by one backbone. @param backbone - its hash */
export const storedRows = (backbone: string): StoredRows => ({
  get: (picture) => get<Float32Array>("features", `${backbone} ${picture}`),
  put: (picture, row) => put("features", `${backbone} ${picture}`, row),
});

/** How far a training is. @param key - hash of all that it follows from */
export const storedTraining = (key: string) => ({
  get: () => get<CourseState>("trainings", key),
  put: (state: CourseState) => put("trainings", key, state),
});

/** Removes everything. */
export async function forget(): Promise<void> {
  (await opened)?.close();
  opened = undefined;
  await done(indexedDB.deleteDatabase(NAME));
}
