// Random definitions against the oracle: many more than `npm test` has, and others each time.

import { randomInt } from "node:crypto";

import { cargoSuite } from "../testing/suite.mjs";

/** Some four minutes. */
const CASES = 30_000;

/**
 * Runs the property test. What fails is printed, shrunk; the seed in the suite's name brings it back.
 * @returns {Promise<import("../testing/suite.mjs").Result>}
 */
export async function definitionsSuite() {
  const seed = String(randomInt(2 ** 32));
  const env = { PROPTEST_CASES: String(CASES), PROPTEST_RNG_SEED: seed };
  return cargoSuite(`random definitions, PROPTEST_RNG_SEED=${seed}`, ["-p", "lstm-core", "--features", "threads", "--test", "definitions"], env);
}
