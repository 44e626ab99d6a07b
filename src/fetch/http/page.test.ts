// The beginning of an answer that states why there is no file.
import { expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { pageText } from "./http.ts";
import { Transient } from "./retry.ts";

const MIB = 1 << 20;

function answer(parts: readonly (number | Error)[]) {
  const seen = { cancelled: 0, given: 0 };
  async function* chunks() {
    for (const part of parts) {
      if (part instanceof Error) throw part;
      seen.given++;
      yield new Uint8Array(part).fill(65);
    }
  }
  return { seen, chunks, cancel: () => void seen.cancelled++ };
}

it("is read as far as it can state a reason, and no further", async () => {
  const long = answer([MIB, 1, 1]);
  expect((await pageText(long)).length).toBe(MIB + 1);
  expect(long.seen).toEqual({ cancelled: 1, given: 2 });
});

it("is what came where it breaks off, and any other fault is one", async () => {
  expect(await pageText(answer([3, new Transient(new AppError("remote", "REMOTE_CUT", "cut"))]))).toBe("AAA");
  await expect(pageText(answer([3, new Error("ours")]))).rejects.toThrow("ours");
});
