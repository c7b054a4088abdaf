// The layer that users hold. Translates names and shapes; what runs is behind `LayerCore`.

import type { BackendName } from "../backend/backend.js";
import { assertFloats, kindOf } from "../data/buffers.js";
import { prepareSequences } from "../data/sequences.js";
import { GatewiseError } from "../errors.js";
import type { Cell } from "../generated/core.js";
import { deepFreeze } from "../json.js";
import type { BackendInfo } from "../model/model.js";
import { type Tensor, namedTensors } from "../model/parameters.js";
import type { LayerCore } from "./core.js";
import type { LayerDefinition } from "./create.js";
import { prepareDropping } from "./dropping.js";
import { replaced } from "./parameters.js";
import type { LayerBatch, LayerGradients, LayerStates, OfCell, StateGradients } from "./types.js";

/**
 * A recurrent layer by itself: `forward` and `backward` over arrays of the caller's, for people who build their own network.
 * `createLayer` makes it; `dispose` ends it. It belongs to the thread that made it.
 *
 * Shapes, names and gate order are those of PyTorch's one-layer modules with `batch_first`: n sequences, D directions, H
 * hidden units. After a call that failed, the layer is as it was before; only a defect of Gatewise itself (`internal_error`)
 * loses the last forward pass.
 *
 * @typeParam C its cell: only LSTMs have cell states
 */
export class Layer<C extends Cell = Cell> {
  /** What it is, with every default filled in but those of the options. Frozen. */
  readonly definition: LayerDefinition;
  /** Numbers a step that go in. */
  readonly inputs: number;
  /** D·H: numbers a step that come out. */
  readonly outputs: number;
  /** What it runs on. */
  readonly backend: BackendInfo;
  readonly #core: LayerCore;
  /** The batch and the steps of the last forward pass. */
  #last: readonly [n: number, steps: number] = [0, 0];

  /** @internal */
  constructor(core: LayerCore, name: BackendName, reason: string) {
    const { definition, inputs, directions, hiddenSize, isa, threads } = core.description;
    this.#core = core;
    this.definition = deepFreeze(definition);
    this.inputs = inputs;
    this.outputs = directions * hiddenSize;
    this.backend = Object.freeze({ name, isa, threads, reason });
  }

