// `npm test`: everything that a change must not break. Ends with one line, `N passed, N failed`, over all suites.

import { runSuites } from "./testing/suites.mjs";
import { summarize } from "./testing/summary.mjs";

summarize(await runSuites());
