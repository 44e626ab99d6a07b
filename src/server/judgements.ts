// The routes of an audit: the log of judgements as it is, as it grows, and what is added to it; and all of it for a page whose
// annotator is blind.
// Invariants: a judgement is on the disk before the page gets its answer, and there once however often it is sent; a log that is not
// there yet is an empty one.
import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import { parseAnnotation } from "../audit/annotation.ts";
import { annotate, annotationsOf } from "../audit/log.ts";
import { AppError } from "../core/errors.ts";
import { exists } from "../machine/files.ts";
import type { BlindPairs, Saved } from "./api.ts";
import { blindLine, blindName, blindPairs, openPairBook, withRecorded } from "./blind.ts";
import { follow, fromOf } from "./follow.ts";
import type { Found } from "./listing.ts";
import { sendFile } from "./ranges.ts";

/** Most bytes that a body may have: hundreds of judgements. */
const BODY_BYTES = 256 * 1024;

/** Answers for judgements. */
export function serveJudgements(app: Hono, lookup: (id: string) => Promise<Found>): void {
  const book = openPairBook();
  const inTurn = turns();
  const dirOf = async (context: Context) => {
    const { thing, dir } = await lookup(context.req.param("id") ?? "");
    if (thing.kind === "dataset") return dir;
    throw new AppError("input", "THING", "Expected a dataset to be judged, got another thing");
  };
  app.get("/api/things/:id/annotations", async (context) => {
    const path = annotationsOf(await dirOf(context));
    return (await exists(path)) ? sendFile(path, context.req.raw) : context.body("");
  });
  app.get("/api/things/:id/annotations/follow", async (context) => {
    const path = annotationsOf(await dirOf(context));
    const name = blindName(context.req.query("blind"));
    const from = fromOf(context.req);
    const show = name === undefined ? undefined : (lines: string) => shown(lines, name);
    return streamSSE(context, (stream) => follow(path, from, stream, { mayBeAbsent: true, show }));
  });
  app.get("/api/things/:id/blind.json", async (context) =>
    context.json<BlindPairs>(blindPairs(await book.pairs(await dirOf(context)))),
  );
  app.post(
    "/api/things/:id/annotations",
    bodyLimit({ maxSize: BODY_BYTES, onError: tooLarge }),
    async (context) => {
      const dir = await dirOf(context);
      const body: unknown = await context.req.json().catch(() => undefined);
      if (!Array.isArray(body) || body.length === 0)
        throw new AppError("input", "BODY", "Expected a JSON list of judgements, got something else");
      const lines = body.map((one, i) => parseAnnotation(one, `judgement ${i + 1}`));
      const path = annotationsOf(dir);
      const cutBytes = await inTurn(path, async () => annotate(path, await withRecorded(lines, dir, book)));
      return context.json<Saved>({ ids: lines.map(({ id }) => id), cutBytes });
    },
  );
}

/** Writers of one log go one after the other: to wait for its lock, which other processes take too, costs more. */
function turns() {
  const last = new Map<string, Promise<unknown>>();
  return <T>(path: string, write: () => Promise<T>): Promise<T> => {
    const next = (last.get(path) ?? Promise.resolve()).then(write, write);
    last.set(path, next);
    return next;
  };
}

const shown = (lines: string, annotator: string) =>
  lines
    .split("\n")
    .flatMap((line) => blindLine(line, annotator) ?? [])
    .map((line) => JSON.stringify(line))
    .join("\n");

function tooLarge(): never {
  throw new AppError("data", "BODY", `Expected at most ${BODY_BYTES} bytes, got more`);
}
