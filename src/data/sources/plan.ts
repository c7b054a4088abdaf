// Which samples make a chunk: whole sequences, or windows over them, as many as keep within what a chunk may hold. Knows nothing of
// files and columns.

import type { WholeWindow } from "./options.js";

/** A run of rows and the samples in it: one, or windows from its first row on. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly samples: number;
}

/** Pieces that follow each other. */
export interface Chunk {
  readonly pieces: readonly Piece[];
  readonly samples: number;
}

export class Plan {
  /** Samples of each chunk. */
  readonly sizes: readonly number[];
  readonly #groups: Float64Array;
  readonly #window: WholeWindow | undefined;
  readonly #chunkRows: number;
  /** Of each chunk the sequence with which it begins, and in it the window: so that a plan takes little memory. */
  readonly #begins: readonly (readonly [group: number, window: number])[];

  /** @param groups [sequences + 1] the row on which each begins, and the number of rows */
  constructor(groups: Float64Array, window: WholeWindow | undefined, chunkRows: number) {
    this.#groups = groups;
    this.#window = window;
    this.#chunkRows = chunkRows;
    const sizes: number[] = [];
    const begins: (readonly [number, number])[] = [];
    for (let next: readonly [number, number] | undefined = [0, 0]; next; ) {
      const { samples, after }: { samples: number; after: readonly [number, number] | undefined } = this.#walk(next, () => undefined);
      if (samples > 0) {
        begins.push(next);
        sizes.push(samples);
      }
      next = after;
    }
    this.#begins = begins;
    this.sizes = sizes;
  }

  chunk(index: number): Chunk {
    const begin = this.#begins[index];
    if (!begin) throw new RangeError(`there is no chunk ${index}: there are ${this.#begins.length}`);
    const pieces: Piece[] = [];
    const { samples } = this.#walk(begin, (piece) => pieces.push(piece));
    return { pieces, samples };
  }

  /** Goes through the pieces of the chunk that begins there; gives its samples, and where the next one begins. */
  #walk([first, skipped]: readonly [number, number], visit: (piece: Piece) => void) {
    let [samples, longest] = [0, 0];
    for (let group = first; group + 1 < this.#groups.length; group++) {
      const [start, end] = [this.#groups[group] as number, this.#groups[group + 1] as number];
      const from = group === first ? skipped : 0;
      const windows = this.#samplesOf(end - start) - from;
      if (windows <= 0) continue;
      longest = Math.max(longest, this.#window?.steps ?? end - start);
      const room = Math.floor(this.#chunkRows / longest) - samples;
      const taken = Math.min(windows, samples === 0 ? Math.max(1, room) : room);
      if (taken <= 0) return { samples, after: [group, from] as const };
      visit(this.#piece(start, end, from, taken));
      samples += taken;
      if (taken < windows) return { samples, after: [group, from + taken] as const };
    }
    return { samples, after: undefined };
  }

  /** How many samples a sequence of so many rows has. */
  #samplesOf(rows: number): number {
    if (!this.#window) return 1;
    const { steps, stride, ahead } = this.#window;
    return Math.max(0, Math.floor((rows - steps - ahead) / stride) + 1);
  }

  #piece(start: number, end: number, from: number, samples: number): Piece {
    if (!this.#window) return { start, end, samples };
    const { steps, stride, ahead } = this.#window;
    const begin = start + from * stride;
    return { start: begin, end: begin + (samples - 1) * stride + steps + ahead, samples };
  }
}
