// `gatewise/formats` in browsers.

import { provideBrowser } from "./browser-platform.js";

provideBrowser();

export * from "../formats/index.js";
