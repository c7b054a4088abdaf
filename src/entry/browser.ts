// `gatewise` in browsers.

import { provideBrowser } from "./browser-platform.js";

provideBrowser();

export * from "../index.js";
