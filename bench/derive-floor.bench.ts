// Question: how much of deriving a frame is decoding it and finding the face in it, and nothing else?
// One step is as in derive.bench.ts, which is the other side here.

import { detectedFaces } from "../src/derive/run/faces.ts";
import { readBytes } from "../src/machine/files.ts";
import { mapOrdered } from "../src/machine/pool.ts";
import { openPhoto } from "../src/pixels/fast/open-photo.ts";
import { Pictures } from "../src/pixels/fast/pictures.ts";
import { framePaths, hagridOf, pin } from "./derive-frames.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, async (work) => {
  pin(work.threads);
  const paths = await framePaths(await hagridOf(work));
  const faces = await detectedFaces(undefined, work.threads);
  const pictures = new Pictures();
  return async () => {
    let found = 0;
    const files = mapOrdered(paths, 2 * work.threads, (path) => readBytes(path, "a frame"));
    for await (const bytes of files) {
      found += (await faces.find(await openPhoto(pictures, bytes), "")).length;
    }
    return found;
  };
});
