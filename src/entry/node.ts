// `gatewise` in Node.

import "./node-platform.js";

export * from "../index.js";
