// `facehand model list`: sizes against those that timm and torchvision publish for their networks without a head.
import { expect, it } from "vitest";
import { BACKBONE_NAMES } from "../../src/models/backbones/registry.ts";
import { runCli } from "./run.ts";

const list = async (...argv: readonly string[]) => {
  const { code, stdout, stderr } = await runCli("model", "list", ...argv);
  expect(code, stderr).toBe(0);
  return stdout;
};

it("lists every network in 100 columns", async () => {
  const lines = (await list()).split("\n");
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  const names = lines.slice(1, BACKBONE_NAMES.length + 1).map((line) => line.split(" ")[0]);
  expect(names).toEqual(BACKBONE_NAMES);
});

// Whole networks less their heads of 1,000 classes: 11,689,512 - 513,000; 25,557,032 - 2,049,000; 3,504,872 - 1,281,000.
it.each([
  ["resnet18", 11_176_512],
  ["resnet50", 23_508_032],
  ["mobilenetv2_100", 2_223_872],
])("%s has %i parameters", async (name, parameters) => {
  const [found, ...more] = JSON.parse(await list(name, "--json"));
  expect([found.name, found.parameters, more]).toEqual([name, parameters, []]);
});

it("counts running statistics among the bytes", async () => {
  const [{ parameters, bytes }] = JSON.parse(await list("resnet18", "--json"));
  expect(bytes).toBe((parameters + 9_600) * 4); // torchvision: 9,620 buffers, 20 of them counters of batches
});

it("takes part of a name, or a pattern, and lists the weights of few", async () => {
  const names = async (pattern: string) =>
    JSON.parse(await list(pattern, "--json")).map(({ name }: { name: string }) => name);
  expect(await names("RESNET")).toEqual(BACKBONE_NAMES.filter((name) => name.includes("resnet")));
  expect(await names("tf_*_s")).toEqual(["tf_efficientnetv2_s"]);
  expect(await list("mobilenetv2_100")).toMatch(/^mobilenetv2_100\.ra_in1k +224 +imagenet +bicubic$/m);
  expect(await list("mobilenetv2_100")).toContain("--weights timm:mobilenetv2_100.ra_in1k");
});

it("names the nearest where nothing matches", async () => {
  const { code, stdout, stderr } = await runCli("model", "list", "resnte18");
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(
    'Expected part of a network\'s name for the pattern, got "resnte18"\nTry: resnet18\nUsage: facehand model list --help\n',
  );
});
