// Where the modules of the peers' packages are.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import type { PeerName, Peers } from "../peers/peers.js";

/** What each peer is called on npm. */
const PACKAGES = {
  "onnxruntime-node": "onnxruntime-node",
  "onnxruntime-web": "onnxruntime-web",
  tfjs: "@tensorflow/tfjs",
  "brain.js": "brain.js",
} as const satisfies Partial<Record<PeerName, string>>;

/** A peer that npm installs. */
export type NpmPeer = keyof typeof PACKAGES;

/** The URL from which Node imports an installed peer, or another package beside it. */
export function moduleUrl(peers: Peers, name: NpmPeer, packageName: string = PACKAGES[name]): string {
  const peer = peers[name];
  if (!peer.available) throw new Error(peer.reason);
  return pathToFileURL(createRequire(join(peer.location, "package.json")).resolve(packageName)).href;
}
