// ◇ Browser-safe. A dataset's table in the page: read by a thread, kept as long as the page looks at that dataset.
import { AppError } from "../../core/errors.ts";
import { ROUTES, type Thing } from "../../server/api.ts";
import { hasFile, urlOf } from "../app/source.ts";
import type { Column } from "./column.ts";
import type { Answer, TablePlace, Task } from "./worker.ts";

/** A table that is being read. */
export interface OpenTable {
  readonly rows: number;
  /** Names of the file's columns. */
  readonly names: readonly string[];
  columns(names: readonly string[], onRows?: (rows: number) => void): Promise<ReadonlyMap<string, Column>>;
  row(row: number): Promise<Readonly<Record<string, unknown>>>;
  close(): void;
}

type Asked = Task extends infer T ? (T extends { readonly ask: number } ? Omit<T, "ask"> : never) : never;

/** Which of a dataset's files has its rows: the ledger if there is one. */
export function placeOf(thing: Thing): TablePlace | undefined {
  const url = (name: string) => urlOf(ROUTES.file(thing.id, name));
  const parquet = thing.files.find(({ name }) => name === "ledger.parquet");
  if (parquet !== undefined) return { kind: "parquet", url: url(parquet.name), sizeBytes: parquet.sizeBytes };
  if (hasFile(thing, "ledger.csv"))
    return { kind: "csv", files: [{ name: "ledger.csv", url: url("ledger.csv") }] };
  const files = ["train", "val", "test"]
    .filter((split) => hasFile(thing, `${split}.csv`))
    .map((split) => ({ name: `${split}.csv`, url: url(`${split}.csv`), split }));
  return files.length === 0 ? undefined : { kind: "csv", files };
}

/**
 * Opens a dataset's table.
 *
 * @throws AppError("data", "DATASET_CSV_MISSING") where it has none, and what the thread says
 */
export async function openTable(thing: Thing): Promise<OpenTable> {
  const place = placeOf(thing);
  if (place === undefined)
    throw new AppError("data", "DATASET_CSV_MISSING", "Expected a ledger or tables of pairs, got none", {
      hint: "run `facehand data check` on the folder",
    });
  return await openPlace(place);
}

/** Opens a table by where it is. */
export async function openPlace(place: TablePlace): Promise<OpenTable> {
  const worker = new Worker(new URL("../thread.ts", import.meta.url), { type: "module", name: "table" });
  const waiting = new Map<number, (answer: Answer) => void>();
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => waiting.get(data.ask)?.(data));
  worker.addEventListener("error", ({ message }) => {
    for (const [ask, hear] of waiting)
      hear({ ask, fault: { kind: "internal", code: "PAGE", message: `Expected a table, got ${message}` } });
  });
  let last = 0;
  const run = <K extends "opened" | "columns" | "row">(task: Asked, onRows?: (rows: number) => void) =>
    new Promise<Extract<Answer, Record<K, unknown>>>((resolve, reject) => {
      const ask = ++last;
      waiting.set(ask, (answer) => {
        if ("reached" in answer) return onRows?.(answer.reached);
        waiting.delete(ask);
        if (!("fault" in answer)) return resolve(answer as Extract<Answer, Record<K, unknown>>);
        const { kind, code, message, hint } = answer.fault;
        reject(new AppError(kind, code, message, { hint }));
      });
      worker.postMessage({ ...task, ask });
    });
  const { opened } = await run<"opened">({ open: place });
  return {
    ...opened,
    columns: async (names, onRows) => {
      const there = names.filter((name) => opened.names.includes(name));
      return new Map((await run<"columns">({ columns: there }, onRows)).columns);
    },
    row: async (row) => (await run<"row">({ row })).row,
    close: () => worker.terminate(),
  };
}
