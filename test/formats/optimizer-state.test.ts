// Optimisers from PyTorch and to it: training goes on with PyTorch's next losses, what it leaves is what PyTorch's leaves, and what
// one of the two has no word for is named.

import { type Optimizer, type OptimizerState, createModel } from "gatewise";
import { type StateDictValue, type StoredTensor, optimizerFromPyTorch, optimizerToPyTorch } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { BACKENDS, expectError, risingOrFalling, smallModel } from "../facade/support.js";
import { data, modelOf, runs } from "./optimizer-vectors.js";

/** f32 against float64, relative to each loss: 6e-7 is the largest error measured. */
const LOSSES = 1e-6;
/** The same of what is kept, after ten steps that divide by small numbers, relative to the largest of a tensor: 8e-6. */
const KEPT = 2e-5;

const [run] = runs as [(typeof runs)[number]];
const training = { epochs: 5, batchSize: 8, shuffle: false, keepOptimizerState: true } as const;

describe.each(BACKENDS)("PyTorch's optimisers on %s", (backend) => {
  test.each(runs)("$name goes on with PyTorch's ten losses, and back", async (one) => {
    const imported = await optimizerFromPyTorch(one.before, one.order);
    using model = await modelOf(one, backend);
    const history = await model.fit(data, { ...imported, ...training });
    const off = history.losses.map((loss, step) => Math.abs(loss / (one.losses[step] ?? Number.NaN) - 1));
    expect(off).toHaveLength(10);
    expect(Math.max(...off)).toBeLessThanOrEqual(LOSSES);

    const { optimizerState } = history;
    const exported = optimizerToPyTorch({ optimizer: imported.optimizer, optimizerState }, one.order);
    const [found, expected] = [await plain(exported), await plain(one.after)];
    expect(Object.keys(found.state)).toEqual(Object.keys(expected.state));
    for (const [id, slots] of Object.entries(expected.state)) {
      for (const [slot, { shape, data: numbers }] of Object.entries(slots)) {
        expect(found.state[id]?.[slot]?.shape, `${id}.${slot}`).toEqual(shape);
        expect(errorOf(found.state[id]?.[slot]?.data ?? [], numbers), `${id}.${slot}`).toBeLessThanOrEqual(KEPT);
      }
      expect(Object.keys(found.state[id] ?? {}).sort()).toEqual(Object.keys(slots).sort());
    }
    // PyTorch's groups, but that parameters which are treated alike are in one.
    const groups = (file: Plain) => file.param_groups.map((group) => ({ ...group, lr: Number((group["lr"] as number).toPrecision(6)) }));
    expect(groups(found)).toEqual(groups(expected));
  });
});

test("the same, given as plain objects", async () => {
  const { state, param_groups } = await plain(run.before);
  const stored = Object.entries(state).map(([id, slots]) => {
    const tensors = Object.entries(slots).map(([slot, tensor]): [string, StoredTensor] => {
      return [slot, { shape: tensor.shape, type: "f32", read: async () => Float32Array.from(tensor.data) }];
    });
    return [id, Object.fromEntries(tensors)];
  });
  const object = { state: Object.fromEntries(stored) as object, param_groups };
  expect(await optimizerFromPyTorch(object, run.order)).toEqual(await optimizerFromPyTorch(run.before, run.order));
});

test("what went to PyTorch's form comes back as it was", async () => {
  for (const one of runs) {
    const imported = await optimizerFromPyTorch(one.before, one.order);
    const again = await optimizerFromPyTorch(optimizerToPyTorch(imported, one.order), one.order);
    expect(again).toEqual(imported);
  }
});

test("a wrong step count, or moments that are swapped, give other losses", async () => {
  const imported = await optimizerFromPyTorch(run.before, run.order);
  const { step, parameters } = imported.optimizerState as OptimizerState;
  const swapped = Object.entries(parameters).map(([name, { exp_avg, exp_avg_sq }]) => {
    const squares = exp_avg && { ...exp_avg, data: exp_avg.data.map(Math.abs) };
    return [name, { exp_avg: exp_avg_sq, exp_avg_sq: squares }];
  });
  const wrong = [{ step: step + 1 }, { parameters: Object.fromEntries(swapped) as OptimizerState["parameters"] }];
  for (const change of wrong) {
    using model = await modelOf(run, "native");
    const optimizerState = { ...(imported.optimizerState as OptimizerState), ...change };
    const { losses } = await model.fit(data, { ...imported, ...training, optimizerState });
    const off = losses.map((loss, index) => Math.abs(loss / (run.losses[index] ?? Number.NaN) - 1));
    expect(Math.max(...off)).toBeGreaterThan(10 * LOSSES);
  }
});

