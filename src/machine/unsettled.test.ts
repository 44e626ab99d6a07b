import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { codeArgs, moduleOf } from "../../test/process.ts";
import { UNSETTLED } from "./unsettled.ts";

/** As bin/facehand.js runs a verb. */
function left(work: string) {
  const code = `const { watchUnsettled } = await import(${moduleOf("machine/unsettled.ts")});
    const done = watchUnsettled((text) => process.stderr.write(text));
    process.exitCode = await (${work}).finally(done);`;
  const { status, stderr } = spawnSync(process.execPath, codeArgs(code), { encoding: "utf8" });
  return { status, stderr };
}

describe("a verb that nothing can end", () => {
  it("ends as an internal fault, and reports it", () => {
    expect(left("new Promise(() => {})")).toEqual({ status: 70, stderr: UNSETTLED });
  });

  it("is not one that ends", () => {
    expect(left("new Promise((resolve) => setTimeout(resolve, 5, 4))")).toEqual({ status: 4, stderr: "" });
  });
});
