// `gatewise/baselines` in browsers.

import { provideBrowser } from "./browser-platform.js";

provideBrowser();

export * from "../baselines/index.js";
