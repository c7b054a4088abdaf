// Models of PyTorch's that scripts/interop/python/generate.py has drawn and saved: the committed ones, or any folder of them.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { LayerDefinition } from "gatewise/layers";
import type { Hints } from "gatewise/formats";

import { type Numbers, readSafetensors } from "../../vectors/safetensors.js";

/** The committed cases. */
export const VECTORS = fileURLToPath(new URL("../../vectors/interop/", import.meta.url));

/** What has been drawn of a module: drawing.py says more. */
export interface PlannedModule {
  readonly cell: LayerDefinition["cell"];
  /** Whether it is a loop over `nn.LSTMCell` or its like. */
  readonly cells: boolean;
  readonly bidirectional: boolean;
  readonly bias: boolean;
  readonly projection?: number;
  readonly activation?: "tanh" | "relu";
  readonly norm: boolean;
}

/** A saved model. */
export interface Case {
  readonly name: string;
  readonly file: string;
  readonly plan: {
    readonly input: { readonly tokens?: number; readonly padding?: number };
    readonly modules: readonly PlannedModule[];
    readonly output: { readonly at: string; readonly kind: string; readonly bias: boolean; readonly norm: boolean; readonly tied: boolean };
    readonly file: { readonly form: string; readonly type: "f16" | "bf16" | "f32" | "f64"; readonly inside: string; readonly prefix: string; readonly storage: string };
  };
  readonly hints: Hints;
  /** Where modules belong. */
  readonly map: Readonly<Record<string, string>>;
  /** Whether modules could stand in several places, so that the map may be asked for. */
  readonly open: boolean;
  /** That has to be found, defaults aside. */
  readonly definition: { readonly input: object; readonly layers: readonly object[]; readonly output: object };
}

/** The cases of a folder. */
export class Cases {
  readonly all: readonly Case[];
  /** The PyTorch that computed them. */
  readonly torch: string;
  readonly #folder: string;
  readonly #numbers: ReadonlyMap<string, Numbers>;

  constructor(folder: string) {
    const { tensors, metadata } = readSafetensors(join(folder, "cases.safetensors"));
    const made = JSON.parse(metadata["made"] ?? "") as { torch: string; cases: Case[] };
    this.all = made.cases;
    this.torch = made.torch;
    this.#folder = folder;
    this.#numbers = tensors;
  }

  path({ file }: Case): string {
    return join(this.#folder, file);
  }

  /** What `Model.run` reads. */
  inputs({ name }: Case): { x?: Float32Array; tokens?: Uint32Array; lengths: Uint32Array } {
    const [x, tokens, lengths] = ["x", "tokens", "lengths"].map((key) => this.#numbers.get(`${name}/${key}`)?.data);
    return {
      ...(x && { x: Float32Array.from(x) }),
      ...(tokens && { tokens: Uint32Array.from(tokens) }),
      lengths: Uint32Array.from(lengths ?? []),
    };
  }

  /** What it has to give. */
  expected({ name }: Case): Float64Array {
    const y = this.#numbers.get(`${name}/y`);
    if (!y) throw new Error(`there is no ${name}/y`);
    return y.data;
  }
}
