// Process that reads changed files, one after the other; harden/mutants.ts watches it. Arguments: a folder for the files.
// Invariant: before a file is read its line is out, so that the parent knows what the process died of.
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { READERS, type Reader } from "./mutant-readers.ts";
import { mutate } from "./mutate.ts";

/** What it is asked for: mutants of a seed, by number. */
export interface Order {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

/** A file of a kind, and how it is read. */
interface Kind {
  readonly reader: Reader;
  readonly seeds: readonly Uint8Array[];
}

/** Memory that garbage may take before it is collected between two files. */
const GARBAGE_BYTES = 64 << 20;
const MOST_MESSAGE_BYTES = 2048;

const [dir] = process.argv.slice(2) as [string];
const say = (line: string) => writeSync(1, `${line}\n`);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
let current = "";

for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    say(`fault ${current}: ${event}: ${stack(error)}`);
    process.exit(1);
  });
}

const kinds: Kind[] = [];
for (const reader of READERS) kinds.push({ reader, seeds: await reader.seeds(dir) });
for (const { reader, seeds } of kinds) {
  for (const seed of seeds) {
    const error = await read(reader, seed);
    if (error !== undefined) throw new Error(`${reader.name}: a valid file is refused`, { cause: error });
  }
}
collect();
let calm = process.memoryUsage.rss();
say("ready");
process.on("disconnect", () => process.exit(0));
process.on("message", (order: Order) => void run(order));

async function run({ seed, from, to }: Order): Promise<void> {
  for (let n = from; n < to; n++) {
    const { reader, bytes } = drawn(seed, n);
    if (process.memoryUsage.rss() > calm + GARBAGE_BYTES) {
      collect();
      calm = Math.max(calm, process.memoryUsage.rss() - GARBAGE_BYTES / 2);
    }
    current = `${n} ${reader.name} ${bytes.length}`;
    say(`read ${current}`);
    const fault = faultOf(await read(reader, bytes));
    if (fault !== undefined) {
      const small = await minimised(reader, bytes, fault);
      const shown = small.length > 600 ? `${small.length} bytes` : Buffer.from(small).toString("base64");
      say(`fault ${current}: ${fault}; minimised: ${shown}`);
    }
  }
  say("done");
}

function drawn(seed: number, n: number): { reader: Reader; bytes: Uint8Array } {
  const random = Random.of(seed).split("mutant", n);
  const { reader, seeds } = random.pick(kinds);
  if (reader.draw !== undefined && random.int(2) === 0) {
    const bytes = reader.draw(random);
    return { reader, bytes: random.int(4) === 0 ? mutate(bytes, random, reader.words, seeds) : bytes };
  }
  return { reader, bytes: mutate(random.pick(seeds), random, reader.words, seeds) };
}

async function read(reader: Reader, bytes: Uint8Array): Promise<unknown> {
  const path = join(dir, reader.file);
  writeFileSync(path, bytes);
  try {
    await reader.read(path, bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is wrong with how a file was refused. */
function faultOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof AppError)) return `no AppError: ${stack(error)}`;
  if (error.kind === "internal")
    return `reported as a fault of facehand: ${error.code} ${error.message.slice(0, 300)}`;
  const bytes = Buffer.byteLength(error.message);
  return bytes > MOST_MESSAGE_BYTES ? `a message of ${bytes} bytes: ${error.code}` : undefined;
}

/** The smallest file found with the same kind of fault, by leaving out parts. */
async function minimised(reader: Reader, bytes: Uint8Array, fault: string): Promise<Uint8Array> {
  const key = fault.slice(0, 60);
  const until = performance.now() + 3000;
  let small = bytes;
  for (let size = bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= small.length && performance.now() < until; ) {
      const less = new Uint8Array([...small.subarray(0, at), ...small.subarray(at + size)]);
      if (faultOf(await read(reader, less))?.slice(0, 60) === key) small = less;
      else at += size;
    }
  }
  return small;
}

function stack(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.slice(0, 600).replaceAll("\n", " | ");
}