describe("what PyTorch's file says", () => {
  const groups = (change: (group: Map<string, unknown>) => void, of = run) => {
    const own = (of.before.get("param_groups") as Map<string, unknown>[]).map((group) => new Map(group));
    own.forEach(change);
    return new Map<string, unknown>([...of.before, ["param_groups", own]]);
  };
  const set = (key: string, value: unknown) => groups((group) => void group.set(key, value));
  const read = (entry: unknown, ...rest: [object?]) => optimizerFromPyTorch(entry, run.order, ...rest);

  test("weights decay as PyTorch's do, biases too; groups keep their rates", async () => {
    const [decaying, grouped] = ["adamw", "adamw-groups"].map((name) => runs.find((one) => one.name === name) ?? run);
    expect((await optimizerFromPyTorch(decaying?.before, run.order)).optimizer).toEqual({
      kind: "adamw",
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      amsgrad: false,
      weightDecay: 0.3,
      groups: [{ parameters: ["*"], weightDecay: 0.3 }],
    });
    const { order, before } = grouped ?? run;
    expect((await optimizerFromPyTorch(before, order)).optimizer).toMatchObject({
      learningRate: 0.03,
      weightDecay: 0,
      groups: [{ parameters: order.slice(2), learningRateFactor: 0.01 / 0.03, weightDecay: 0.3 }],
    });
  });

  test("before the first step there is nothing to go on with", async () => {
    const { optimizer, optimizerState } = await read(new Map([...run.before, ["state", new Map()]]));
    expect([optimizer.kind, optimizerState]).toEqual(["adam", undefined]);
  });

  test("parameters of which nothing is kept are frozen", async () => {
    const state = new Map(run.before.get("state") as Map<number, unknown>);
    state.delete(0);
    const entry = new Map([...run.before, ["state", state]]);
    const imported = await read(entry);
    expect(imported.optimizer.groups).toEqual([{ parameters: ["layers.0.weight_ih_l0"], frozen: true }]);
    using model = await modelOf(run, "native");
    const before = model.parameters();
    const { optimizerState } = await model.fit(data, { ...imported, ...training });
    expect(model.parameters()["layers.0.weight_ih_l0"]).toEqual(before["layers.0.weight_ih_l0"]);
    expect(optimizerState?.parameters).not.toHaveProperty(["layers.0.weight_ih_l0"]);
    const again = await optimizerFromPyTorch(optimizerToPyTorch({ ...imported, optimizerState }, run.order), run.order);
    expect(again.optimizer).toEqual(imported.optimizer);
  });

  test("numbers may be tensors of one number", async () => {
    const one: StoredTensor = { shape: [], type: "f32", read: async () => Float32Array.of(0.5) };
    expect((await read(set("lr", one))).optimizer.learningRate).toBe(0.5);
  });

  test("files that do not tell Adam from AdamW are asked about, where that changes a number", async () => {
    const older = (decay: number) => groups((group) => void group.set("weight_decay", decay).delete("decoupled_weight_decay"));
    expect((await read(older(0))).optimizer.kind).toBe("adam");
    expect((await read(older(0.1), { kind: "adamw" })).optimizer.kind).toBe("adamw");
    await expectError(() => read(older(0.1)), "invalid_option", "options.kind");
    await expectError(() => read(run.before, { kind: "adamw" }), "invalid_option", "options.kind");
    await expectError(() => read(run.before, { kind: "sgd" }), "invalid_option", "options.kind");
  });

  test("a learning rate of 0 is none to go on with, unless another is given", async () => {
    await expectError(() => read(set("lr", 0)), "invalid_option", "options.learningRate");
    expect((await read(set("lr", 0), { learningRate: 0.25 })).optimizer.learningRate).toBe(0.25);
  });

  test("what has no equal here is named", async () => {
    const nadam = groups((group) => void (group.set("momentum_decay", 0.004), group.delete("amsgrad")));
    expect((await expectError(() => read(nadam), "not_expressible", "param_groups[0]")).message).toContain("momentum_decay");
    const maximizing = await expectError(() => read(set("maximize", true)), "not_expressible", "param_groups[0].maximize");
    expect(maximizing.message).toContain("maximize");
    const grouped = runs.find(({ name }) => name === "adamw-groups") ?? run;
    let other = 1e-8;
    const epsilons = groups((group) => void group.set("eps", (other *= 10)), grouped);
    const error = await expectError(() => optimizerFromPyTorch(epsilons, grouped.order), "not_expressible", "param_groups");
    expect(error.message).toContain("epsilon");
    const state = new Map(run.before.get("state") as Map<number, Map<string, unknown>>);
    state.set(3, new Map([...(state.get(3) ?? []), ["step", 7]]));
    const steps = await expectError(() => read(new Map([...run.before, ["state", state]])), "not_expressible", "state");
    expect(steps.message).toMatch(/20 steps .* 7/);
    for (const harmless of ["foreach", "capturable", "differentiable", "fused"]) await read(set(harmless, true));
  });

  test("what is no optimiser's state is refused with its place", async () => {
    const changed = (key: string, value: unknown) => new Map([...run.before, [key, value]]);
    const entry = (value: unknown) => changed("state", new Map([[0, value]]));
    const wrong: [unknown, string][] = [
      [null, ""],
      [new Map(), "param_groups"],
      [changed("param_groups", []), "param_groups"],
      [changed("param_groups", [3]), "param_groups[0]"],
      [changed("state", 5), "state"],
      [set("lr", "high"), "param_groups[0].lr"],
      [set("lr", true), "param_groups[0].lr"],
      [set("betas", [0.9]), "param_groups[0].betas[1]"],
      [set("betas", 0.9), "param_groups[0].betas"],
      [set("params", [0, -1]), "param_groups[0].params"],
      [set("params", Array.from({ length: 10 }, () => 0)), "param_groups"],
      [changed("state", new Map([[10, new Map()]])), "state[10]"],
      [changed("state", new Map([["length", new Map()]])), "state[length]"],
      [entry(7), "state[0]"],
      [entry(new Map([["exp_avg", 1]])), "state[0].exp_avg"],
    ];
    for (const [value, path] of wrong) await expectError(() => read(value), "invalid_file", path);
    await expectError(() => optimizerFromPyTorch(run.before, run.order.slice(1)), "state_mismatch", "parameterOrder");
    await expectError(() => optimizerFromPyTorch(run.before, [...run.order.slice(1), "output.bias"]), "invalid_option", "parameterOrder");
  });

  test("tensors that are not the model's are listed when training begins", async () => {
    const imported = await optimizerFromPyTorch(run.before, run.order.toReversed());
    using model = await modelOf(run, "native");
    const before = model.parameters();
    const { message } = await expectError(() => model.fit(data, { ...imported, ...training }), "state_mismatch", "options.optimizerState.parameters");
    expect(message).toContain("output.weight.exp_avg [20, 5] in the place of [3, 5]");
    expect(model.parameters()).toEqual(before);
  });
});

