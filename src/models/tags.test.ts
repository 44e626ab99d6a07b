import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { LOSSES } from "./losses.ts";
import { GATINGS } from "./mag.ts";
import { AUGMENTS, formatTag, parseTag, type Tag } from "./tags.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const tags: fc.Arbitrary<Tag> = fc
  .record(
    {
      backbone: fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join("_")),
      pretrain: fc
        .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.constantFrom("_", "."))
        .map(([words, by]) => words.join(by)),
      flag: fc.boolean(),
      augment: fc.constantFrom(...AUGMENTS),
      loss: fc.constantFrom(...LOSSES),
      frozen: fc.nat(20),
      gating: fc.constantFrom(...GATINGS),
      seed: fc.nat(999_999_999),
    },
    { requiredKeys: ["backbone", "pretrain", "flag", "augment", "loss", "frozen"] },
  )
  .map((tag) => tag as Tag);

describe("tags", () => {
  it("print and parse both ways", () => {
    fc.assert(
      fc.property(tags, (tag) => {
        expect(parseTag(formatTag(tag))).toEqual(tag);
      }),
    );
  });

  it("read upstream's two published ones", () => {
    expect(parseTag("tf_efficientnetv2_s.in1k_F1_Af_Lf_Z0")).toEqual({
      backbone: "tf_efficientnetv2_s",
      pretrain: "in1k",
      flag: true,
      augment: "f",
      loss: "f",
      frozen: 0,
    });
    const mag = "tf_efficientnetv2_s.in1k_F0_Af_Lb_Z0_gating=soft_seed42";
    expect(parseTag(mag)).toMatchObject({ gating: "soft", seed: 42, flag: false });
    expect(formatTag(parseTag(mag))).toBe(mag);
  });

  it("keep a name whose own parts resemble a tag's", () => {
    const tag = "net_F1_Af.in1k_Lb_Z3_F0_An_Lw_Z2";
    expect(parseTag(tag)).toMatchObject({ backbone: "net_F1_Af", pretrain: "in1k_Lb_Z3", frozen: 2 });
  });

  it.each([
    ["net.in1k_F2_Af_Lb_Z0", 'Expected F0 or F1 for part flag of tag net.in1k_F2_Af_Lb_Z0, got "F2"'],
    ["net.in1k_F0_Ax_Lb_Z0", "Expected Af or An for part augment"],
    ["net.in1k_F0_Af_Lq_Z0", "Expected Lb, Lf or Lw for part loss"],
    ["net.in1k_F0_Af_Lb_Z", "Expected Z and a number for part frozen"],
    ["net.in1k_F0_Af_Lb_Z00", "Expected Z and a number for part frozen"],
    ["net.in1k_F0_Af_Lb_Z0_gating=firm", "Expected gating=soft or gating=hard for part gating"],
    ["net.in1k_F0_Af_Lb_Z0_seed-1", "Expected seed and a number for part seed"],
    ["net_F0_Af_Lb_Z0", "Expected <backbone>.<pretrain>, letters, digits and _ for part network"],
    ["_F0_Af_Lb_Z0", "for part network of tag _F0_Af_Lb_Z0, got nothing"],
    ["", "for part flag of tag , got nothing"],
  ])("refuse %j and name the part", (tag, message) => {
    expect(() => parseTag(tag)).toThrow(AppError);
    expect(() => parseTag(tag)).toThrow(message);
  });

  it("refuse to print what they could not read", () => {
    expect(() => formatTag({ ...parseTag("net.in1k_F0_Af_Lb_Z0"), frozen: -1 })).toThrow("part frozen");
  });
});
