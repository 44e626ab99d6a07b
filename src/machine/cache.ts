// Where downloads stay between runs: the user's cache folder of this system.
// Source: XDG Base Directory Specification; Apple's and Microsoft's places for caches.
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * The package's folder in the user's cache.
 *
 * @param env - environment, for tests; XDG_CACHE_HOME counts if it is absolute, as its specification demands
 * @param platform - system, for tests
 * @example cacheFolder() // "/home/me/.cache/facehand"
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "facehand");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "facehand");
  if (platform === "win32" && local !== undefined) return join(local, "facehand", "cache");
  return join(homedir(), ".cache", "facehand");
}
