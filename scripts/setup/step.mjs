// One step of set-up as its reader sees it: a line that says what happens and how long it may take, then how long it took.

import { rmSync } from "node:fs";
import { join } from "node:path";

import { logs } from "./places.mjs";

/**
 * @param {string} name Of the log.
 * @param {string} title What happens, such as "Building the native addon".
 * @param {string} estimate How long it may take on two cores, such as "1 minute".
 * @param {(log: string) => Promise<string | void>} work Gets the log's path; may return a remark.
 * @returns {Promise<void>}
 */
export async function step(name, title, estimate, work) {
  const log = join(logs, `${name}.log`);
  rmSync(log, { force: true });
  process.stdout.write(`${title} (up to ${estimate}) … `);
  const start = performance.now();
  try {
    const remark = await work(log);
    console.log(`${duration(performance.now() - start)}${remark ? `: ${remark}` : ""}`);
  } catch (error) {
    console.log("failed");
    throw error;
  }
}

/**
 * @param {number} milliseconds
 * @returns {string}
 */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
