// Every suite of the benchmark, in the order in which they run.

import type { Suite } from "./suite.js";
import { allocations } from "./suites/allocations.js";
import { chromium } from "./suites/chromium.js";
import { cost } from "./suites/cost.js";
import { memory } from "./suites/memory.js";
import { native } from "./suites/native.js";
import { overhead } from "./suites/overhead.js";
import { packageSuite } from "./suites/package.js";
import { wasm } from "./suites/wasm.js";

export const SUITES: readonly Suite[] = [native, wasm, chromium, cost, overhead, allocations, memory, packageSuite];
