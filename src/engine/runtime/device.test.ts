import { expect, test } from "vitest";
import { chooseDevice, type DeviceSource, probeDevice } from "./device.ts";
import { createSession } from "./open-session.ts";
import { listBackends, runtimeVersion } from "./ort-node.ts";
import { type Session, Tensor } from "./session.ts";

const session = (values: readonly number[]): Session => ({
  inputNames: ["x"],
  outputNames: ["y"],
  run: async () => ({ y: new Tensor("float32", Float32Array.from(values), [1, 4]) }),
  release: async () => undefined,
});
const good = session([0, 0, 2.5, 0]);
const source = (names: readonly string[], open: DeviceSource["open"] = async () => good): DeviceSource => ({
  backends: () => names.map((name) => ({ name: name.replace("-", ""), installed: !name.startsWith("-") })),
  open,
});

test("the CPU always runs, and the installed binding lists it", async () => {
  expect(await chooseDevice("cpu", source([]))).toBe("cpu");
  expect(listBackends()).toContainEqual({ name: "cpu", installed: true });
  expect(runtimeVersion()).toMatch(/^\d+\.\d+\.\d+/);
});

test("a device that the binding does not have is refused with those that it has", async () => {
  await expect(chooseDevice("coreml", source(["cpu", "cuda", "tensorrt"]))).rejects.toMatchObject({
    kind: "input",
    code: "DEVICE",
    message: expect.stringMatching(
      /^Expected a device that runs here for --device, got "coreml" \(ONNX Runtime for \S+ offers cpu, cuda\)$/,
    ),
    hint: "use --device cpu",
  });
});

test("CUDA without its libraries is refused with the command that installs them", async () => {
  await expect(chooseDevice("cuda", source(["cpu", "-cuda"]))).rejects.toMatchObject({
    message: expect.stringContaining("the libraries of cuda are not installed"),
    hint: expect.stringMatching(
      /^node node_modules\/onnxruntime-node\/script\/install\.js \(needs CUDA 12 and cuDNN 9\)$/,
    ),
  });
});

test("a listed device without an adapter, or with wrong results, is refused with the reason", async () => {
  const open = async () => {
    throw new Error("webgpu_context.cc:136 status was false. Failed to get a WebGPU adapter");
  };
  await expect(chooseDevice("webgpu", source(["cpu", "webgpu"], open))).rejects.toMatchObject({
    message: expect.stringContaining("(Failed to get a WebGPU adapter)"),
    hint: "check the driver of the webgpu device, or use --device cpu",
  });
  const wrong = await probeDevice(
    "webgpu",
    source(["webgpu"], async () => session([0, 0, 0, 0])),
  );
  expect(wrong).toMatchObject({ runs: false, reason: "wrong results 0,0,0,0" });
});

test("auto takes the first that runs, else the CPU", async () => {
  expect(await chooseDevice("auto", source(["cpu", "webgpu", "cuda"]))).toBe("cuda");
  expect(await chooseDevice("auto", source(["cpu", "webgpu", "-cuda"]))).toBe("webgpu");
  expect(await chooseDevice("auto", source(["cpu", "-cuda"]))).toBe("cpu");
});

test("a session never falls back to the CPU in silence", async () => {
  await expect(createSession(new Uint8Array(), { providers: ["abacus", "cpu"] })).rejects.toMatchObject({
    kind: "input",
    code: "DEVICE",
    message: expect.stringMatching(/^Expected .*cpu.* for the provider, got "abacus"$/),
  });
});
