// `gatewise` in Node.

import { provideNode } from "./node-platform.js";

provideNode();

export * from "../index.js";
