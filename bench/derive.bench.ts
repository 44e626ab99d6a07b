// Question: how long does deriving a frame take, beside Python's libraries doing the same steps (peer/derive.py)?
// One step is `batch` real frames with a short side of `size` px: read, hash, decode, find the face, check the annotated
// landmarks of the hand, cut hand and face by landmarks, encode and write both, measure, write the journal. Models are loaded; both sides are tied to `threads` cores.
// What steps made is deleted at the end: ext4 is slow to make files where others were deleted in the last seconds.
// Ours syncs crops to the disk before the journal names them, the peer does not.
import { pin } from "./derive-frames.ts";
import { openDeriveWork } from "./derive-work.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, async (work) => {
  pin(work.threads);
  const { derive, close } = await openDeriveWork(work);
  return { step: async () => (await derive()).frames, close };
});
