// Many sequences through a model on the calling thread, cut into slices between which the event loop has its turn.

import type { PreparedSequences } from "../data/sequences.js";
import { GatewiseError } from "../errors.js";
import { Pace, nextTurn } from "../event-loop.js";
import type { ModelCore } from "./core.js";

/**
 * Floating-point operations in the first slice, one sequence at least: 20 to 40 ms for the slowest kernels (WebAssembly's, some
 * 25 GFLOP/s), and enough for most requests to be one slice, whose rows fill the kernels' tiles.
 */
const FIRST_SLICE = 5e8;
/** What a step takes beside the products (copies, gates, loops), as the number of parameters whose products take as long. */
const STEP_OVERHEAD = 1000;

/** The probabilities [n, classes] of `data`, all from the weights that are committed now. */
export function probabilitiesOf(core: ModelCore, data: PreparedSequences, classes: number): Promise<Float32Array> {
  const { x, n, steps, features, lengths } = data;
  const probabilities = new Float32Array(n * classes);
  const row = steps * features;
  // A multiplication and an addition a parameter and step.
  const operations = 2 * (core.description.parameters + STEP_OVERHEAD) * steps;
  const pace = new Pace(Math.max(1, Math.round(FIRST_SLICE / operations)));
  return core.readLong(async (run) => {
    for (let start = 0; start < n; ) {
      if (start > 0) await nextTurn();
      const end = Math.min(start + pace.amount, n);
      const began = performance.now();
      const y = probabilities.subarray(start * classes, end * classes);
      try {
        run(x.subarray(start * row, end * row), lengths?.subarray(start, end), y);
      } catch (error) {
        throw seenFromTheWhole(error, start);
      }
      pace.observe(end - start, performance.now() - began);
      start = end;
    }
    return probabilities;
  });
}

/** An error of a slice, with the sequence that its path and its sentence name counted from the beginning of the data. */
function seenFromTheWhole(error: unknown, start: number): unknown {
  if (!(error instanceof GatewiseError)) return error;
  const [, name, index, rest] = /^(x|lengths)\[(\d+)\](.*)$/.exec(error.path) ?? [];
  if (index === undefined || start === 0) return error;
  const sequence = Number(index) + start;
  const message = error.message.replace(`sequence ${index} `, `sequence ${sequence} `);
  return new GatewiseError(error.code, `${name}[${sequence}]${rest}`, message);
}
