// Figures are parsed, not compared with pictures: axes with labels, the right number of marks, nothing outside.
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { inventedLog, inventedPredictions } from "../../test/run-fixture.ts";
import { reliabilityBins } from "../evaluate/metrics/calibration.ts";
import { metricsByGroup } from "../evaluate/metrics/groups.ts";
import { decodeImage } from "../pixels/image.ts";
import { accuracyCurves, lossCurves } from "./curves.ts";
import { groupDots, probabilityHistogram, reliabilityDiagram, rocCurve, svgToPng } from "./figures.ts";
import { drawFigure } from "./frame.ts";

const rows = inventedPredictions(60);
const scored = rows.map((row) => ({ ...row, target: row.target! }));
const log = inventedLog(5);

/** The drawing as a document, with what tests ask for. */
function parse(svg: string) {
  const { document } = parseHTML(`<html><body>${svg}</body></html>`);
  const root = document.querySelector("svg")!;
  const all = (selector: string) => [...root.querySelectorAll(selector)];
  const texts = all("text").map((text) => text.textContent);
  return { root, all, texts, marks: (label: string, tag: string) => all(`[aria-label="${label}"] ${tag}`) };
}

const byModality = (modality: "hand" | "face") => rows.filter((row) => row.modality === modality);

describe("every figure", () => {
  const figures = {
    lossCurves: lossCurves(log),
    accuracyCurves: accuracyCurves(log),
    probabilityHistogram: probabilityHistogram(rows),
    reliabilityDiagram: reliabilityDiagram(rows),
    rocCurve: rocCurve(rows),
    groupDots: groupDots(metricsByGroup(scored, ["age", "modality"])),
  };
  for (const [name, svg] of Object.entries(figures)) {
    it(`${name} has a title, a labelled x axis, ticks, and needs nothing else`, () => {
      const { root, all, texts } = parse(svg);
      expect(root.getAttribute("aria-label")).toBe(texts[0]);
      expect(all('[aria-label="x-axis label"] text')).toHaveLength(1);
      expect(all('[aria-label="x-axis tick label"] text').length).toBeGreaterThan(1);
      expect(svg.replaceAll("http://www.w3.org/", "")).not.toMatch(/https?:|url\(|<script|<image/);
      expect(svg).not.toMatch(/NaN|undefined|null/);
    });

    it(`${name} becomes a PNG with something drawn in every quarter`, async () => {
      const { width, height, data } = await decodeImage(await svgToPng(svg, 460));
      expect(width).toBe(460);
      const dark = [0, 0, 0, 0];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          if (data[3 * (y * width + x)]! < 200)
            dark[2 * Math.floor((2 * y) / height) + Math.floor((2 * x) / width)]! += 1;
        }
      }
      for (const count of dark) expect(count).toBeGreaterThan(50);
    });
  }
});

describe("curves by epoch", () => {
  it("draw a line and a dot an epoch for each series", () => {
    const { marks, texts } = parse(lossCurves(log));
    expect(marks("line", "path")).toHaveLength(3);
    expect(marks("dot", "circle")).toHaveLength(15);
    expect(texts).toContain("↑ loss, nats an image");
    expect(texts).toContain("epoch →");
  });

  it("leave out figures that are not defined, and ring the epoch that was kept", () => {
    const { marks, texts } = parse(accuracyCurves(log));
    expect(marks("line", "path")).toHaveLength(1);
    const circles = marks("dot", "circle");
    expect(circles).toHaveLength(5 + 1);
    expect(circles.at(-1)!.getAttribute("cx")).toBe(circles[3]!.getAttribute("cx"));
    expect(texts).not.toContain("validation, face");
  });

  it("show a single epoch", () => {
    expect(parse(lossCurves(inventedLog(1))).marks("dot", "circle")).toHaveLength(3);
  });
});

describe("figures of predictions", () => {
  it("histogram: bars of both labels add up to the images", () => {
    const { marks, texts } = parse(probabilityHistogram(rows));
    const bars = marks("rect", "rect");
    const [first] = bars.map((bar) => Number(bar.getAttribute("height"))).sort((a, b) => a - b);
    const images = bars.reduce((sum, bar) => sum + Number(bar.getAttribute("height")) / first!, 0);
    expect(images).toBeCloseTo(rows.length, 6); // the smallest bar is one image
    expect(texts).toEqual(
      expect.arrayContaining(["recorded female", "recorded male", "hand", "face", "↑ images"]),
    );
  });

  it("reliability: one dot a bin that has images", () => {
    const bins = (["hand", "face"] as const).flatMap((modality) => {
      const own = byModality(modality);
      return reliabilityBins(
        own.map(({ target }) => target!),
        own.map(({ probability }) => probability),
        "equal-width",
      );
    });
    const { marks } = parse(reliabilityDiagram(rows));
    expect(marks("dot", "circle")).toHaveLength(bins.length);
  });

  it("ROC: one curve a modality with both labels, its area beside the name", () => {
    const { marks, texts } = parse(rocCurve(rows));
    expect(marks("line", "path")).toHaveLength(3); // with the diagonal
    expect(texts.some((text) => /^hand, area 0\.\d{3}$/.test(text ?? ""))).toBe(true);
    const females = rows.filter(({ target, modality }) => target === 0 || modality === "hand");
    expect(parse(rocCurve(females)).marks("line", "path")).toHaveLength(2);
  });

  it("leave out images without a recorded label", () => {
    const none = rows.map((row) => ({ ...row, target: row.modality === "face" ? null : row.target }));
    expect(parse(rocCurve(none)).marks("line", "path")).toHaveLength(2);
  });

  it("groups: two dots each with counts beside; none where subjects are too few", () => {
    const { marks, texts } = parse(groupDots(metricsByGroup(scored, ["age", "modality"])));
    expect(marks("dot", "circle")).toHaveLength(4); // 20-29: face and hand; 70+ has 6 subjects
    const labels = texts.join("|");
    expect(labels).toContain("54 images, 54 subjects");
    expect(labels).toContain("6 images, 6 subjects");
    expect(texts.filter((text) => text === "too few subjects: female")).toHaveLength(2); // no males there
  });
});

describe("drawFigure", () => {
  const spec = { title: `a < b & "c"`, plot: { x: { domain: [0, 1], label: "x" }, marks: [] } };

  it("escapes titles and legends", () => {
    const svg = drawFigure({ ...spec, legend: [{ label: "<i>", color: "#000", shape: "line" }] });
    expect(svg).toContain("a &lt; b &amp; &quot;c&quot;");
    expect(svg).toContain("&lt;i&gt;");
    expect(svg).not.toContain("<i>");
  });

  it("breaks a long legend into rows and grows by them", () => {
    const entry = { label: "a rather long name of a series", color: "#000", shape: "dot" } as const;
    const heights = [1, 4].map((n) =>
      Number(parse(drawFigure({ ...spec, legend: Array(n).fill(entry) })).root.getAttribute("height")),
    );
    expect(heights[1]! - heights[0]!).toBe(3 * 22);
  });
});
