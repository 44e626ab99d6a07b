// The detectors' models for the page, which finds faces and hands in photos by itself.
// Invariants: a name is looked up in a fixed list; the bytes are those that the code decodes, by their hash.
import type { Hono } from "hono";
import { AppError } from "../core/errors.ts";
import { PACKAGED_MODELS } from "../find/models.ts";
import { readPackaged } from "../find/packaged.ts";
import { ROUTES } from "./api.ts";

/** Answers for the models; they stay what they are as long as this version of facehand is served. */
export function serveDetectors(app: Hono): void {
  app.get("/api/detectors/:name", async (context) => {
    const model = PACKAGED_MODELS.find((one) =>
      ROUTES.detector(one).endsWith(`/${context.req.param("name")}`),
    );
    if (model === undefined)
      throw new AppError("input", "DETECTOR", "Expected a detector's name, got another");
    const { bytes } = await readPackaged(model);
    return context.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      "content-type": "application/octet-stream",
      "cache-control": "private, max-age=3600",
    });
  });
}
