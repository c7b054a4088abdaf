// Every suite of `npm test`. A new folder under `test` runs by itself; list it here so that its absence is a failure.

import { cargoSuite, vitestSuites } from "./suite.mjs";

const FOLDERS = ["facade", "data", "formats", "parity", "packaging", "browser", "examples", "types", "bench", "metrics", "baselines", "tuning", "cli"];

/**
 * Runs them all, whatever fails.
 * @returns {Promise<import("./suite.mjs").Result[]>}
 */
export async function runSuites() {
  // With threads as in the addon, and with the drift check of the generated types; doc tests are part of it.
  const core = await cargoSuite("core", ["-p", "lstm-core", "--features", "threads,schema"]);
  return [core, ...(await vitestSuites(FOLDERS))];
}
