// ◇ Browser-safe. Judgements as a file that `facehand audit` reads.
import type { Annotation } from "../../../audit/annotation.ts";

/** Lines of a log as text. */
export const logText = (lines: readonly Annotation[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");

/** Saves judgements as a file. */
export function downloadLines(place: string, lines: readonly Annotation[]): void {
  const url = URL.createObjectURL(new Blob([logText(lines)], { type: "application/jsonl" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${place.split("/").at(-1)}.annotations.jsonl`;
  link.click();
  URL.revokeObjectURL(url);
}