  /**
   * Runs the layer over a batch, and keeps what `backward` needs. Nothing is random in it unless `training` or `masks` say so:
   * dropout drops nothing, and zoneout keeps the part that it keeps on average, as in predictions. In training, masks are drawn
   * from the layer's seed, so that a layer that is made again repeats them pass by pass; `backward` gives the exact gradients
   * under them.
   *
   * @param batch [n, steps, inputs], lengths, and initial states [D, n, H]; whether to drop; nothing of it is kept
   * @returns the hidden states [n, steps, D·H] and the final states [D, n, H]
   * @throws {GatewiseError} `model_disposed`, `invalid_option`, `shape_mismatch`, `not_finite`, `empty_data`,
   * `invalid_length`, `shared_buffer`, `out_of_memory`
   *
   * @example
   * ```ts
   * const first = lower.forward({ x, shape: [n, steps, 28], lengths });
   * const second = upper.forward({ x: first.hidden, shape: [n, steps, lower.outputs], lengths });
   * dropping.forward({ x, shape, training: true }); // of a layer with `recurrentDropout`, `zoneout` or `weightDropout`
   * dropping.forward({ x, shape, masks: { recurrent } }); // [D, n, H] of 0 and 1 / (1 − rate)
   * ```
   */
  forward(batch: LayerBatch): LayerStates<C> {
    this.#core.assertAlive();
    const { x, n, steps, lengths } = this.#prepared(batch);
    const { initialHidden, initialCell } = batch;
    const { way, masks: { recurrent, keepHidden, keepCell, weight } } = prepareDropping(batch);
    const hidden = new Float32Array(n * steps * this.outputs);
    const { hidden: finalHidden, cell: finalCell } = this.#states(n);
    this.#core.call((binding) => {
      const states = [hidden, finalHidden, finalCell] as const;
      binding.forward(x, steps, lengths, initialHidden, initialCell, way, recurrent, keepHidden, keepCell, weight, ...states);
    });
    this.#last = [n, steps];
    return { hidden, finalHidden, finalCell: this.#ofCell(finalCell) };
  }

  /**
   * Runs the last forward pass backwards, with the weights that it ran with. Once: a second backward pass takes a second
   * forward pass.
   *
   * @param gradients of a loss by any of what `forward` gave, in the same shapes
   * @returns those by all that `forward` read: `x`, the parameters, the initial states
   * @throws {GatewiseError} `empty_data` without a forward pass to go back through; `model_disposed`, `invalid_option`,
   * `shape_mismatch`, `not_finite`, `shared_buffer`, `out_of_memory`
   *
   * @example
   * ```ts
   * const { hidden } = layer.forward({ x, shape });
   * const { parameters } = layer.backward({ hidden: hidden.map((value, i) => value - targets[i]) }); // of ½ Σ (h − target)²
   * ```
   */
  backward(gradients: StateGradients): LayerGradients<C> {
    this.#core.assertAlive();
    if (kindOf(gradients) !== "an object") {
      throw new GatewiseError("invalid_option", "gradients", `gradients must be an object, not ${kindOf(gradients)}`);
    }
    const { hidden, finalHidden, finalCell } = gradients;
    assertArrays({ hidden, finalHidden, finalCell });
    const [n, steps] = this.#last;
    const { description } = this.#core;
    const x = new Float32Array(n * steps * this.inputs);
    const weights = new Float32Array(description.parameters);
    const { hidden: initialHidden, cell: initialCell } = this.#states(n);
    this.#core.call((binding) => {
      binding.backward(hidden, finalHidden, finalCell, x, weights, initialHidden, initialCell);
    });
    const parameters = namedTensors(description.tensors, weights);
    return { x, parameters, initialHidden, initialCell: this.#ofCell(initialCell) };
  }

  /**
   * Every parameter by its PyTorch name, copied: `weight_ih_l0` [G·H, inputs], `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`,
   * and those of the reverse direction with `_reverse`. G gates: an LSTM's input, forget, cell, output; a GRU's reset, update,
   * new.
   *
   * @throws {GatewiseError} `model_disposed`
   *
   * @example
   * ```ts
   * const { shape, data } = layer.parameters()["weight_hh_l0"];
   * ```
   */
  parameters(): Record<string, Tensor> {
    return namedTensors(this.#core.description.tensors, this.#core.weights);
  }

  /**
   * Replaces some parameters, or all. They count from the next forward pass on.
   *
   * @param parameters by name: their numbers, or tensors as `parameters()` gives them, whose shapes have to fit too; copied
   * @throws {GatewiseError} `invalid_option` for a name that there is not; `shape_mismatch`, `not_finite`, `shared_buffer`,
   * `model_disposed`
   *
   * @example
   * ```ts
   * layer.setParameters({ bias_ih_l0: new Float32Array(4 * 64) });
   * ```
   */
  setParameters(parameters: Readonly<Record<string, Float32Array | Tensor>>): void {
    this.#core.commit(replaced(this.#core.description.tensors, this.#core.weights, parameters));
  }

  /** Frees the layer at once; every other call from now on fails with `model_disposed`. More than once does no harm. */
  dispose(): void {
    this.#core.dispose();
  }

  /** Frees the layer when a `using` declaration goes out of scope. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The batch as the core takes it. */
  #prepared(batch: LayerBatch) {
    const inputs: unknown = (batch as LayerBatch | undefined)?.shape?.[2];
    if (Number.isSafeInteger(inputs) && inputs !== this.inputs) {
      throw new GatewiseError("shape_mismatch", "shape[2]", `x has ${inputs} numbers a step, the layer expects ${this.inputs}`);
    }
    const { n, steps, lengths } = prepareSequences(batch, { input: { features: this.inputs } });
    assertArrays({ initialHidden: batch.initialHidden, initialCell: batch.initialCell });
    return { x: batch.x, n, steps, lengths };
  }

  /** Room for the states of a batch: [D, n, H] and [D, n, C]. */
  #states(n: number): { readonly hidden: Float32Array; readonly cell: Float32Array } {
    const { directions, hiddenSize, cellSize } = this.#core.description;
    return { hidden: new Float32Array(directions * n * hiddenSize), cell: new Float32Array(directions * n * cellSize) };
  }

  #ofCell(states: Float32Array): OfCell<C> {
    return (this.definition.cell === "lstm" ? states : undefined) as OfCell<C>;
  }
}

/** Throws unless each that is given is a Float32Array of this thread alone. */
function assertArrays(arrays: Readonly<Record<string, Float32Array | undefined>>): void {
  for (const [name, array] of Object.entries(arrays)) if (array !== undefined) assertFloats(array, name);
}
