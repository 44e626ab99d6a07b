// Settings as texts: nothing of a place, and what an architecture lacks as a dash.
import { expect, it } from "vitest";
import { axesOf } from "./axes.ts";
import { parseTrainConfig } from "./config.ts";

it("are texts by setting, those of the tag by their letters", () => {
  const { seed: _, ...config } = parseTrainConfig({
    arch: "umcc",
    tag: "test_efficientnet.r160_in1k_F1_An_Lf_Z0",
    data: ["pairs:/home/somebody/data/pairs", "utkface:C:\\faces"],
    modality: "hand",
    weights: "/home/somebody/w.safetensors",
    pixels: "raw",
    padding: "same",
    lr: 0.01,
  });
  const axes = axesOf(config);
  expect(axes).toMatchObject({
    data: "pairs+faces",
    ...{ modality: "hand", backbone: "test_efficientnet.r160_in1k", arch: "umcc", weights: "w.safetensors" },
    ...{ F: "1", A: "n", L: "f", Z: "0", gating: "-", lr: "0.01" },
  });
  expect(JSON.stringify(axes)).not.toContain("somebody");
});

it("say of a gated network that it has no flag, and of one without modality that it has both", () => {
  const tag = "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft";
  const { seed: _, ...config } = parseTrainConfig({ arch: "mag", tag, data: ["pairs:d"] });
  expect(axesOf(config)).toMatchObject({ F: "-", gating: "soft", modality: "both" });
});
