import { afterEach, expect, it, vi } from "vitest";
import { sha256Hex } from "./sha256.ts";

afterEach(() => vi.unstubAllGlobals());

it("hashes text and bytes, also those of a part of a memory", async () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(await sha256Hex("abc")).toBe(abc);
  expect(await sha256Hex(new TextEncoder().encode("xabcx").subarray(1, 4))).toBe(abc);
});

it("is refused where the browser hashes nothing", async () => {
  vi.stubGlobal("crypto", {});
  await expect(sha256Hex("abc")).rejects.toMatchObject({ kind: "input", code: "INSECURE_CONTEXT" });
});
