// Parts of data: which samples a fold trains on and which it is judged by. Knows nothing of how they were split.

import * as v from "valibot";

import type { LabelledData } from "../data/types.js";
import { GatewiseError } from "../errors.js";
import type { OutputDefinition } from "../model/outputs.js";
import { fields, validated } from "../validate.js";

/** One split of the samples by their indices: a fold of cross-validation. */
export interface Fold {
  /** Trained on. */
  readonly training: Indices;
  /** Judged by. No sample is in both. */
  readonly validation: Indices;
}

type Indices = readonly number[] | Uint32Array | Int32Array;

const IndicesSchema = v.custom<Indices>(
  (value) => Array.isArray(value) || value instanceof Uint32Array || value instanceof Int32Array,
  "give the indices of samples: an array, a Uint32Array or an Int32Array",
);
const FoldsSchema = v.pipe(
  v.array(fields({ training: IndicesSchema, validation: IndicesSchema }), "give a list of folds: { training, validation } each"),
  v.minLength(1, "give at least one fold"),
);

/** @throws {GatewiseError} `invalid_option`, `empty_data` where a fold is none of `n` samples, or a sample is in both of its parts */
export function assertFolds(folds: unknown, n: number): asserts folds is readonly Fold[] {
  validated(FoldsSchema, folds, "folds").forEach((fold, index) => {
    const trained = new Set(indicesOf(fold.training, n, `folds[${index}].training`));
    for (const sample of indicesOf(fold.validation, n, `folds[${index}].validation`)) {
      if (!trained.has(sample)) continue;
      const message = `sample ${sample} is in the fold's training part too: what is judged by must not be trained on`;
      throw new GatewiseError("invalid_option", `folds[${index}].validation`, message);
    }
  });
}

function indicesOf(indices: Indices, n: number, path: string): Indices {
  if (indices.length === 0) throw new GatewiseError("empty_data", path, "there is no sample in this part: give at least one");
  indices.forEach((index, at) => {
    if (Number.isInteger(index) && index >= 0 && index < n) return;
    throw new GatewiseError("invalid_option", `${path}[${at}]`, `${index} is no sample: they are whole numbers from 0 to ${n - 1}`);
  });
  return indices;
}

type Data = LabelledData<OutputDefinition>;

/** The samples with these indices, copied. */
export function samplesAt(data: Data, indices: Indices): Data {
  const [n, ...sizes] = data.shape;
  const parts = { x: data.x, tokens: data.tokens, statics: data.statics, lengths: data.lengths, targets: data.targets, weights: data.weights };
  const chosen = Object.entries(parts).flatMap(([name, rows]) => (rows === undefined ? [] : [[name, rowsAt(rows, n, indices)]]));
  return { ...Object.fromEntries(chosen), shape: [indices.length, ...sizes] } as unknown as Data;
}

type Rows = readonly unknown[] | Float32Array | Uint32Array;

/** Of `n` rows of equal length, those with these indices. */
function rowsAt(rows: Rows | object, n: number, indices: Indices): Rows {
  const array = rows as Rows;
  const each = array.length / n;
  if (Array.isArray(array)) return Array.from(indices, (index) => array[index]);
  const typed = array as Float32Array;
  const chosen = new (typed.constructor as Float32ArrayConstructor)(indices.length * each);
  Array.from(indices).forEach((index, row) => chosen.set(typed.subarray(index * each, (index + 1) * each), row * each));
  return chosen;
}
