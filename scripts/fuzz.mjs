// Fuzzing by itself, for as long as it is told: `GATEWISE_FUZZ_SECONDS=600 node scripts/fuzz.mjs` is an hour for six targets.
// `npm run verify` has a minute for each.

import { requireSanitizer } from "./proofs/address-sanitizer.mjs";
import { bringFuzzer, fuzzSuites } from "./proofs/fuzz.mjs";
import { summarize } from "./testing/summary.mjs";

requireSanitizer();
await bringFuzzer();
summarize(await fuzzSuites());
