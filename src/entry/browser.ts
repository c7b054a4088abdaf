// `gatewise` in browsers.

import "./browser-platform.js";

export * from "../index.js";
