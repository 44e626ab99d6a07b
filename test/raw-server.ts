// A server that sends what a test gives it, byte by byte, HTTP or not: for answers that no library would send.

import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** A request as it came. */
export interface RawRequest {
  /** The other end of its connection. */
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** By name in small letters. */
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Bytes to send, what to do between (waited for; its argument is whether the connection is still there), or how the connection
 * ends: politely after the last step, if not otherwise.
 */
export type Step = string | Uint8Array | ((isOpen: () => boolean) => void | Promise<void>) | "RESET" | "HOLD";

/** A running server. */
export interface RawServer {
  readonly origin: string;
  readonly asked: RawRequest[];
  close(): Promise<void>;
}

/** A key and its certificate, for a server of https. */
export interface Secure {
  readonly key: string;
  readonly cert: string;
}

/** Starts a server; every request is answered by the steps that `answer` gives. */
export async function startRaw(
  answer: (request: RawRequest) => readonly Step[],
  secure?: Secure,
): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const asked: RawRequest[] = [];
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    let head = "";
    socket.on("data", (bytes) => {
      head += bytes.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      const request = { ...parseRequest(head), port: socket.remotePort! };
      head = "";
      asked.push(request);
      void play(socket, answer(request));
    });
  };
  const server: Server = secure === undefined ? createServer(serve) : createTlsServer(secure, serve);
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${secure === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parseRequest(head: string): Omit<RawRequest, "port"> {
  const [first, ...lines] = head.split("\r\n");
  const [method = "", path = ""] = first!.split(" ");
  const headers = lines
    .filter((line) => line.includes(":"))
    .map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
  return { method, path, headers: new Map(headers) };
}

/** Each step once the one before is on its way. */
async function play(socket: Socket, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (socket.destroyed || step === "HOLD") return;
    if (step === "RESET") socket.resetAndDestroy();
    else if (typeof step === "function") await step(() => !socket.destroyed);
    else await sent(socket, typeof step === "string" ? Buffer.from(step, "latin1") : step);
  }
  socket.end();
}

async function sent(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise((resolve) => socket.write(bytes, resolve));
  await new Promise(setImmediate); // so that the next bytes are another packet
}
