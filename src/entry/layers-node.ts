// `gatewise/layers` in Node.

import "./node-platform.js";

export * from "../layers/index.js";
