// `gatewise/layers` in Node.

import { provideNode } from "./node-platform.js";

provideNode();

export * from "../layers/index.js";
