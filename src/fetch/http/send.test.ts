// Requests with a body: sent whole with its length, no further than an answer, to no other address, and never without an end.
import { afterEach, beforeEach, expect, it } from "vitest";
import { startClock } from "../../../test/clock.ts";
import { type RawServer, type Step, startRaw } from "../../../test/raw-server.ts";
import { request, wholePage } from "./http.ts";
import { retrying, Transient } from "./retry.ts";
import type { Outgoing } from "./transport.ts";

const MANY = 64 << 20;
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

let server: RawServer;
let steps: readonly Step[];
beforeEach(async () => {
  steps = [OK];
  server = await startRaw(() => steps);
});
afterEach(() => server.close());

/** A body of so many bytes, and how many of them were asked for. */
function bodyOf(sizeBytes: number): { body: Outgoing; taken: () => number } {
  let taken = 0;
  const body: Outgoing = {
    sizeBytes,
    async *chunks() {
      taken = 0;
      while (taken < sizeBytes) {
        const chunk = Buffer.alloc(Math.min(64 << 10, sizeBytes - taken), "x");
        taken += chunk.byteLength;
        yield chunk;
      }
    },
  };
  return { body, taken: () => taken };
}

const send = (body: Outgoing, path = "/a") =>
  request(`${server.origin}${path}`, { method: "PUT", body, idleMs: 60_000 });

it("sends a body with its length", async () => {
  const { body, taken } = bodyOf(1000);
  expect(await wholePage(await send(body))).toBe("ok");
  const [{ method, headers }] = server.asked as [(typeof server.asked)[number]];
  expect([method, headers.get("content-length"), headers.has("transfer-encoding")]).toEqual([
    "PUT",
    "1000",
    false,
  ]);
  expect(taken()).toBe(1000);
});

it("reads an answer that comes before the end, and sends no further", async () => {
  steps = ["HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n", "HOLD"];
  const { body, taken } = bodyOf(MANY);
  await expect(send(body)).rejects.toMatchObject({ code: "REMOTE_STATUS" });
  expect(taken()).toBeLessThan(MANY);
});

it("follows no redirect", async () => {
  steps = [`HTTP/1.1 307 Temporary Redirect\r\nlocation: /b?sig=hunter2\r\ncontent-length: 0\r\n\r\n`];
  const error = await send(bodyOf(10).body).catch((e: unknown) => e as Error);
  expect(error).toMatchObject({ code: "REMOTE_REDIRECT", hint: expect.stringMatching(/give that one$/) });
  expect((error as Error).message).toMatch(/^Expected no redirect of what is sent .*\/b"$/);
  expect(server.asked).toHaveLength(1);
});

it("ends where nothing is taken, or nothing is answered", async () => {
  for (const bytes of [MANY, 10]) {
    const clock = startClock();
    steps = ["HOLD"];
    server.asked.length = 0;
    const { body } = bodyOf(bytes);
    const passing = setInterval(() => server.asked.length > 0 && clock.pass(60_000), 5);
    const work = request(`${server.origin}/a`, { method: "PUT", body, idleMs: 60_000, clock });
    await expect(work).rejects.toThrow(/^Expected an answer of .* got none for 60 s$/);
    clearInterval(passing);
  }
});

it("is worth another attempt when it was cut, which sends all of it anew", async () => {
  const { body, taken } = bodyOf(200_000);
  let attempt = 0;
  const answer = await retrying(
    async () => {
      steps = attempt++ === 0 ? ["RESET"] : [OK];
      return await send(body);
    },
    { waitMs: 0 },
  );
  expect([await wholePage(answer), attempt, taken()]).toEqual(["ok", 2, 200_000]);
  steps = ["RESET"];
  await expect(send(body)).rejects.toThrow(Transient);
});

it("ends with the fault of what is to be sent", async () => {
  const body: Outgoing = {
    sizeBytes: 10,
    // biome-ignore lint/correctness/useYield: it fails before
    async *chunks() {
      throw new Error("gone");
    },
  };
  steps = ["HOLD"];
  await expect(send(body)).rejects.toThrow("gone");
});
