import { describe, expect, it } from "vitest";
import { markdownCell, markdownCode, markdownText, markdownUrl } from "./markdown-text.ts";

describe("markdownText", () => {
  it.each([
    ["<script>alert(1)</script>", "\\<script>alert(1)\\</script>"],
    ["<!-- hidden", "\\<!-- hidden"],
    ["&lt;b&gt; &#60; A & B", "\\&lt;b\\&gt; \\&#60; A & B"],
    ["[click](https://x.example)", "\\[click\\](https\\://x.example)"],
    ["a [b][c]", "a [b\\][c]"],
    ["[c]: javascript:alert(1)", "\\[c]: javascript:alert(1)"],
    ["![x](y)", "\\![x\\](y)"],
    ["see www.x.example or mailto:a@b", "see www\\.x.example or mailto\\:a@b"],
    ["**bold** _it_ `code` ~~no~~ $x$", "\\*\\*bold\\*\\* \\_it\\_ \\`code\\` \\~\\~no\\~\\~ \\$x\\$"],
    ["# Heading", "\\# Heading"],
    ["- item", "\\- item"],
    ["* item", "\\* item"],
    ["> quotation", "\\> quotation"],
    ["1. first", "1\\. first"],
    ["---", "\\---"],
    ["first\n\n# second\r\n| a |", "first # second | a |"],
    ["back\\slash", "back\\\\slash"],
    ["a\u202eb\u001b[31m", "a\\u202eb\\u001b[31m".replaceAll("\\u", "\\\\u")],
  ])("shows %j as it is", (text, expected) => expect(markdownText(text)).toBe(expected));

  it.each([
    "Faces of UTKFace and hands of 11K Hands, F x L x gating on mobilenetv2_100 at 96 px.",
    "By race x age: faces of utkface, umcc test_efficientnet.none_F0_Af_Lb_Z0_gating=soft, seed 42, split test",
    "Intervals: 95 % percentile; [?, ?]: the draws cannot tell (p < .001). *: of under 20 subjects.",
    "Images with the smallest |p - .5| left out; sigmoid(logit / T).",
  ])("leaves %s alone", (text) => expect(markdownText(text)).toBe(text));
});

describe("in their places", () => {
  it("a cell stays a cell", () => {
    expect(markdownCell("a|b\n<i>[x](https://y)")).toBe("a\\|b \\<i\\>\\[x\\](https\\://y)");
    expect(markdownCell("-0.021 [-0.030, 0.012]")).toBe("-0.021 \\[-0.030, 0.012\\]");
  });

  it("code stays code", () => {
    expect(markdownCode("umcc_F1")).toBe("`umcc_F1`");
    expect(markdownCode("a`` <b>` c")).toBe("``` a`` <b>` c ```");
  });

  it("an address stays one address", () => {
    expect(markdownUrl("https://x.example/a_b?c=d")).toBe("https://x.example/a_b?c=d");
    expect(markdownUrl("https://x/)[a](<b>`|")).toBe("https://x/%29%5Ba%5D%28%3Cb%3E%60%7C");
  });
});
