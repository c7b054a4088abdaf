// `gatewise/metrics` in Node: arithmetic alone, which needs nothing of the runtime.

export * from "../metrics/index.js";
