// The benchmark's charts: where their points stand, and what is told apart.

import { expect, test } from "vitest";

import { type Chart, drawChart } from "../../bench/plots/chart.js";

const chart: Chart = {
  title: "Time & cost",
  description: "Lower is faster.",
  xLabel: "units",
  yLabel: "milliseconds",
  panels: [
    {
      title: "inference",
      lines: [
        { name: "ours", points: [[8, 0.1], [64, 1], [512, 10]] },
        { name: "limit", points: [[8, 0.1], [512, 1]], bound: true },
      ],
    },
    { title: "training", lines: [{ name: "ours", points: [[8, 1]] }, { name: "theirs", points: [[8, 100]] }] },
  ],
};

/** The path of each line, in order, as points. */
function paths(svg: string): [x: number, y: number][][] {
  const found = svg.matchAll(/class="line (\w+)" d="M([^"h]*)"/g);
  const pointsOf = (path = "") => path.split("L").map((point) => point.split(",").map(Number) as [number, number]);
  return [...found].map(([, , path]) => pointsOf(path));
}

test("equal factors are equal distances, on both axes", () => {
  const [first, middle, last] = paths(drawChart(chart))[0] ?? [];
  if (!first || !middle || !last) throw new Error("the first line has three points");
  expect(middle[0] - first[0]).toBeCloseTo(last[0] - middle[0], 1);
  expect(first[1] - middle[1]).toBeCloseTo(middle[1] - last[1], 1);
  expect(first[1]).toBeGreaterThan(last[1]); // slow is up
});

test("a line looks alike in every panel, and the bound has no points", () => {
  const svg = drawChart(chart);
  const [ours, limit, again, theirs] = [...svg.matchAll(/class="line (\w+)" d="M[^"h]*"/g)].map(([, colour]) => colour);
  expect(again).toBe(ours);
  expect(new Set([ours, limit, theirs]).size).toBe(3);
  expect(svg.match(/class="marker bound"/g)).toBeNull();
  // Three points and one of ours, one of theirs, and one of each in the legend.
  expect(svg.match(/class="marker/g)).toHaveLength(3 + 1 + 1 + 2);
});

test("it says what it shows, for those who do not see it too, as well-formed XML", () => {
  const svg = drawChart(chart);
  for (const words of ["Time &#38; cost", "Lower is faster.", ">units<", ">milliseconds<", ">inference<", ">limit<"]) {
    expect(svg).toContain(words);
  }
  const tags = [...svg.matchAll(/<(\/?)(\w+)/g)].map(([, closing, name]) => (closing ? -1 : 1) * (name ? 1 : 0));
  expect(tags.reduce((depth, tag) => depth + tag, 0)).toBe(0);
  expect(svg).toContain("prefers-color-scheme: dark");
});

test("more lines than it can tell apart are an error", () => {
  const lines = ["a", "b", "c", "d", "e"].map((name) => ({ name, points: [[1, 1]] as const }));
  expect(() => drawChart({ ...chart, panels: [{ title: "many", lines }] })).toThrow("4 lines");
});
