// What can be asked of the benchmark.

export interface Options {
  /** Where the rows go as JSON, beside the table. */
  readonly json: string | undefined;
  /** Under two minutes in all: fewer shapes, fewer runs. */
  readonly quick: boolean;
  /** Nobody, only what npm installs, or Python's too. */
  readonly peers: "none" | "js" | "all";
  /** Only rows with this many threads; both where undefined. */
  readonly threads: 1 | 2 | undefined;
  /** Part of a suite's, a shape's or a peer's name. */
  readonly only: string | undefined;
  /** Write the generated section of docs/performance.md. */
  readonly writeDocs: boolean;
}
