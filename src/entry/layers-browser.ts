// `gatewise/layers` in browsers.

import { provideBrowser } from "./browser-platform.js";

provideBrowser();

export * from "../layers/index.js";
