// ◇ Browser-safe. Reads a dataset's table in a thread of its own, so that the page answers meanwhile.
// Invariants: one table a thread; every task is answered once, by its number, with what was asked for or with what went wrong.
import { AppError } from "../../core/errors.ts";
import { type Column, memoryOf, textAt } from "./column.ts";
import { openHttpFile } from "./http-file.ts";
import { readCsvTable } from "./read-csv.ts";
import { openParquetTable, type ParquetTable } from "./read-parquet.ts";

/** Where a table is. */
export type TablePlace =
  | { readonly kind: "parquet"; readonly url: string; readonly sizeBytes: number }
  | {
      readonly kind: "csv";
      readonly files: readonly {
        readonly name: string;
        readonly url: string;
        readonly split?: string | undefined;
      }[];
    };

/** What a thread is asked. */
export type Task =
  | { readonly ask: number; readonly open: TablePlace }
  | { readonly ask: number; readonly columns: readonly string[] }
  | { readonly ask: number; readonly row: number };

/** What it answers. */
export type Answer =
  | { readonly ask: number; readonly opened: { readonly rows: number; readonly names: readonly string[] } }
  | { readonly ask: number; readonly columns: readonly (readonly [string, Column])[] }
  | { readonly ask: number; readonly row: Readonly<Record<string, unknown>> }
  | { readonly ask: number; readonly reached: number }
  | {
      readonly ask: number;
      readonly fault: {
        readonly kind: AppError["kind"];
        readonly code: string;
        readonly message: string;
        readonly hint?: string | undefined;
      };
    };

let table: ParquetTable | undefined;

async function open(place: TablePlace): Promise<ParquetTable> {
  if (place.kind === "parquet") return await openParquetTable(openHttpFile(place.url, place.sizeBytes));
  const files = [];
  for (const { name, url, split } of place.files) {
    const response = await fetch(url);
    if (!response.ok) {
      const hint = "reload the page";
      throw new AppError("remote", "FILE", `Expected ${name}, got the status ${response.status}`, { hint });
    }
    files.push({ name, split, text: await response.text() });
  }
  const { rows, columns } = readCsvTable(files);
  return {
    rows,
    names: [...columns.keys()],
    columns: async (names) =>
      new Map(names.flatMap((name) => (columns.has(name) ? [[name, copyOf(columns.get(name)!)]] : []))),
    row: async (row) =>
      Object.fromEntries(Array.from(columns, ([name, one]) => [name, textAt(one, row) || undefined])),
  };
}

/** What is handed over leaves this thread: a single row is asked for later. */
const copyOf = (column: Column): Column => structuredClone(column);

async function answer(task: Task): Promise<readonly [Answer, ArrayBuffer[]]> {
  const { ask } = task;
  if ("open" in task) {
    table = await open(task.open);
    return [{ ask, opened: { rows: table.rows, names: table.names } }, []];
  }
  if ("row" in task) return [{ ask, row: await table!.row(task.row) }, []];
  const found = await table!.columns(task.columns, (reached) =>
    postMessage({ ask, reached } satisfies Answer),
  );
  return [{ ask, columns: [...found] }, memoryOf(found.values())];
}

/** Does what it is asked; web/thread.ts hands it over. */
export async function heard({ data }: MessageEvent<Task>): Promise<void> {
  try {
    const [found, memory] = await answer(data);
    postMessage(found, { transfer: memory });
  } catch (error) {
    const { kind, code, message, hint } =
      error instanceof AppError
        ? error
        : new AppError("internal", "PAGE", `Expected a table, got ${String(error)}`, {
            hint: "reload the page",
          });
    postMessage({ ask: data.ask, fault: { kind, code, message, hint } } satisfies Answer);
  }
}
