// A plain file server as hosts have it, which knows no token, no route and no range; the files lie under a folder of the host.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".jpg": "image/jpeg",
  ".wasm": "application/wasm",
};

/** Starts it on a free port, or on a given one: `dir` is at `/sub/` of the address. */
export async function serveFiles(
  dir: string,
  headers: Readonly<Record<string, string>> = {},
  port = 0,
): Promise<{ readonly server: Server; readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = createServer(async ({ url }, answer) => {
    asked.push(url!);
    const path = decodeURIComponent(new URL(url!, "http://x").pathname).replace(/^\/sub\//, "/");
    const file = join(dir, path.endsWith("/") ? `${path}index.html` : path);
    if (!(await stat(file).catch(() => undefined))?.isFile()) return answer.writeHead(404).end();
    answer.writeHead(200, { ...headers, "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(answer);
  });
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  return { server, asked, url: `http://127.0.0.1:${(server.address() as { port: number }).port}/sub/` };
}
