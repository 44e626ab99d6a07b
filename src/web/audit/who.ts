// ◇ Browser-safe. Who judges in this browser.
import { signal } from "@preact/signals";
import { storedName, storeName } from "./saving/keeping.ts";

/** Their name, as lines of the log have it; undefined before anybody said. */
export const annotator = signal<string | undefined>(storedName());

/** Takes a name, or forgets it. */
export function judgeAs(name: string | undefined): void {
  storeName(name);
  annotator.value = name;
}
