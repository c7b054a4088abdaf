// The settings of PyTorch's optimisers, as `param_groups` have them, and as `fit` takes them. Knows no parameters and no numbers
// that are kept.

import type { Optimizer } from "../../training/learning-rate.js";

/** The optimisers that both have. */
export type SharedKind = Exclude<Optimizer["kind"], "lion">;

/** What all parameters of an optimiser have in common here; in PyTorch, what each group has of its own. */
export type Settings = Readonly<Record<string, number | boolean>>;

/** A setting here, and where it stands there; the default is both's. */
export interface Setting {
  readonly name: string;
  /** The key in a group. */
  readonly key: string;
  /** The place in what is under the key, where that is a pair. */
  readonly index?: 0 | 1;
  readonly standard: number | boolean;
}

const ADAM: readonly Setting[] = [
  { name: "beta1", key: "betas", index: 0, standard: 0.9 },
  { name: "beta2", key: "betas", index: 1, standard: 0.999 },
  { name: "epsilon", key: "eps", standard: 1e-8 },
  { name: "amsgrad", key: "amsgrad", standard: false },
];

/** https://pytorch.org/docs/stable/optim.html#algorithms */
export const SETTINGS: Readonly<Record<SharedKind, readonly Setting[]>> = {
  adam: ADAM,
  adamw: ADAM,
  sgd: [
    { name: "momentum", key: "momentum", standard: 0 },
    { name: "dampening", key: "dampening", standard: 0 },
    { name: "nesterov", key: "nesterov", standard: false },
  ],
  rmsprop: [
    { name: "alpha", key: "alpha", standard: 0.99 },
    { name: "epsilon", key: "eps", standard: 1e-8 },
    { name: "momentum", key: "momentum", standard: 0 },
    { name: "centered", key: "centered", standard: false },
  ],
};

/** The learning rates and weight decays that both have unless told otherwise. */
export const LEARNING_RATE: Readonly<Record<SharedKind, number>> = { adam: 1e-3, adamw: 1e-3, sgd: 1e-3, rmsprop: 1e-2 };
export const WEIGHT_DECAY: Readonly<Record<SharedKind, number>> = { adam: 0, adamw: 0.01, sgd: 0, rmsprop: 0 };

/** What PyTorch's groups hold beside that, and how it computes unless told otherwise. */
export const COMPUTING: Readonly<Record<SharedKind, Readonly<Record<string, boolean | null>>>> = {
  adam: { maximize: false, foreach: null, capturable: false, differentiable: false, fused: null, decoupled_weight_decay: false },
  adamw: { maximize: false, foreach: null, capturable: false, differentiable: false, fused: null, decoupled_weight_decay: true },
  sgd: { maximize: false, foreach: null, differentiable: false, fused: null },
  rmsprop: { maximize: false, foreach: null, capturable: false, differentiable: false },
};
