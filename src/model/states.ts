// The states that sequences begin from and end with, as their owner holds them. The core reads and writes the numbers.

import { assertFloats, kindOf } from "../data/buffers.js";
import { GatewiseError } from "../errors.js";
import type { StateDescription } from "../generated/core.js";

/** The states of one layer: D directions, H numbers of hidden state, C of the cell state. */
export interface LayerState {
  /** [D, n, H] PyTorch's `h_n`. */
  readonly hidden: Float32Array;
  /** [D, n, C] PyTorch's `c_n`; undefined unless the layer is an LSTM. */
  readonly cell: Float32Array | undefined;
}

/**
 * The hidden and cell states of n sequences, all zero at first. `model.states(n)` makes it; `predict`, `evaluate` and `run`
 * begin from it, and leave in it the states that the sequences have come to. So the next call goes on where this one ended.
 *
 * @example
 * ```ts
 * const states = model.states(2);
 * const morning = await model.predict({ x: first, shape: [2, 12, 5] }, { states });
 * const evening = await model.predict({ x: second, shape: [2, 12, 5] }, { states }); // goes on from the morning
 * const { hidden } = states.layer(0); // [1, 2, units], as PyTorch's h_n
 * ```
 */
export class States {
  /** Sequences. */
  readonly n: number;
  /** [n, S] All numbers: of each sequence layer by layer, direction by direction, the hidden state and then the cell state. */
  readonly data: Float32Array;
  readonly #places: readonly StateDescription[];

  /** @internal */
  constructor(places: readonly StateDescription[], n: number) {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new GatewiseError("invalid_option", "n", `${String(n)} is no number of sequences: give a whole number from 1 on`);
    }
    const last = places.at(-1);
    this.n = n;
    this.data = new Float32Array(n * (last ? last.offset + last.hidden + last.cell : 0));
    this.#places = places;
  }

  /** Back to zero: every sequence begins anew. */
  reset(): void {
    this.data.fill(0);
  }

  /**
   * A copy of the states of one layer, in PyTorch's shapes.
   *
   * @param index counted from the input
   * @throws {GatewiseError} `invalid_option` if there is no such layer
   */
  layer(index: number): LayerState {
    const { hidden, cell } = this.#sizes(index);
    const state = { hidden: new Float32Array(hidden), cell: cell > 0 ? new Float32Array(cell) : undefined };
    this.#forEach(index, (kind, at, place) => {
      state[kind]?.set(this.data.subarray(place.start, place.end), at);
    });
    return state;
  }

  /**
   * Sets the states of one layer.
   *
   * @param index counted from the input
   * @param state what to set; what is left out stays as it is
   * @throws {GatewiseError} `invalid_option`, `shape_mismatch`; nothing is changed then
   */
  setLayer(index: number, state: Partial<LayerState>): void {
    const sizes = this.#sizes(index);
    for (const kind of ["hidden", "cell"] as const) {
      const given: unknown = state[kind];
      if (given === undefined) continue;
      if (kindOf(given) !== "Float32Array") {
        throw new GatewiseError("invalid_option", kind, `${kind} must be a Float32Array, not ${kindOf(given)}`);
      }
      const { length } = given as Float32Array;
      if (length === sizes[kind]) continue;
      const message = `${kind} has ${length} numbers, layer ${index} has ${sizes[kind]} for ${this.n} sequences`;
      throw new GatewiseError("shape_mismatch", kind, message);
    }
    this.#forEach(index, (kind, at, { start, end }) => {
      const given = state[kind];
      if (given) this.data.set(given.subarray(at, at + end - start), start);
    });
  }

  /** Numbers of a layer's states, those of all directions and sequences. */
  #sizes(index: number): { readonly hidden: number; readonly cell: number } {
    const places = this.#places.filter(({ layer }) => layer === index);
    if (places.length === 0) {
      throw new GatewiseError("invalid_option", "index", `there is no layer ${String(index)}: they count from 0`);
    }
    const sum = (kind: "hidden" | "cell") => places.reduce((total, place) => total + this.n * place[kind], 0);
    return { hidden: sum("hidden"), cell: sum("cell") };
  }

  /** Calls `of` with each sequence's hidden and cell state in each direction: where it lies in [D, n, …], and where in `data`. */
  #forEach(index: number, of: (kind: "hidden" | "cell", at: number, place: { start: number; end: number }) => void): void {
    const size = this.data.length / this.n;
    const directions = this.#places.filter(({ layer }) => layer === index);
    for (const [direction, { offset, hidden, cell }] of directions.entries()) {
      for (let sequence = 0; sequence < this.n; sequence++) {
        const row = direction * this.n + sequence;
        const start = sequence * size + offset;
        of("hidden", row * hidden, { start, end: start + hidden });
        if (cell > 0) of("cell", row * cell, { start: start + hidden, end: start + hidden + cell });
      }
    }
  }
}

/** The numbers of states that are to be read and written. Throws unless they are of `n` sequences, where that is known. */
export function statesToRead(states: States | undefined, n?: number): Float32Array | undefined {
  if (states === undefined) return undefined;
  const data: unknown = (states as Partial<States> | null)?.data;
  if (kindOf(data) !== "Float32Array") {
    throw new GatewiseError("invalid_option", "states", `states must be what model.states(n) gives, not ${kindOf(states)}`);
  }
  assertFloats(data, "states");
  if (n !== undefined && states.n !== n) {
    const message = `there are states of ${states.n} sequences for ${n}: make them with model.states(${n})`;
    throw new GatewiseError("shape_mismatch", "states", message);
  }
  return data;
}
