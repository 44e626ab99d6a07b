// The thread of a page, in-page/, built as the page is and served as it is: for tests and benchmarks of what runs in threads.
// Invariants: with the server's headers, and so under its policy, unless a plain file server is asked for; who asks for it closes it.

import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, rename, rm, utimes } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import type { Browser } from "playwright-core";
import { sweepOld } from "../../harden/bundle.ts";
import { buildWeb } from "../../scripts/build-web.mjs";
import { createApp } from "../../src/server/app.ts";
import { makeToken } from "../../src/server/guard.ts";
import { type PageFiles, readPage } from "../../src/server/page.ts";
import { type LaunchOptions, launch, sharedBrowser } from "./chromium.ts";
import type { Said, TASKS } from "./in-page/worker.ts";

type Tasks = typeof TASKS;

/** The page in a browser. */
export interface InPage {
  readonly browser: Browser;
  /** Asks its thread; bytes go there and back. @throws Error with what the thread says */
  readonly ask: <K extends keyof Tasks>(
    task: K,
    ...args: Parameters<Tasks[K]>
  ) => Promise<Awaited<ReturnType<Tasks[K]>>>;
  /** The same, with a fault as data. */
  readonly tryAsk: <K extends keyof Tasks>(task: K, ...args: Parameters<Tasks[K]>) => Promise<Said>;
  /** Faults in the page's console. */
  readonly faults: readonly string[];
  /** Addresses that were asked for, without their host. */
  readonly asked: readonly string[];
  /** What came of them. */
  readonly answers: readonly Answer[];
  readonly close: () => Promise<void>;
}

interface Answer {
  readonly path: string;
  readonly type: string | undefined;
  readonly cache: string | undefined;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Below the repository: what the built page is made of. */
const MADE_OF = ["src", "bench", "scripts", "test/browser/in-page", "package-lock.json"];
const PLACE = join(ROOT, "node_modules", ".cache", "facehand-in-page");

/** The folder of the page as its sources are now, built or to be. */
function folderOf(): string {
  const hash = createHash("sha256");
  for (const name of MADE_OF.flatMap(filesOf).sort()) {
    const bytes = readFileSync(join(ROOT, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return join(PLACE, hash.digest("hex").slice(0, 16));
}

const filesOf = (name: string): string[] =>
  statSync(join(ROOT, name)).isFile()
    ? [name]
    : readdirSync(join(ROOT, name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/\.(jsonl|test\.tsx?)$/.test(entry.name))
        .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));

/**
 * Where the page lies when it is built, once for each state of its sources: a build takes two seconds of processor time, and four
 * processes of the tests alone have it. What nobody asked for within a day is removed by the next build.
 */
export async function buildInPage(): Promise<string> {
  const dir = folderOf();
  if (existsSync(dir)) {
    await utimes(dir, new Date(), new Date());
    return dir;
  }
  await mkdir(PLACE, { recursive: true });
  await sweepOld(PLACE, 24);
  const own = `${dir}.${process.pid}`;
  await buildWeb(own, fileURLToPath(new URL("in-page", import.meta.url)));
  // Another process may have been first: its files are the same.
  await rename(own, dir).catch(() => rm(own, { recursive: true }));
  return dir;
}

/** How it is opened. */
export interface InPageOptions extends LaunchOptions {
  /** Served as a host of static files serves, without the server's headers. */
  readonly plain?: boolean;
  /** In a browser that nothing else uses, for what is measured. */
  readonly alone?: boolean;
}

/** Opens the built page in a profile of its own. */
export async function openInPage(
  dir: string,
  { plain = false, alone = false, ...how }: InPageOptions = {},
): Promise<InPage> {
  const files = await readPage(dir);
  const { server, url } = plain ? await servePlain(files) : await serveGuarded(files);
  const browser = await (alone ? launch(how) : sharedBrowser(how));
  const context = await browser.newContext();
  const page = await context.newPage();
  const [faults, asked]: [string[], string[]] = [[], []];
  const answers: Answer[] = [];
  page.on("pageerror", ({ message }) => void faults.push(message));
  page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
  page.on("request", (request) => void asked.push(new URL(request.url()).pathname));
  page.on("response", (answer) => {
    const { "content-type": type, "cache-control": cache } = answer.headers();
    answers.push({ path: new URL(answer.url()).pathname, type, cache });
  });
  await page.goto(url);
  await page.waitForFunction(() => "ask" in globalThis);
  const tryAsk: InPage["tryAsk"] = (task, ...args) =>
    page.evaluate(
      ([name, more]) =>
        (globalThis as unknown as { ask: (task: string, ...args: readonly unknown[]) => Promise<Said> }).ask(
          name,
          ...more,
        ),
      [task, args] as const,
    );
  return {
    browser,
    tryAsk,
    ask: async (task, ...args) => {
      const { fault, made } = await tryAsk(task, ...args);
      if (fault !== undefined) throw new Error(`${fault.code}: ${fault.message}`);
      return made as never;
    },
    ...{ faults, asked, answers },
    close: async () => {
      await (alone ? browser : context).close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serveGuarded(page: PageFiles) {
  const token = makeToken();
  let app: ReturnType<typeof createApp> | undefined;
  const server = createAdaptorServer({
    fetch: (request, env) => app!.fetch(request, env),
    createServer,
  }) as Server;
  const port = await listen(server);
  app = createApp({ roots: [], version: "1.0.0", token, port, page, hosts: [`127.0.0.1:${port}`] });
  return { server, url: `http://127.0.0.1:${port}/?token=${token}` };
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

async function servePlain(page: PageFiles) {
  const server = createServer(({ url }, answer) => {
    const path = page.get(new URL(url!, "http://x").pathname);
    if (path === undefined) return answer.writeHead(404).end();
    answer.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
    createReadStream(path).pipe(answer);
  });
  return { server, url: `http://127.0.0.1:${await listen(server)}/` };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { readonly port: number }).port;
}
