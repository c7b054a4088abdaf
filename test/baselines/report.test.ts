// Reports as pages: whole, by themselves, with words for those who do not see the pictures, and drawn by a real browser.

import { type Comparison, compare, toHtml } from "gatewise/baselines";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { launchChromium } from "../browser/chromium.js";
import { passengers, waves } from "./support.js";

let browser: Browser;
let classes: Comparison;
let forecasts: Comparison;

beforeAll(async () => {
  browser = await launchChromium();
  const network = { kind: "lstm", layers: [{ cell: "lstm", units: 4 }], training: { epochs: 5 } } as const;
  classes = await compare({
    task: "classification",
    title: 'Waves <b>&"fast"',
    train: waves(30),
    validation: waves(8, 0.2),
    test: waves(21, 0.4),
    entrants: [network, "logistic", "1nn-dtw"],
    seeds: [1, 2],
  });
  const series = passengers();
  forecasts = await compare({
    task: "forecasting",
    series,
    times: Float64Array.from(series, (_, t) => Date.UTC(1949, t)),
    horizon: 12,
    season: 12,
    transform: "log",
    entrants: ["sarima", { kind: "gru", training: { epochs: 5 } }, "seasonal-naive", "naive", "drift", "mean", "arima", "auto-arima", { kind: "rnn", training: { epochs: 2 } }, { kind: "naive", name: "tenth" }],
    seeds: [1, 2],
  });
});
afterAll(() => browser.close());

test("a page loads nothing, runs nothing, and lets no text become markup", async () => {
  for (const comparison of [classes, forecasts]) {
    const page = await toHtml(comparison);
    // Not the page itself, which is long, in what a failure prints.
    expect(/<script|<link|<img|src=|href=|@import|url\(/.exec(page)?.[0]).toBeUndefined();
    expect(/<b>|NaN|undefined|\[object/.exec(page)?.[0]).toBeUndefined();
  }
  expect((await toHtml(classes)).includes("Waves &lt;b&gt;&amp;&quot;fast&quot;")).toBe(true);
});

test("it can be made again from the comparison's JSON", async () => {
  for (const comparison of [classes, forecasts]) {
    const again = await toHtml(JSON.parse(JSON.stringify(comparison)) as Comparison);
    expect(again === (await toHtml(comparison))).toBe(true);
  }
});

test("every picture has a name and a description with figures", async () => {
  const pictures = [...(await toHtml(classes)).matchAll(/<svg [^>]*role="img"[^>]*>/g), ...(await toHtml(forecasts)).matchAll(/<svg [^>]*role="img"[^>]*>/g)];
  // Two losses, the ROC curves, three matrices; ten forecasts and a loss.
  expect(pictures).toHaveLength(17);
  for (const [picture] of pictures) {
    expect(picture).toMatch(/aria-label="[^"]{5,}"/);
    expect(picture).toMatch(/aria-description="[^"]{40,}"/);
  }
});

describe.each(["light", "dark"] as const)("on a %s screen", (colorScheme) => {
  test.each([1200, 380])("%i pixels wide: no errors, nothing wider than the page, text and lines told from the ground", async (width) => {
    for (const comparison of [classes, forecasts]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.setContent(await toHtml(comparison));
      const seen = await page.evaluate(look);
      await page.close();
      expect(complaints).toEqual([]);
      expect(seen.overflow).toBeLessThanOrEqual(0);
      // WCAG 2.2: 4.5 for text, 3 for what pictures consist of.
      expect(Math.min(...seen.texts)).toBeGreaterThanOrEqual(4.5);
      expect(seen.lines.length).toBeGreaterThan(2);
      expect(Math.min(...seen.lines)).toBeGreaterThanOrEqual(3);
    }
  });
});

/** In the page: how far it is too wide, and the contrasts of its texts and of its legends' lines to the ground. */
function look(): { overflow: number; texts: number[]; lines: number[] } {
  const numbers = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = numbers(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const contrast = (colour: string) => {
    const [low, high] = [ground, luminance(colour)].sort((a, b) => a - b) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };
  const all = (selector: string) => [...document.querySelectorAll(selector)].map((element) => getComputedStyle(element));
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    texts: all("p, td, td small, th, h1, h2, li, figcaption").map(({ color }) => contrast(color)),
    lines: all(".key path").map(({ stroke }) => contrast(stroke)),
  };
}
