// The other engines, as far as they are installed.

export type PeerName =
  | "pytorch"
  | "opacus"
  | "onnxruntime-node"
  | "onnxruntime-web"
  | "tfjs"
  | "brain.js";

/** Where an installed peer is, or why it is not there. */
export type Peer =
  | {
      readonly available: true;
      readonly version: string;
      /** npm peers: the folder that has `node_modules`. Python peers: the interpreter. */
      readonly location: string;
    }
  | { readonly available: false; readonly reason: string };

export type Peers = Readonly<Record<PeerName, Peer>>;
