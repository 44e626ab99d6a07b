import { homedir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cacheFolder } from "./cache.ts";

it.each([
  [{ XDG_CACHE_HOME: "/x/cache" }, "linux", "/x/cache/facehand"],
  [{ XDG_CACHE_HOME: "relative" }, "linux", join(homedir(), ".cache", "facehand")],
  [{}, "linux", join(homedir(), ".cache", "facehand")],
  [{}, "darwin", join(homedir(), "Library", "Caches", "facehand")],
  [{ LOCALAPPDATA: "/local" }, "win32", join("/local", "facehand", "cache")],
] as const)("cacheFolder of %o on %s", (env, platform, folder) => {
  expect(cacheFolder(env, platform)).toBe(folder);
});
