// What an optimiser knows, out of one run and into the next: training in two parts is training at once, however the first part
// ended, and a state that does not fit changes nothing.

import { type CheckpointOptions, type FitOptions, type OptimizerState, createModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, type Direction, definition, expectError, risingOrFalling, sameBits, smallModel, stateOf } from "./support.js";

const data = risingOrFalling(64);
const options = { batchSize: 16, shuffle: false, optimizer: { kind: "adam", learningRate: 0.01 } } as const satisfies FitOptions<Direction>;
const keep = { ...options, keepOptimizerState: true } as const;

describe.each(BACKENDS)("an optimiser's state on %s", (backend) => {
  test("training in two parts comes to the bits of training at once", async () => {
    using whole = await smallModel(backend);
    const expected = await whole.fit(data, { ...keep, epochs: 5 });
    using parted = await smallModel(backend);
    const first = await parted.fit(data, { ...keep, epochs: 2 });
    const second = await parted.fit(data, { ...keep, epochs: 3, optimizerState: first.optimizerState });
    expect([...first.losses, ...second.losses]).toEqual(expected.losses);
    expect((await stateOf(parted)).equals(await stateOf(whole))).toBe(true);
    expect(second.optimizerState).toEqual(expected.optimizerState);
    expect([first.optimizerState?.step, second.optimizerState?.step]).toEqual([8, 20]);
    // Without it the second part begins anew.
    using anew = await smallModel(backend);
    await anew.fit(data, { ...options, epochs: 2 });
    expect((await anew.fit(data, { ...options, epochs: 3 })).losses[1]).not.toBe(second.losses[1]);
  });

  test("is there when a run is aborted, and when the model is disposed of", async () => {
    for (const end of ["abort", "dispose"] as const) {
      using model = await smallModel(backend);
      const stop = new AbortController();
      const onProgress = ({ step }: { step: number }) => {
        if (step < 5) return;
        if (end === "abort") stop.abort();
        else model.dispose();
      };
      const history = await model.fit(data, { ...keep, epochs: 50, signal: stop.signal, onProgress: (p) => onProgress(p) });
      expect([history.stopped, history.optimizerState?.step]).toEqual(["aborted", history.steps]);
    }
    using model = await smallModel(backend);
    const { optimizerState } = await model.fit(data, { ...keep, signal: AbortSignal.abort() });
    expect(optimizerState?.step).toBe(0);
    // Nothing was done: to begin with that is to begin anew.
    using anew = await smallModel(backend);
    const expected = await anew.fit(data, { ...options, epochs: 1 });
    expect((await model.fit(data, { ...options, epochs: 1, optimizerState })).losses).toEqual(expected.losses);
  });

  test("is that of the last step where early stopping restores an earlier epoch", async () => {
    const stopping = { validation: risingOrFalling(32, 9, 5), earlyStopping: { patience: 2, minimumImprovement: 10 } };
    using model = await smallModel(backend);
    const history = await model.fit(data, { ...keep, epochs: 30, ...stopping });
    // No loss becomes better by ten.
    expect([history.stopped, history.bestEpoch, history.epochs.length]).toEqual(["early", 1, 3]);
    expect([history.steps, history.optimizerState?.step]).toEqual([12, 12]);
  });

  test("a run that goes on from its checkpoint has the checkpoint's", async () => {
    let bytes: Uint8Array | undefined;
    const kept = (resume?: Uint8Array): { checkpoint: CheckpointOptions } => ({ checkpoint: { path: (file) => void (bytes = file), resume } });
    using model = await smallModel(backend);
    const first = await model.fit(data, { ...keep, epochs: 2, ...kept() });
    const wrong = { ...(first.optimizerState as OptimizerState), step: 1000 };
    using resumed = await smallModel(backend);
    const second = await resumed.fit(data, { ...keep, epochs: 5, optimizerState: wrong, ...kept(bytes) });
    using whole = await smallModel(backend);
    const expected = await whole.fit(data, { ...keep, epochs: 5 });
    expect(second.optimizerState).toEqual(expected.optimizerState);
    expect((await stateOf(resumed)).equals(await stateOf(whole))).toBe(true);
  });

  test("is a copy, named and shaped as the parameters", async () => {
    using model = await createModel({ ...definition, input: { features: 3, scaling: "standard" } }, { backend });
    const { optimizerState } = await model.fit(data, { ...keep, epochs: 1, optimizer: { kind: "adamw", amsgrad: true } });
    const { parameters } = optimizerState as OptimizerState;
    const trained = Object.entries(model.parameters()).filter(([name]) => !name.startsWith("input."));
    expect(Object.keys(parameters)).toEqual(trained.map(([name]) => name));
    for (const [name, { shape }] of trained) {
      expect(Object.keys(parameters[name] ?? {})).toEqual(["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]);
      for (const tensor of Object.values(parameters[name] ?? {})) expect(tensor.shape).toEqual(shape);
    }
    // What was given stays the caller's.
    const before = structuredClone(optimizerState);
    await model.fit(data, { ...keep, epochs: 1, optimizer: { kind: "adamw", amsgrad: true }, optimizerState });
    expect(optimizerState).toEqual(before);
  });

  test("what does not fit is refused, and the model stays as it was", async () => {
    using model = await smallModel(backend);
    const { optimizerState } = await model.fit(data, { ...keep, epochs: 1 });
    const state = optimizerState as OptimizerState;
    const weights = model.parameters();
    const refused = async (given: unknown, code: Parameters<typeof expectError>[1], path: string, more: FitOptions<Direction> = {}) => {
      const call = () => model.fit(data, { ...options, ...more, optimizerState: given as OptimizerState });
      const error = await expectError(call, code, `options.optimizerState${path}`);
      expect(sameBits(model.parameters()["output.weight"]?.data as Float32Array, weights["output.weight"]?.data as Float32Array)).toBe(true);
      return error;
    };
    const withTensor = (tensor: unknown) => ({
      ...state,
      parameters: { ...state.parameters, "output.bias": { ...state.parameters["output.bias"], exp_avg: tensor } },
    });
    const bias = '.parameters["output.bias"].exp_avg';
    await refused(5, "invalid_option", "");
    await refused({ ...state, epochs: 1 }, "invalid_option", ".epochs");
    await refused({ ...state, parameters: undefined }, "invalid_option", ".parameters");
    await refused({ ...state, parameters: { "output.bias": null } }, "invalid_option", '.parameters["output.bias"]');
    await refused(withTensor(undefined), "invalid_option", bias);
    await refused(withTensor({ shape: [2], data: [1, 2] }), "invalid_option", `${bias}.data`);
    await refused(withTensor({ shape: ["2"], data: new Float32Array(2) }), "invalid_option", `${bias}.shape`);
    await refused(withTensor({ shape: [3], data: new Float32Array(2) }), "shape_mismatch", `${bias}.data`);
    await refused(withTensor({ shape: [2], data: Float32Array.of(1, Number.NaN) }), "not_finite", bias);
    await refused({ ...state, step: -1 }, "invalid_option", ".step");
    await refused({ ...state, step: 1.5 }, "invalid_option", ".step");
    await refused({ ...state, step: Number.NaN }, "invalid_option", ".step");
    await refused({ ...state, step: 0 }, "invalid_option", ".step");
    await refused({ ...state, kind: "adamax" }, "invalid_option", ".kind");
    await refused(state, "invalid_option", ".kind", { optimizer: { kind: "adamw" } });
    const { "output.bias": _left, ...fewer } = state.parameters;
    const several = { ...state, parameters: { ...fewer, "head.bias": state.parameters["output.bias"] } };
    const { message } = await refused(several, "state_mismatch", ".parameters");
    expect(message).toContain("missing: output.bias.exp_avg, output.bias.exp_avg_sq; unexpected: head.bias.exp_avg, head.bias.exp_avg_sq");
    await refused(state, "state_mismatch", ".parameters", { optimizer: { kind: "adam", amsgrad: true } });
    const wish = { ...options, keepOptimizerState: "yes" as unknown as boolean };
    await expectError(() => model.fit(data, wish), "invalid_option", "options.keepOptimizerState");
    // And the model still trains.
    await model.fit(data, { ...options, epochs: 1, optimizerState: state });
  });

  test("a summary's memory is that of the optimiser", async () => {
    using model = await smallModel(backend);
    const memory = (optimizer: Parameters<typeof model.summary>[0]) => /state ([\d.]+) KB/.exec(model.summary(optimizer))?.[1];
    const adam = Number(memory({}));
    expect(Number(memory({ optimizer: { kind: "sgd", learningRate: () => 1 } }))).toBeCloseTo(adam / 2, 0);
    expect(Number(memory({ optimizer: { kind: "adamw", amsgrad: true } }))).toBeCloseTo((5 * adam) / 4, 0);
    await expectError(() => model.summary({ optimizer: { kind: "adamax" } as never }), "invalid_option", "options.optimizer.kind");
  });
});
