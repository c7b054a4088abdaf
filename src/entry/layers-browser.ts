// `gatewise/layers` in browsers.

import "./browser-platform.js";

export * from "../layers/index.js";
