// ◇ Browser-safe. How far and how fast: what is done of a queue, and the median time of a judgement.
import { seconds } from "./queues/progress.ts";
import type { Work } from "./work.ts";

/** One line. */
export function ProgressLine({
  work: { items, progress },
  place,
}: {
  readonly work: Work;
  readonly place: number;
}) {
  const { done, skipped, medianMs } = progress;
  return (
    <p class="audit-progress">
      {place < 0 ? null : <span>{`${place + 1} of ${items.length}`} · </span>}
      <span>{`${done} done`}</span>
      {skipped === 0 ? null : ` · ${skipped} skipped`}
      {medianMs === undefined ? null : ` · median ${seconds(medianMs)}`}{" "}
      <progress value={done + skipped} max={Math.max(items.length, 1)} aria-label="done of this queue" />
    </p>
  );
}
