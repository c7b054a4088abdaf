// Every suite of the benchmark, in the order in which they run.

import type { Suite } from "./suite.js";
import { allocations } from "./suites/allocations.js";
import { brain } from "./suites/brain.js";
import { chromium } from "./suites/chromium.js";
import { cost } from "./suites/cost.js";
import { layers } from "./suites/layers.js";
import { loop } from "./suites/loop.js";
import { memory } from "./suites/memory.js";
import { native } from "./suites/native.js";
import { overhead } from "./suites/overhead.js";
import { packageSuite } from "./suites/package.js";
import { privateTraining } from "./suites/private.js";
import { wasm } from "./suites/wasm.js";

export const SUITES: readonly Suite[] = [native, layers, wasm, chromium, brain, privateTraining, cost, overhead, loop, allocations, memory, packageSuite];
