// Rows of which little is filled in.

import type { Row } from "../rows.js";

/** The row with these parts and nothing else. */
export function rowOf(parts: Pick<Row, "suite" | "operation"> & Partial<Row>): Row {
  return {
    shape: "",
    threads: null,
    backend: null,
    isa: null,
    ours_ms: null,
    peer: null,
    peer_ms: null,
    ratio: null,
    target: null,
    met: null,
    ...parts,
  };
}
