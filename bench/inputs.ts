// What all engines start from: a model with seeded weights and seeded sequences, in files of a temporary folder.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createModel, defineModel } from "gatewise";

import { SHORTEST, type Shape, classesOf, nameOf } from "./shapes.js";
import type { DataFiles } from "./workers/protocol.js";

export interface Input {
  readonly model: string;
  readonly data: DataFiles;
  /** Steps that count in the first batch, the one that inference and gradients use. */
  readonly validSteps: number;
  /** The same of a batch of training, on average. */
  readonly meanValidSteps: number;
}

/** A folder that goes away with the process. */
export class Inputs {
  readonly folder = mkdtempSync(join(tmpdir(), "gatewise-bench-"));
  readonly #made = new Map<string, Promise<Input>>();

  constructor() {
    process.on("exit", () => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Where a worker may put its results. */
  results(name: string): string {
    return join(this.folder, `${name.replaceAll(/\W+/g, "-")}.f32`);
  }

  of(shape: Shape): Promise<Input> {
    const name = nameOf(shape);
    const known = this.#made.get(name) ?? this.#make(shape, name.replaceAll(/\W+/g, "-"));
    this.#made.set(name, known);
    return known;
  }

  async #make(shape: Shape, name: string): Promise<Input> {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const model = join(folder, "model.safetensors");
    await saveModel(shape, model);

    const random = randomNumbers(shape.batch * 1_000_003 + shape.steps * 1_009 + shape.features);
    const batches = shape.steps === 1 ? STREAMED : BATCHES;
    const samples = batches * shape.batch;
    const { tokens: vocabulary, statics: staticsEach = 0 } = shape.input ?? {};
    const numbers = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);
    const indices = (length: number, below: number) => Uint32Array.from({ length }, () => Math.floor(random() * below));
    const x = vocabulary === undefined ? numbers(samples * shape.steps * shape.features) : undefined;
    const tokens = vocabulary === undefined ? undefined : indices(samples * shape.steps, vocabulary);
    const targets = indices(samples * (shape.output?.at === "each" ? shape.steps : 1), classesOf(shape));
    const lengths = shape.ragged
      ? Uint32Array.from({ length: samples }, () => SHORTEST + Math.floor(random() * (shape.steps - SHORTEST + 1)))
      : undefined;
    const statics = staticsEach === 0 ? undefined : numbers(samples * staticsEach);
    const write = (file: string, numbers: Uint8Array | Float32Array | Uint32Array) => {
      const path = join(folder, file);
      writeFileSync(path, numbers);
      return path;
    };
    const steps = (count: number) => lengths?.slice(0, count).reduce((sum, length) => sum + length, 0) ?? count * shape.steps;
    return {
      model,
      data: {
        batches,
        x: x ? write("x.f32", x) : null,
        tokens: tokens ? write("tokens.u32", tokens) : null,
        statics: statics ? write("statics.f32", statics) : null,
        targets: write("targets.u32", targets),
        lengths: lengths ? write("lengths.u32", lengths) : null,
      },
      validSteps: steps(shape.batch),
      meanValidSteps: steps(samples) / batches,
    };
  }
}

/** Batches of a training set, and steps of a stream. */
const [BATCHES, STREAMED] = [8, 64];

async function saveModel(shape: Shape, path: string): Promise<void> {
  const layer = { ...shape.layer, units: shape.units, bidirectional: shape.bidirectional };
  const { features, input, output } = shape;
  const model = await createModel(
    defineModel({
      input: input?.tokens === undefined ? { features, ...input } : { embedding: features, ...input },
      layers: Array.from({ length: shape.layers }, () => layer),
      output: { ...output, classes: Array.from({ length: classesOf(shape) }, (_, index) => `class ${index}`) },
      seed: 4,
    }),
    { threads: 1 },
  );
  await model.save(path);
  model.dispose();
}

/** Evenly from [0, 1), the same for the same seed: mulberry32 (public domain, Tommy Ettinger 2017). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