describe("what PyTorch is told", () => {
  const order = ["layers.0.weight_ih_l0", "layers.0.bias_ih_l0", "output.weight", "output.bias"];
  const state = (optimizer: Optimizer): OptimizerState => {
    const tensor = { shape: [1], data: new Float32Array(1) };
    return { kind: optimizer.kind, step: 3, parameters: Object.fromEntries(order.map((name) => [name, { exp_avg: tensor }])) };
  };
  const told = async (optimizer: Optimizer, options = {}) => {
    return plain(optimizerToPyTorch({ optimizer, optimizerState: state(optimizer) }, order, options));
  };

  test("defaults are PyTorch's own", async () => {
    const { param_groups } = await told({ kind: "adam" });
    expect(param_groups).toEqual([
      {
        lr: 0.001,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0,
        amsgrad: false,
        maximize: false,
        foreach: null,
        capturable: false,
        differentiable: false,
        fused: null,
        decoupled_weight_decay: false,
        params: [0, 1, 2, 3],
      },
    ]);
    expect((await plain(optimizerToPyTorch({}, order))).state).toEqual({});
  });

  test("a group for each treatment: what decays, and at which rate", async () => {
    const { param_groups } = await told({
      kind: "adamw",
      learningRate: 0.1,
      groups: [{ parameters: ["out*.b*s"], learningRateFactor: 0.5, weightDecay: 0.25 }],
    });
    expect(param_groups.map(({ lr, weight_decay, params }) => [lr, weight_decay, params])).toEqual([
      [0.1, 0.01, [0, 2]],
      [0.1, 0, [1]],
      [0.05, 0.25, [3]],
    ]);
  });

  test("weights are what the core takes for weights", async () => {
    const layers = [
      { cell: "lstm", units: 3, layerNorm: true },
      { cell: "lstm", units: 3, projection: 2, bidirectional: true },
      { cell: "gru", units: 2, inputNorm: true },
    ] as const;
    const output = { classes: ["falling", "rising"], at: "attention", norm: true } as const;
    using model = await createModel({ input: { features: 3, statics: 2 }, layers, output });
    const problem = { ...risingOrFalling(8), statics: new Float32Array(16) };
    const before = model.parameters();
    const optimizer = { kind: "adamw", learningRate: 1e-6, weightDecay: 0.5e6 } as const;
    const { optimizerState } = await model.fit(problem, { epochs: 1, optimizer, keepOptimizerState: true });
    const after = model.parameters();
    // A step takes half of what decays, and a millionth of everything.
    const decayed = Object.keys(before).filter((name) => {
      const ratio = (after[name]?.data ?? []).map((value, index) => value / (before[name]?.data[index] ?? 1));
      return ratio.some((value) => Math.abs(value - 0.5) < 0.01);
    });
    const names = Object.keys(before);
    const exported = await plain(optimizerToPyTorch({ optimizer, optimizerState }, names));
    const decaying = exported.param_groups.filter((group) => group["weight_decay"] !== 0).flatMap((group) => group["params"] as number[]);
    expect(decaying.map((id) => names[id]).sort()).toEqual(decayed.sort());
    expect(decayed.length).toBeGreaterThan(5);
    expect(decayed.length).toBeLessThan(names.length - 5);
  });

  test("what cannot be said is named", async () => {
    await expectError(() => told({ kind: "lion" }), "not_expressible", "optimizer.kind");
    const scheduled: Optimizer = { kind: "adam", learningRate: { schedule: "cosine" } };
    await expectError(() => told(scheduled), "invalid_option", "options.learningRate");
    expect((await told(scheduled, { learningRate: 0.5 })).param_groups[0]?.["lr"]).toBe(0.5);
    const [sgd, adam] = [{ kind: "sgd" }, { kind: "adam" }] as const;
    await expectError(() => optimizerToPyTorch({ optimizer: sgd, optimizerState: state(adam) }, order), "invalid_option", "optimizerState.kind");
    const less = await expectError(() => optimizerToPyTorch({ optimizerState: state(adam) }, order.slice(1)), "state_mismatch", "parameterOrder");
    expect(less.message).toContain("the order lacks layers.0.weight_ih_l0");
    const more = await expectError(() => optimizerToPyTorch({ optimizerState: state(adam) }, [...order, "head.bias"]), "state_mismatch", "parameterOrder");
    expect(more.message).toContain("the state lacks head.bias");
    await expectError(() => optimizerToPyTorch({ optimizerState: state(adam) }, [...order, "output.bias"]), "invalid_option", "parameterOrder");
  });

  test("a model that was trained here", async () => {
    using model = await smallModel("native");
    const { optimizerState } = await model.fit(risingOrFalling(16), { epochs: 2, keepOptimizerState: true });
    const names = Object.keys(model.parameters());
    const { state: kept } = await plain(optimizerToPyTorch({ optimizerState }, names));
    expect(kept["0"]?.["step"]).toEqual({ shape: [], data: [2] });
    expect(kept["0"]?.["exp_avg"]?.shape).toEqual([32, 3]);
  });
});

interface Plain {
  readonly state: Readonly<Record<string, Readonly<Record<string, { shape: readonly number[]; data: readonly number[] }>>>>;
  readonly param_groups: readonly Readonly<Record<string, unknown>>[];
}

/** A state dict with all of its tensors read. */
async function plain(entry: ReadonlyMap<string, unknown>): Promise<Plain> {
  const value = async (field: unknown): Promise<unknown> => {
    if (field instanceof Map) {
      const fields = await Promise.all([...(field as Map<string, StateDictValue>)].map(async ([key, each]) => [key, await value(each)]));
      return Object.fromEntries(fields) as unknown;
    }
    if (Array.isArray(field)) return Promise.all(field.map(value));
    if (typeof field !== "object" || field === null) return field;
    const { shape, read } = field as StoredTensor;
    return { shape, data: [...(await read())] };
  };
  return (await value(entry)) as Plain;
}

/** The largest difference, relative to the largest number. */
function errorOf(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return Infinity;
  const off = found.map((number, index) => Math.abs(number - (expected[index] ?? Number.NaN)));
  return Math.max(...off) / Math.max(1e-3, ...expected.map(Math.abs));
}
