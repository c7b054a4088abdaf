// The browser, and what is watched in every page. Knows nothing of what the pages do.

import { type Browser, type Page, chromium } from "playwright-core";

import { findChromium } from "../../scripts/setup/chromium.mjs";

const FLAGS = [
  "--no-sandbox", // its sandbox does not start for root, as in most containers
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Chromium without a window. Fails where there is none: this is never skipped. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error("There is no Chromium. `node scripts/setup.mjs test` installs it, or says how to.");
  }
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** A page and everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings on the console, exceptions that nobody caught, requests that failed. */
  readonly complaints: readonly string[];
  /** The addresses of the workers that it started. */
  readonly workers: readonly string[];
}

/** A page of its own, in a profile of its own. */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const page = await browser.newPage();
  // Below the tests' own limit, so that what is told is what was waited for.
  page.setDefaultTimeout(100_000);
  const complaints: string[] = [];
  const workers: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => complaints.push(`request: ${request.url()}`));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`response: ${response.status()} ${response.url()}`);
  });
  page.on("worker", (worker) => workers.push(worker.url()));
  await page.goto(url);
  return { page, complaints, workers };
}
