// `gatewise/tuning`: Node only.

import { provideNode } from "./node-platform.js";

provideNode();

export * from "../tuning/index.js";
