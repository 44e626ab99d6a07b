// Plans: what a cell's hash depends on, what the command line overrides, and what is refused before anything runs.
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { drawFaces, drawPairs } from "../../../test/drawn.ts";
import { type Hub, startHub } from "../../../test/hub.ts";
import { openData } from "../../train/data.ts";
import { parseStudyFile } from "./file.ts";
import { measureCells } from "./measure.ts";
import { type Overrides, planStudy } from "./plan.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-plan-"));
  await drawPairs(at("pairs"), { train: 8, val: 4, test: 4 });
  await drawFaces(at("faces"), 10);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const at = (name: string) => join(root, name);

function plan(more: object = {}, overrides: Overrides = {}) {
  const file = {
    name: "small",
    backbones: { "test_efficientnet.none": { imageSize: 32 } },
    train: { epochs: 2, batch: 4 },
    data: [`pairs:${at("pairs")}`],
    ...more,
  };
  return planStudy(parseStudyFile(JSON.stringify(file), "small.json"), overrides);
}
const hashes = async (...given: Parameters<typeof plan>) =>
  (await plan(...given)).cells.map(({ hash }) => hash);

describe("a cell's hash", () => {
  it("does not depend on seeds, other cells, or where its data lies", async () => {
    const [hash] = await hashes();
    await cp(at("pairs"), at("moved"), { recursive: true });
    expect(await hashes({ data: { other: [`pairs:${at("moved")}`] } })).toEqual([hash]);
    expect(await hashes({ seeds: [7] })).toEqual([hash]);
    expect((await hashes({ grid: { L: ["f", "b"] } }))[1]).toBe(hash);
  });

  it("depends on settings, images, labels and the bytes of weights", async () => {
    const [hash] = await hashes();
    const weights = at("w.safetensors");
    await writeFile(weights, "one");
    const backbones = ["test_efficientnet.r160_in1k"];
    const [first] = await hashes({}, { backbones, settings: { weights } });
    await writeFile(weights, "two");
    const [second] = await hashes({}, { backbones, settings: { weights } });
    await cp(at("pairs"), at("relabelled"), { recursive: true });
    await drawPairs(at("relabelled"), { train: 8, val: 4, test: 2 });
    const others = [
      ...(await hashes({ train: { epochs: 3, batch: 4 } })),
      ...(await hashes({ grid: { modality: ["hand"] } })),
      ...(await hashes({ data: [`pairs:${at("relabelled")}`] })),
      first,
      second,
    ];
    expect(new Set([hash, ...others]).size).toBe(6);
  });
});

describe("weights on the disk", () => {
  const timm = "test_efficientnet.r160_in1k";
  const own = { backbones: { [timm]: { weights: `timm:${timm}`, imageSize: 32 } } };
  let hub: Hub;
  beforeAll(async () => {
    await writeFile(at("local.safetensors"), "one");
    hub = await startHub(); // it has nothing, and says so at once
    vi.stubEnv("HF_ENDPOINT", hub.endpoint);
    vi.stubEnv("XDG_CACHE_HOME", at("no cache"));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await hub.close();
  });

  it("need no hub in place of the file's, by the command line or as an axis", async () => {
    const weights = at("local.safetensors");
    const [byFlag] = (await plan(own, { settings: { weights } })).cells;
    const [byAxis] = (await plan({ ...own, grid: { weights: [weights] } })).cells;
    for (const cell of [byFlag, byAxis]) {
      expect(cell?.config).toMatchObject({ weights, pixels: "imagenet" });
    }
    expect(hub.seen).toEqual([]);
    await expect(plan(own)).rejects.toMatchObject({ kind: "remote" });
    expect(hub.seen.length).toBeGreaterThan(0);
  });
});

describe("the command line", () => {
  it("goes before the file, its backbones and its axes", async () => {
    const more = { grid: { lr: [0.1, 0.2], L: ["b"] }, train: { epochs: 2, batch: 4, lr: 0.5 } };
    const { cells, seeds } = await plan(more, { settings: { lr: 0.3, imageSize: 48 }, seeds: [5] });
    expect(cells.map(({ config }) => [config.lr, config.imageSize, config.epochs])).toEqual([[0.3, 48, 2]]);
    expect(seeds).toEqual([5]);
  });

  it("names sets to learn from and to test on", async () => {
    const faces = `utkface:${at("faces")}`;
    const settings = { val: 0.2, test: 0.2, batch: 2 };
    const evaluate = [
      { name: "on", data: "each" },
      { name: "off", data: "others" },
    ];
    const overrides = {
      data: [`a=pairs:${at("pairs")}`, `b=${faces}`],
      testData: [`c=pairs:${at("moved")}`],
      settings,
    };
    const { data, evaluations, cells } = await plan({ evaluate }, overrides);
    expect(Object.entries(data).map(([name, { train }]) => [name, train])).toEqual([
      ["a", true],
      ["b", true],
      ["c", false],
    ]);
    expect(cells.map((cell) => cell.axes["data"])).toEqual(["a", "b"]);
    const ids = new Map(cells.map(({ id, data: set }) => [id, set]));
    expect(evaluations.map(({ name, cells: own }) => [name, own.map((id) => ids.get(id))])).toEqual([
      ["on-a", ["a", "b"]],
      ["on-b", ["a", "b"]],
      ["on-c", ["a", "b"]],
      ["off-a", ["b"]],
      ["off-b", ["a"]],
      ["off-c", ["a", "b"]],
    ]);
  });
});

