import { describe, expect, it } from "vitest";
import { AppError, show, unexpected } from "./errors.ts";
import { withoutSecrets } from "./secrets.ts";

describe("withoutSecrets", () => {
  it.each([
    ["https://me:hunter2@host/a.zip", "https://host/a.zip"],
    ["https://hunter2@host:8080/a.zip", "https://host:8080/a.zip"],
    ["https://me:hun@ter2@host/a", "https://host/a"],
    ["https://me:hun/ter2@host/a", "https://host/a"],
    ["https://me:hunt er2@host/a", "https://host/a"],
    ["//me:hunter2@host/a", "//host/a"],
    ["me:hunter2@host/a", "…@host/a"],
    ["see https://host/a?sig=hunter2&x=1#frag, then", "see https://host/a?… then"],
    ["at https://host/a?X-Amz-Signature=hunter2 and https://b/c", "at https://host/a?… and https://b/c"],
    ["https://host/#access_token=hunter2", "https://host/#…"],
    ["access_token=hunter2&b=1", "access_token=…&b=1"],
    ["X-Amz-Signature=hunter2", "X-Amz-Signature=…"],
    ["Authorization: Bearer hunter2", "Authorization: …"],
    ['"authorization":"Basic hunter2=="', '"authorization":"…"'],
    ["got Bearer hunter2hunter2", "got Bearer …"],
    ["hf_hunter2hunter2hunter2", "hf_…"],
  ])("%s", (text, wanted) => {
    expect(withoutSecrets(text)).toBe(wanted);
  });

  it.each([
    "Expected a file at https://host:80/a/b.zip, got 404 Not Found",
    "https://host/@scope/name",
    "git@host:x/y",
    "Expected 7 for --rule, got blur=8",
    "the key is missing: write to a@b.example",
    "a//b",
    "tf_efficientnetv2_s.in1k_F0_Af_Lb_Z0_gating=soft_seed42.pt",
  ])("leaves %s as it is", (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it("stands before every message is cut short", () => {
    const secret = `https://me:${"hunter2".repeat(20)}@host/x?token=hunter2`;
    expect(show(secret, 40)).toBe('"https://host/x?…"');
    expect(show(new Error(`Invalid URL: ${secret}`))).toBe("Invalid URL: https://host/x?…");
    expect(show({ url: secret })).toBe('{"url":"https://host/x?…"}');
    const error = unexpected("input", { code: "X", expected: secret, name: "y", got: secret, hint: secret });
    expect(error.describe()).not.toContain("hunter2");
    expect(new AppError("remote", "X", `Expected ${secret}`).message).toBe("Expected https://host/x?…");
  });

  it("takes time that grows with the text, and no faster", () => {
    for (const text of ["a", "a:", "@", "//", "a//", "token=", "authorization:", "?#"]) {
      expect(withoutSecrets(text.repeat(1_000_000)).length).toBeLessThan(100_000);
    }
  });
});
