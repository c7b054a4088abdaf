// `gatewise/data` in browsers.

import { provideBrowser } from "./browser-platform.js";

provideBrowser();

export * from "../data/index.js";
