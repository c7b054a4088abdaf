// The training worker of browsers. Nothing here but its port.

import { serveTraining } from "./worker-host.js";
import type { Reply, Request } from "./worker-protocol.js";

/** The part of a dedicated worker's global scope that is used; the DOM's types know only a window's. */
interface WorkerScope {
  onmessage: (event: { readonly data: Request }) => void;
  postMessage(reply: Reply, transfer: ArrayBufferLike[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const serve = serveTraining((reply, transfer) => scope.postMessage(reply, transfer));
scope.onmessage = (event) => void serve(event.data);
