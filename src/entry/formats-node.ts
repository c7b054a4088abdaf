// `gatewise/formats` in Node.

import { provideNode } from "./node-platform.js";

provideNode();

export * from "../formats/index.js";
