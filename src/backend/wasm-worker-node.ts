// The training worker of Node. Nothing here but its port.

import { parentPort } from "node:worker_threads";

import { serveTraining } from "./worker-host.js";
import type { Request } from "./worker-protocol.js";

const serve = serveTraining((reply, transfer) => parentPort?.postMessage(reply, transfer as ArrayBuffer[]));
parentPort?.on("message", (request: Request) => void serve(request));
