// Process of one campaign: makes the attempts that it is asked for. Arguments: the module of the campaigns, a name, a folder.
// Invariant: it ends with its parent, and takes along what it started: all of that is in its process group.
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Campaign, Finding } from "./campaign.ts";

/** Its orders. */
export type Order = { readonly kind: "attempt"; readonly seed: number } | { readonly kind: "close" };
/** What it reports. */
export type News = { readonly kind: "open" } | { readonly kind: "found"; readonly finding: Finding };

/** How long what was opened may take to be put away when the parent is gone, ms. */
const CLOSING_MS = 3000;

const [file, name, dir] = process.argv.slice(2) as [string, string, string];
const { CAMPAIGNS } = (await import(pathToFileURL(file).href)) as { CAMPAIGNS: readonly Campaign[] };
const report = (news: News) => process.send?.(news);
let closing: Promise<void> | undefined;

const open = await CAMPAIGNS.find((campaign) => campaign.name === name)!.open(dir);
process.on("disconnect", () => {
  closing ??= open.close().catch(() => undefined);
  void Promise.race([closing, sleep(CLOSING_MS)]).then(() => process.kill(-process.pid, "SIGKILL"));
});
process.on("message", (order: Order) => {
  if (order.kind === "attempt") void attempt(order.seed);
  else void close();
});
report({ kind: "open" });

async function attempt(seed: number): Promise<void> {
  let finding: Finding;
  try {
    finding = await open.attempt(seed);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    finding = { faults: [`the campaign itself failed: ${text}`] };
  }
  report({ kind: "found", finding });
}

async function close(): Promise<void> {
  closing ??= open.close();
  await closing;
  process.exit(0);
}
