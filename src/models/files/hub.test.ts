import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startClock } from "../../../test/clock.ts";
import { type Hub, hashOf, startHub, status, type Trick } from "../../../test/hub.ts";
import type { AppError } from "../../core/errors.ts";
import { encodeSafetensors } from "../../formats/safetensors.ts";
import { float32Tensor } from "../../formats/tensor.ts";
import { fetchPretrained, type HubOptions, weightsFile } from "./hub.ts";

const NAME = "tf_efficientnetv2_s.in1k";
const BASE = `/timm/${NAME}/resolve/main`;
const WEIGHTS = encodeSafetensors([float32Tensor("bn1.weight", [2], new Float32Array([1, 2]))]);
const CONFIG = {
  architecture: "tf_efficientnetv2_s",
  num_classes: 1000,
  pretrained_cfg: {
    tag: "in1k",
    input_size: [3, 300, 300],
    interpolation: "bicubic",
    crop_pct: 1,
    crop_mode: "center",
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.25, 0.5],
  },
};
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

let hub: Hub;
let dir = "";
beforeEach(async () => {
  hub = await startHub();
  hub.files.set(`${BASE}/model.safetensors`, WEIGHTS);
  hub.files.set(`${BASE}/config.json`, json(CONFIG));
  dir = await mkdtemp(join(tmpdir(), "facehand-hub-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(dir, { recursive: true });
});

const get = (options: HubOptions = {}, name = NAME) =>
  fetchPretrained(name, { dir, endpoint: hub.endpoint, waitMs: 1, ...options });

describe("fetchPretrained", () => {
  it("brings weights, their hash and their recipe", async () => {
    const weights = join(dir, "model.safetensors");
    expect(await get()).toEqual({
      name: NAME,
      weights,
      sizeBytes: WEIGHTS.byteLength,
      sha256: hashOf(WEIGHTS),
      commit: "0123456789abcdef",
      config: {
        sizePx: 300,
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.25, 0.5],
        interpolation: "bicubic",
        cropPct: 1,
        cropMode: "center",
      },
    });
    expect((await readdir(dir)).sort()).toEqual(["config.json", "model.safetensors", "source.json"]);
  });

  it("asks nobody the second time, nor offline", async () => {
    const first = await get();
    await hub.close();
    expect(await get()).toEqual(first);
    expect(await get({ offline: true })).toEqual(first);
    expect(await weightsFile("own.pt")).toBe("own.pt");
    expect(await weightsFile(`timm:${NAME}`, { dir })).toBe(first.weights);
    hub = await startHub();
  });

  it("fetches a damaged file again, and only that: offline it is missing", async () => {
    const { weights } = await get();
    await writeFile(
      weights,
      WEIGHTS.map((b) => b ^ 1),
    );
    const missing = get({ offline: true });
    await expect(missing).rejects.toMatchObject({
      code: "FILE_MISSING",
      hint: `fetch them first: facehand model fetch ${NAME}`,
    });
    expect((await get()).sha256).toBe(hashOf(WEIGHTS));
  });

  it("honours HF_ENDPOINT, HF_TOKEN and the user's cache folder", async () => {
    hub.token = "secret";
    await expect(get()).rejects.toMatchObject({ kind: "remote", code: "REMOTE_DENIED" });
    vi.stubEnv("HF_ENDPOINT", `${hub.endpoint}/`);
    vi.stubEnv("HF_TOKEN", "secret");
    vi.stubEnv("XDG_CACHE_HOME", dir);
    const { weights } = await fetchPretrained(NAME);
    expect(weights).toBe(join(dir, "facehand", "models", NAME, "model.safetensors"));
    const authorized = hub.seen.filter(({ authorization }) => authorization === "Bearer secret");
    expect(new Set(authorized.map(({ server }) => server))).toEqual(new Set(["hub"]));
  });

  it("prints no token, and takes none out of an address", async () => {
    const refused = async (options: HubOptions) => {
      const error = await get(options).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: "input" });
      expect((error as AppError).describe()).not.toContain("hunter2");
      return (error as AppError).describe();
    };
    expect(await refused({ token: "hunter2\n" })).toMatch(
      /^Expected a token without blanks and line ends for HF_TOKEN/,
    );
    expect(await refused({ endpoint: "https://me:hunter2@host" })).toMatch(
      /Try: give the token as HF_TOKEN$/,
    );
    expect(await refused({ endpoint: "https://host?token=hunter2" })).toMatch(
      /^Expected an address without a query/,
    );
    expect(await refused({ endpoint: "ftp://me:hunter2@host" })).toMatch(
      /^Expected an address that begins with/,
    );
    expect(hub.seen).toEqual([]);
  });

  it("ends where the hub never answers", async () => {
    const clock = startClock();
    const silent: Trick = () => {
      setImmediate(() => clock.pass(60_000));
      return true;
    };
    hub.hubTricks.push(silent, silent);
    await expect(get({ clock, retries: 1, waitMs: 0 })).rejects.toMatchObject({ code: "REMOTE_UNREACHABLE" });
  });

  it("continues after cuts and a busy hub", async () => {
    hub.cutAfter = 50;
    hub.hubTricks.push(status(429, { "retry-after": "0" }));
    expect((await get()).sha256).toBe(hashOf(WEIGHTS));
  });

  it("refuses what is not what the hub named", async () => {
    const other = WEIGHTS.map((b) => b ^ 1);
    const send = (body: Uint8Array) =>
      hub.tricks.push((_request, response) => {
        response.writeHead(200, { "content-length": body.byteLength }).end(body);
        return true;
      });
    send(other);
    await expect(get()).rejects.toMatchObject({ code: "REMOTE_CHECKSUM" });
    send(other.subarray(1));
    await expect(get()).rejects.toMatchObject({ code: "REMOTE_LENGTH" });
    hub.tricks.push(status(200, { "content-type": "text/html" }, "<html>"));
    await expect(get()).rejects.toMatchObject({ code: "REMOTE_HTML" });
    expect(existsSync(join(dir, "model.safetensors"))).toBe(false);
  });

  it("reads the file where the hub names no hash", async () => {
    hub.hubTricks.push(status(200));
    hub.files.set(`${BASE}/model.safetensors`, new TextEncoder().encode("no weights at all"));
    await expect(get()).rejects.toMatchObject({ code: "SAFETENSORS_HEADER" });
    expect(existsSync(join(dir, "model.safetensors"))).toBe(false);
  });

  it("refuses another network's config, and a folder of another model", async () => {
    hub.files.set(`${BASE}/config.json`, json({ ...CONFIG, architecture: "resnet18" }));
    await expect(get()).rejects.toThrow(
      'Expected tf_efficientnetv2_s on square images for the hub\'s config, got "resnet18 on 300 x 300 px"',
    );
    hub.files.set(`${BASE}/config.json`, json({ architecture: "x" }));
    await rm(join(dir, "source.json"));
    await expect(get()).rejects.toMatchObject({ code: "JSON_SCHEMA" });
    await expect(get({}, "tf_efficientnetv2_s.in21k")).rejects.toMatchObject({
      kind: "input",
      code: "PRETRAINED",
    });
  });

  it("refuses names that cannot be, and addresses", async () => {
    await expect(get({}, "tf_efficientnetv2_s")).rejects.toMatchObject({
      code: "PRETRAINED",
      hint: "tf_efficientnetv2_s.in21k_ft_in1k, tf_efficientnetv2_s.in1k, tf_efficientnetv2_s.in21k",
    });
    await expect(get({}, "tf_efficientnetv2_x.in1k")).rejects.toMatchObject({ code: "BACKBONE" });
    await expect(get({}, "../../x")).rejects.toMatchObject({ code: "BACKBONE" });
    await expect(get({}, "tf_efficientnetv2_m.in1k")).rejects.toMatchObject({ code: "REMOTE_NOT_FOUND" });
    await expect(get({ endpoint: "hub" })).rejects.toMatchObject({ kind: "input", code: "ADDRESS" });
  });
});
