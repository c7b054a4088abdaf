// Every suite of the benchmark, in the order in which they run.

import type { Suite } from "./suite.js";
import { native } from "./suites/native.js";
import { wasm } from "./suites/wasm.js";

export const SUITES: readonly Suite[] = [native, wasm];
