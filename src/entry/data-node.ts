// `gatewise/data` in Node.

import { provideNode } from "./node-platform.js";

provideNode();

export * from "../data/index.js";
