// `facehand serve`: the page about datasets, runs and studies, on this machine, until Ctrl-C.
import type { Command } from "commander";
import { Interrupted } from "../../core/errors.ts";
import { isLoopback, SERVE_PORT, serve } from "../../server/serve.ts";
import { type Context, verb, wholeNumber } from "../context.ts";
import { packageVersion } from "../version.ts";
import { openInBrowser } from "./browser.ts";

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly hagrid?: string | undefined;
  readonly open?: boolean | undefined;
  readonly log?: boolean | undefined;
}

/** `facehand serve`. */
export function serveCommand({ print, report, signal }: Context): Command {
  return verb(
    "serve",
    "show datasets, runs and studies in a page on this machine, where labels can be judged too",
  )
    .argument("[dirs...]", "folders to search for them (default: the current one)")
    .option(
      "--port <n>",
      "port to listen on; if it is taken, the next free one",
      wholeNumber("--port", 0, 65_535),
      SERVE_PORT,
    )
    .option("--host <address>", "address of this machine to listen on", "127.0.0.1")
    .option("--hagrid <dir>", "folder of HaGRID's frames, to show beside the pairs that were cut from them")
    .option("--open", "open the page in the browser")
    .option("--log", "print a line for each request")
    .action(async (dirs: readonly string[], { port, host, hagrid, open, log }: Flags) => {
      const roots = dirs.length === 0 ? ["."] : dirs;
      const server = await serve({
        roots,
        hagrid,
        version: packageVersion(),
        port,
        host,
        log: log ? report : undefined,
      });
      if (!isLoopback(host))
        report(
          `Others on the network can reach ${host}: whoever has the address can see the images and write judgements, and the connection is not encrypted.`,
        );
      if (port !== 0 && server.port !== port) report(`Port ${port} is taken; using ${server.port}.`);
      print(server.url);
      report(
        `Serving ${roots.join(", ")} until Ctrl-C. The address is for one person: it contains the access token.`,
      );
      if (open === true && !(await openInBrowser(server.url)))
        report("No browser could be opened: open the address by hand.");
      await stopped(signal);
      await server.close();
      throw new Interrupted("Stopped serving.");
    });
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
