// The public names of `gatewise/layers`, nothing else.

// The declarations use `Symbol.dispose`, which a user's own `lib` need not have.
/// <reference lib="esnext.disposable" preserve="true" />

export { createLayer } from "./create.js";
export { GatewiseError } from "../errors.js";

export type { BackendName } from "../backend/backend.js";
export type { BackendRequest } from "../backend/choose.js";
export type { MachineOptions } from "../backend/open.js";
export type { Lengths } from "../data/types.js";
export type { ErrorCode } from "../errors.js";
export type { Cell } from "../generated/core.js";
export type { BackendInfo } from "../model/model.js";
export type { Tensor } from "../model/parameters.js";
export type { LayerDefinition, LayerOptions } from "./create.js";
export type { Layer } from "./layer.js";
export type { LayerBatch, LayerGradients, LayerMasks, LayerStates, OfCell, StateGradients } from "./types.js";
