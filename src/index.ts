// The public names, nothing else.

// The declarations use `Symbol.dispose`, which a user's own `lib` need not have.
/// <reference lib="esnext.disposable" preserve="true" />

export { availableBackends, createModel, loadModel } from "./model/create.js";
export { defineModel } from "./model/definition.js";
export { GatewiseError } from "./errors.js";

export type { BackendName } from "./backend/backend.js";
export type { BackendAvailability, BackendRequest } from "./backend/choose.js";
export type { MachineOptions } from "./backend/open.js";
export type { ClassIndices, LabelledData, Lengths, NumberSequences, Sequences, TokenSequences, Tokens } from "./data/types.js";
export type { ErrorCode } from "./errors.js";
export type {
  At,
  AveragingOptions,
  Cell,
  ClassificationReport,
  EarlyStoppingOptions,
  LabelReport,
  LabelsReport,
  LearningRateSchedule,
  LossKind,
  OptimizerKind,
  OptimizerOptions,
  OptimizerSlot,
  ParameterGroup,
  Scaling,
  ScheduleKind,
  StaticsAs,
  StoppingMetric,
  StepsReport,
  TrainingOptions,
  ValueReport,
  ValuesReport,
  Warmup,
} from "./generated/core.js";
export type { DefinitionOf, ModelDefinition } from "./model/definition.js";
export type { BackendInfo, Model } from "./model/model.js";
export type {
  ClassPrediction,
  ClassesOutput,
  LabelsOutput,
  LabelsPrediction,
  Loss,
  Output,
  OutputDefinition,
  Prediction,
  Report,
  StepPrediction,
  Targets,
  ValuesOutput,
  ValuesPrediction,
} from "./model/outputs.js";
export type { RawRows, RowPrediction } from "./model/raw-rows.js";
export type { ReadOptions } from "./model/reader.js";
export type { RunInputs } from "./model/run.js";
export type { FileSource } from "./data/readers/source.js";
export type { GivenTensor, GivenTensors } from "./formats/state-dict/given.js";
export type { LoadStateOptions } from "./formats/state-dict/load.js";
export type { ModuleMap } from "./formats/state-dict/map.js";
export type { LoadedState } from "./formats/state-dict/stage.js";
export type { StateDictOptions } from "./formats/state-dict/write.js";
export type { SavedPipeline } from "./data/pipeline/saved.js";
export type { StepInput } from "./model/stream.js";
export type { Tensor } from "./model/parameters.js";
export type { LayerState, States } from "./model/states.js";
export type { Stream } from "./model/stream.js";
export type { SummaryOptions } from "./model/summary.js";
export type { DataSource } from "./data/source.js";
export type { LearningRate, LearningRateStep, Optimizer, Schedule } from "./training/learning-rate.js";
export type { KeptOfParameter, OptimizerState } from "./training/optimizer-state.js";
export type { LearningRateRange, LearningRateSearch } from "./training/range-finder.js";
export type {
  CheckpointInterval,
  CheckpointOptions,
  EpochReport,
  FitOptions,
  History,
  ProgressOptions,
  ProgressStream,
  TakeBytes,
  TrainingProgress,
  TrainingStep,
  ValidationReport,
} from "./training/types.js";
