// ◇ Browser-safe. What people judged of a pair, from the log: folded, so that nobody who is to judge it sees it unasked.
import { useSignal } from "@preact/signals";
import type { Annotation } from "../../audit/annotation.ts";
import { ROUTES } from "../../server/api.ts";
import { get } from "../app/source.ts";
import { type Desk, idOf } from "../pairs/desk.ts";
import { textAt } from "../table/column.ts";

interface Props {
  readonly desk: Desk;
  readonly row: number;
}

/** The history; the log is asked for when somebody looks. */
export function History({ desk, row }: Props) {
  const lines = useSignal<readonly Annotation[] | undefined>(undefined);
  const fault = useSignal("");
  const id = idOf(desk, row);
  const person = textAt(desk.loaded.table.columns.get("user_id"), row);
  const read = async () => {
    try {
      lines.value = parseLog(await (await get(ROUTES.annotations(desk.dataset.thing.id))).text());
    } catch (error) {
      fault.value = error instanceof Error ? error.message : String(error);
    }
  };
  const own = judgedOf(lines.value ?? [], id, person);
  return (
    <details
      class="pair-part"
      onToggle={({ currentTarget }) => currentTarget.open && lines.value === undefined && void read()}
    >
      <summary>
        <h3>Judgements</h3>
      </summary>
      {fault.value === "" ? null : <p class="trouble">{fault.value}</p>}
      {lines.value === undefined && fault.value === "" ? <p class="soft">Reading the log …</p> : null}
      {lines.value !== undefined && own.length === 0 ? <p class="soft">Nobody has judged it.</p> : null}
      <ol class="pair-history">
        {own.map((line) => (
          <li key={line.id}>
            <time dateTime={line.when}>{line.when.slice(0, 16).replace("T", " ")}</time> {line.annotator}:{" "}
            <strong>{saidBy(line)}</strong>
            {line.image_id === undefined ? " (of the subject)" : ""} {line.note ?? ""}
          </li>
        ))}
      </ol>
    </details>
  );
}

/** Lines of a log; one that a kill cut off is left out. */
export function parseLog(text: string): Annotation[] {
  return text.split("\n").flatMap((line): Annotation[] => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Annotation];
    } catch {
      return [];
    }
  });
}

/** Judgements of a pair and of its subject, oldest first. */
export const judgedOf = (lines: readonly Annotation[], id: string, person: string): Annotation[] =>
  lines.filter((line) => (line.image_id === undefined ? line.user_id === person : line.image_id === id));

/** What a line says, in words. */
function saidBy({ choice, to = {}, reason, reverts }: Annotation): string {
  if (reverts !== undefined && choice === undefined) return `takes back ${reverts}`;
  const labels = Object.values(to).join(", ");
  return [choice, labels && `to ${labels}`, reason].filter(Boolean).join(" ");
}
