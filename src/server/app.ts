// The routes of `facehand serve`: listings, files and images by name, logs that grow, judgements. Everything else of the page
// happens in the browser.
// Invariants: no path comes from a request: ids and names are looked up in a listing; every error is an AppError's code, message
// and hint as JSON, without a stack and without a place of this machine.
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { fromErrno } from "../core/errno.ts";
import { AppError } from "../core/errors.ts";
import { LABEL_NOTE } from "../report/figure-text.ts";
import type { Listing, Refusal } from "./api.ts";
import { serveDetectors } from "./detectors.ts";
import { follow, fromOf } from "./follow.ts";
import { openFrames, serveFrames } from "./frames.ts";
import { type Doors, guard, pageHeaders } from "./guard.ts";
import { serveJudgements } from "./judgements.ts";
import { type Found, findThings } from "./listing.ts";
import { type PageFiles, servePage } from "./page.ts";
import { sendFile } from "./ranges.ts";
import { serveStudies } from "./studies.ts";

/** A listing is as old as this at most when a file is asked for, ms. */
const FRESH_MS = 2000;

/** What is served. */
export interface AppOptions extends Doors {
  /** Folders that are searched. */
  readonly roots: readonly string[];
  /** Folder of HaGRID's frames. */
  readonly hagrid?: string | undefined;
  readonly version: string;
  readonly page: PageFiles;
  /** Called once for each request that was answered: method, address without query, status. */
  readonly log?: ((line: string) => void) | undefined;
}

/** The page's server as a function from requests to answers. */
export function createApp(options: AppOptions): Hono {
  const { roots, hagrid, version, page, log } = options;
  const listing = openListing(roots);
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    log?.(`${context.req.method} ${new URL(context.req.url).pathname} ${context.res.status}`);
  });
  app.use(pageHeaders(), guard(options));
  app.onError((error, context) => {
    const known = fromErrno(error);
    const status = known instanceof AppError ? STATUS[known.kind] : 500;
    return context.json<Refusal>({ error: describe(known, roots) }, status);
  });
  app.notFound((context) => context.json<Refusal>({ error: NOTHING }, 404));
  servePage(app, page);
  app.get("/api/things.json", async (context) => {
    const { found, passedOver } = await listing("now");
    const things = found.map(({ thing }) => thing);
    return context.json<Listing>({
      version,
      note: LABEL_NOTE,
      frames: hagrid !== undefined,
      writes: true,
      things,
      passedOver,
    });
  });
  const find = async (id: string, look: "known" | "fresh" | "now") =>
    (await listing(look)).found.find(({ thing }) => thing.id === id);
  const lookup = async (id: string): Promise<Found> => {
    const thing = (await find(id, "fresh")) ?? (await find(id, "now"));
    if (thing === undefined)
      throw new AppError("input", "THING", "Expected a dataset, run or study that is there, got none");
    return thing;
  };
  const places = async (id: string, of: "files" | "pictures", name: string): Promise<string> => {
    // A place that was found once is tried: folders with thousands of pictures are not listed anew while a grid is scrolled.
    const known = (await find(id, "known"))?.[of].get(name);
    const place = known ?? (await lookup(id))[of].get(name);
    if (place !== undefined) return place;
    throw new AppError("input", "FILE", "Expected a file that the listing has, got another name");
  };
  app.get("/api/things/:id/files/:name", async ({ req }) =>
    sendFile(await places(req.param("id"), "files", req.param("name")), req.raw),
  );
  app.get("/api/things/:id/pictures/:name", async ({ req }) =>
    sendFile(await places(req.param("id"), "pictures", req.param("name")), req.raw, {
      kept: req.query("v") !== undefined,
    }),
  );
  app.get("/api/things/:id/follow/:name", async (context) => {
    const { req } = context;
    const path = await places(req.param("id"), "files", req.param("name"));
    const from = fromOf(req);
    return streamSSE(context, (stream) => follow(path, from, stream));
  });
  serveDetectors(app);
  serveFrames(app, hagrid === undefined ? undefined : openFrames(hagrid));
  serveJudgements(app, lookup);
  serveStudies(app, lookup);
  return app;
}

const STATUS = { input: 404, data: 422, remote: 502, internal: 500 } as const;
const NOTHING = { code: "ROUTE", message: "Expected an address of this server, got another" };

function describe(error: unknown, roots: readonly string[]) {
  if (!(error instanceof AppError) || error.kind === "internal")
    return {
      code: "INTERNAL",
      message: "Expected an answer, got a fault of facehand",
      hint: "see what the command printed",
    };
  const hide = (text: string) =>
    roots.reduce((rest, root) => rest.replaceAll(root, "(a served folder)"), text);
  return { code: error.code, message: hide(error.message), hint: error.hint && hide(error.hint) };
}

/** Searches again where what is known is old; those who ask at once share one search. */
function openListing(roots: readonly string[]) {
  const oldestMs = { known: Number.POSITIVE_INFINITY, fresh: FRESH_MS, now: FRESH_MS / 4 };
  let known: { readonly at: number; readonly finds: ReturnType<typeof findThings> } | undefined;
  return (look: keyof typeof oldestMs) => {
    const now = performance.now();
    if (known !== undefined && now - known.at < oldestMs[look]) return known.finds;
    known = { at: now, finds: findThings(roots) };
    return known.finds;
  };
}