describe("what is refused", () => {
  const clash = { testData: { data: ["utkface:x"] } };
  it.each([
    ["a name twice", clash, {}, 'Expected a name that no set to learn from has for test data, got "data"'],
    [
      "a set without a name",
      {},
      { testData: ["utkface:x"] },
      'Expected NAME=SOURCE for --test-data, got "utkface:x"',
    ],
    [
      "an unknown set",
      { evaluate: [{ name: "q", data: "ech" }] },
      {},
      'Expected own, each, others or a set for data of evaluation q, got "ech"',
    ],
    [
      "no cell",
      { grid: { L: ["b", "f"] }, exclude: [{ L: "f", A: "f" }] },
      { only: { L: "f" } },
      'Expected L of a cell (b) for --only, got "f"',
    ],
    [
      "a comparison without pairs",
      {
        grid: { L: ["b", "f"], A: ["f", "n"] },
        exclude: [
          { L: "b", A: "f" },
          { L: "f", A: "n" },
        ],
        compare: [{ name: "q", a: { L: "f" }, b: { L: "b" } }],
      },
      {},
      'Expected two cells that differ in what it names, and in nothing else for comparison q, got "none"',
    ],
    [
      "giving another modality to networks that take none",
      { grid: { F: [0, 1] }, evaluate: [{ name: "q", told: "other" }] },
      {},
      'Expected cells that are given the modality for evaluation q with told: other, got "test_efficientnet.none_F0_Af_Lb_Z0"',
    ],
    [
      "the same to MAG",
      { grid: { arch: ["mag", "umcc"] }, evaluate: [{ name: "q", told: "other", only: { arch: "mag" } }] },
      {},
      'Expected cells that are given the modality for evaluation q with told: other, got "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft"',
    ],
    [
      "pretrained networks without their weights",
      { backbones: { "test_efficientnet.r160_in1k": null } },
      {},
      "Expected the pretrained weights that the tag names (test_efficientnet.r160_in1k) for --weights, got nothing",
    ],
    [
      "weights of networks that are named without pretraining",
      {},
      { settings: { weights: "w.safetensors" } },
      'Expected a tag that says what the weights were trained on for --tag with --weights, got "test_efficientnet.none_F1_Af_Lb_Z0"',
    ],
    [
      "weights that nothing is known of without their padding",
      { backbones: { "mobilenetv2_100.mine": { weights: "w.safetensors", pixels: "raw" } } },
      {},
      "Expected same or symmetric for --padding of mobilenetv2_100.mine, which timm's table here does not know, got nothing",
    ],
    [
      "too few images",
      { train: { batch: 64 } },
      {},
      "Expected 64 images to train on for cell test_efficientnet.none_F1_Af_Lb_Z0, got 16",
    ],
  ] as const)("%s", async (_, more, overrides, message) => {
    await expect(plan(more, overrides)).rejects.toMatchObject({ kind: "input", message });
  });

  it("splits of a set that no cell learnt from, which is evaluated whole", async () => {
    const testData = { more: [`utkface:${at("faces")}`] };
    const of = (splits: string[]) => plan({ testData, evaluate: [{ name: "q", data: "more", splits }] });
    await expect(of(["val"])).rejects.toMatchObject({
      kind: "input",
      message:
        'Expected all images of more, whose splits no cell was trained on, for evaluation q, got "val"',
    });
    expect((await of(["test"])).evaluations[0]).toMatchObject({ data: "more", splits: ["test"] });
  });

  it("a modality that the data lacks", async () => {
    const data = [`utkface:${at("faces")}`];
    const message = `Expected images of ${data[0]} for --modality hand, got "8 others in train"`;
    const base = {
      tag: "test_efficientnet.none_F1_Af_Lb_Z0",
      targets: undefined,
      data,
      splitSeed: 1,
      val: 0.2,
      test: 0,
    };
    await expect(openData({ ...base, modality: "hand" } as never)).rejects.toMatchObject({
      code: "NO_MODALITY",
      message,
    });
  });

  it("cells that cannot make a step, when they are measured", { timeout: 60_000 }, async () => {
    const backbones = ["test_efficientnet.r160_in1k"];
    const study = await plan({}, { backbones, settings: { weights: at("w.safetensors") } });
    await expect(measureCells(study)).rejects.toThrow(
      /^Expected some steps of test_efficientnet\.r160_in1k_F1_Af_Lb_Z0, got: /,
    );
  });
});
