// The example's page in Chromium, from the packed tarball: it trains in a worker, keeps the page alive, and comes to the
// very numbers that Node's WebAssembly comes to.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { Packed, type Run, runNode } from "../packaging/tarball.js";
import { launchChromium, openPage } from "./chromium.js";
import { type Site, build, exampleProject, serveBuilt, serveSources } from "./site.js";

/** The tightest that the example runs under. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

let packed: Packed;
let project: string;
let built: Run;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  packed = new Packed();
  project = exampleProject(packed);
  built = build(project);
  site = await serveBuilt(project, POLICY);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  packed?.dispose();
});

/** What training and test come to. */
interface Numbers {
  readonly backend: string;
  readonly losses: readonly number[];
  readonly loss: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
}

/** The page's results, to the last digit. */
async function numbersOf(page: Page): Promise<Numbers> {
  const value = async (label: string) => Number(await page.getByLabel(label).getAttribute("data-value"));
  return {
    backend: (await page.getByLabel("Backend").textContent())?.split(",")[0] ?? "",
    losses: JSON.parse((await page.getByRole("img", { name: "Training loss by step" }).getAttribute("data-losses")) ?? ""),
    loss: await value("Training loss, last epoch"),
    testLoss: await value("Test loss"),
    testAccuracy: await value("Test accuracy"),
  };
}

/** The same from Node, with the same training module and the same installed package. */
function numbersOfNode(): Numbers {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const script = fileURLToPath(new URL("in-node.ts", import.meta.url));
  const { status, stdout, stderr } = runNode(["--import", tsx, script, project], project);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** Waits until the page says that it is in that state; if it failed instead, throws what it says. */
async function waitForState(page: Page, state: "finished" | "aborted" | "failed"): Promise<void> {
  const status = page.locator(`#status[data-state=${state}], #status[data-state=failed]`);
  await status.waitFor();
  expect(await status.getAttribute("data-state"), (await status.textContent()) ?? "").toBe(state);
}

/** How a timer of the page fared while it trained. */
interface Liveliness {
  readonly ticks: number;
  readonly milliseconds: number;
}

/** Sets a timer of 10 ms in the page; returns a function that tells how it fared. */
async function watchLiveliness(page: Page): Promise<() => Promise<Liveliness>> {
  const watch = await page.evaluateHandle(() => {
    const status = document.getElementById("status");
    const training = () => status?.dataset["state"] === "training";
    const seen = { ticks: 0, began: 0, ended: 0 };
    setInterval(() => training() && seen.ticks++, 10);
    new MutationObserver(() => (seen[training() ? "began" : "ended"] = performance.now())).observe(document.body, {
      subtree: true,
      attributeFilter: ["data-state"],
    });
    return seen;
  });
  return () => watch.evaluate(({ ticks, began, ended }) => ({ ticks, milliseconds: ended - began }));
}

test("it builds without a warning, and the very WebAssembly file of the package comes along", () => {
  expect(built).toMatchObject({ status: 0, stderr: "" });
  const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
  const assets = join(project, "dist/assets");
  const wasm = readdirSync(assets).filter((name) => name.endsWith(".wasm"));
  const original = join(project, "node_modules/gatewise/bindings/wasm/pkg/gatewise_bg.wasm");
  expect(wasm.map((name) => sha256(join(assets, name)))).toEqual([sha256(original)]);
});

test("it trains off the main thread, under a strict policy, to the very numbers of Node's WebAssembly", async () => {
  const { page, complaints, workers } = await openPage(browser, site.url);
  const liveliness = await watchLiveliness(page);
  await page.getByRole("button", { name: "Train" }).click();
  await waitForState(page, "finished");

  const numbers = await numbersOf(page);
  expect(numbers.losses).toHaveLength(60 * Math.ceil(67 / 16));
  expect(numbers.testAccuracy).toBeGreaterThan(0.9);
  expect(numbers).toEqual(numbersOfNode());

  expect(workers).toEqual([expect.stringContaining("wasm-worker")]);
  const { ticks, milliseconds } = await liveliness();
  // Some 10 on a free machine; far below 1 where something keeps the main thread busy.
  expect(ticks / (milliseconds / 100), `${ticks} ticks in ${milliseconds} ms`).toBeGreaterThan(1);
  expect(complaints).toEqual([]);
  await page.close();
});

test("it draws a point for each step and each epoch, within the picture", async () => {
  const { page } = await openPage(browser, site.url);
  await page.getByRole("button", { name: "Train" }).click();
  await waitForState(page, "finished");
  const { losses } = await numbersOf(page);

  const pointsOf = async (line: string) => {
    const points = (await page.locator(`svg polyline.${line}`).getAttribute("points")) ?? "";
    return points.split(" ").map((point) => point.split(",").map(Number) as [x: number, y: number]);
  };
  const batches = await pointsOf("batches");
  expect(batches).toHaveLength(losses.length);
  expect(await pointsOf("epochs")).toHaveLength(60);
  for (const [x, y] of batches) {
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThanOrEqual(640);
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThanOrEqual(260);
  }
  // Down the picture is where low losses are: the higher the loss, the smaller y.
  const first = batches[0]?.[1] ?? Number.NaN;
  expect(batches[losses.indexOf(Math.min(...losses))]?.[1]).toBeGreaterThan(first);
  expect(batches[losses.indexOf(Math.max(...losses))]?.[1]).toBeLessThan(first);
  await page.close();
});

test("by keyboard alone it starts, stops early, and starts again from the beginning", async () => {
  const { page, complaints } = await openPage(browser, site.url);
  const progress = page.getByRole("progressbar", { name: "Training progress" });
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Train");
  // As soon as there is progress, the page itself does what Enter does: a key sent from here could come too late.
  await progress.evaluate((bar) => {
    new MutationObserver((_, observer) => {
      if (bar instanceof HTMLProgressElement && bar.value === 0) return;
      observer.disconnect();
      if (document.activeElement?.textContent === "Stop") (document.activeElement as HTMLElement).click();
    }).observe(bar, { attributes: true });
  });
  await page.keyboard.press("Enter");
  await waitForState(page, "aborted");
  const { losses } = await numbersOf(page);
  expect(losses.length).toBeGreaterThan(0);
  expect(losses.length).toBeLessThan(300);

  expect(await focused()).toBe("Train");
  await page.keyboard.press("Enter");
  await waitForState(page, "finished");
  const again = (await numbersOf(page)).losses;
  expect(again).toHaveLength(300);
  expect(again.slice(0, losses.length)).toEqual(losses);
  expect(complaints).toEqual([]);
  await page.close();
});

test("where workers are forbidden, the page says that training failed", async () => {
  const strict = await serveBuilt(project, POLICY.replace("worker-src 'self'", "worker-src 'none'"));
  try {
    const { page } = await openPage(browser, strict.url);
    await page.getByRole("button", { name: "Train" }).click();
    await waitForState(page, "failed");
    expect(await page.locator("#status").textContent()).toContain("worker");
    expect(await page.getByRole("button", { name: "Train" }).isEnabled()).toBe(true);
    await page.close();
  } finally {
    await strict.close();
  }
});

test("Vite's development server runs it from the sources, too", async () => {
  const development = await serveSources(project);
  try {
    const { page, complaints, workers } = await openPage(browser, development.url);
    await page.getByRole("button", { name: "Train" }).click();
    await waitForState(page, "finished");
    expect(workers).toHaveLength(1);
    expect(complaints).toEqual([]);
    await page.close();
  } finally {
    await development.close();
  }
});
