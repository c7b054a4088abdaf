// `gatewise/baselines` in Node.

import { provideNode } from "./node-platform.js";

provideNode();

export * from "../baselines/index.js";
