// Tokens, statics and numbers beside them through the whole API, on both backends. Their numbers are the core's tests'
// business, against PyTorch.

import { type BackendName, type Model, type Sequences, createModel, loadModel } from "gatewise";
import { describe, expect, test } from "vitest";

import { BACKENDS, expectError, randomNumbers, sameBits } from "./support.js";

const N = 40;
const STEPS = 7;
const TOKENS = 6;

/** Tokens out of all but the last, which stands in the padding; a number a step, NaN in the padding; a number a sequence. */
function sequences() {
  const random = randomNumbers(9);
  const tokens = new Uint8Array(N * STEPS).fill(TOKENS - 1);
  const x = new Float32Array(N * STEPS).fill(Number.NaN);
  const statics = Float32Array.from({ length: N }, () => 10 + 3 * random());
  const lengths = Uint32Array.from({ length: N }, (_, sample) => 2 + ((sample * 5) % (STEPS - 1)));
  for (const [sample, length] of lengths.entries()) {
    for (let step = 0; step < length; step++) {
      tokens[sample * STEPS + step] = Math.floor(((random() + 1) / 2) * (TOKENS - 1));
      x[sample * STEPS + step] = random();
    }
  }
  return { tokens, x, statics, lengths };
}

const { tokens, x, statics, lengths } = sequences();
const shape = [N, STEPS] as const;
const OPTIONS = { epochs: 40, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.03 }, clipNorm: 5 } as const;
const words = { tokens: TOKENS, embedding: 8, padding: TOKENS - 1 } as const;
const step = (sample: number, at: number) => sample * STEPS + at;

/** Saves and loads a model: it is the same, to the bit, in what it is and in what `run` gives. Gives what `run` gave. */
async function comesBack(model: Model<{ values: number }> | Model<string>, data: Sequences, numbers: number): Promise<Float32Array> {
  using loaded = await loadModel<{ values: number }>(await model.save(), { backend: model.backend.name });
  expect(loaded.definition).toEqual(model.definition);
  const [y, again] = [new Float32Array(numbers).fill(-1), new Float32Array(numbers)];
  const arrays = { x: data.x, tokens: data.tokens && Uint32Array.from(data.tokens), statics: data.statics, lengths };
  expect(model.run(arrays, y)).toBe(y);
  expect(sameBits(loaded.run(arrays, again), y)).toBe(true);
  return y;
}

describe.each(BACKENDS)("on the %s backend", (backend: BackendName) => {
  test("tokens alone: whether a sequence holds one", async () => {
    for (const sparse of [false, true]) {
      using model = await createModel(
        {
          input: { ...words, sparse },
          layers: [{ cell: "gru", units: 8 }],
          output: { classes: ["no", "yes"] },
          seed: 3,
        },
        { backend },
      );
      expect(model.parameters()["embedding.weight"]?.shape).toEqual([TOKENS, 8]);
      expect(model.summary()).toMatch(/embedding: of 6 tokens +\[n, steps, 8\] +48/);
      const has = Array.from(lengths, (length, sample) => tokens.subarray(step(sample, 0), step(sample, length)).includes(2));
      const data = { tokens, shape, lengths, targets: has.map((is) => (is ? "yes" : "no") as "yes" | "no") };
      const { epochs } = await model.fit(data, { ...OPTIONS, validation: data });
      expect(epochs.at(-1)?.accuracy).toBeGreaterThan(0.95);
      // The padding token stays what it was.
      expect([...(model.parameters()["embedding.weight"]?.data.subarray(-8) ?? [])]).toEqual(Array(8).fill(0));

      const y = await comesBack(model, data, N * 2);
      const predictions = await model.predict(data);
      expect(predictions.flatMap(({ probabilities }) => [probabilities.no, probabilities.yes])).toEqual([...y]);
      const report = await model.evaluate(data);
      expect(report.loss).toBeCloseTo(epochs.at(-1)?.validation?.loss ?? 0, 4);

      using stream = model.stream();
      for (const again of [false, true]) {
        if (again) stream.reset();
        let last = 0;
        for (let at = 0; at < (lengths[3] ?? 0); at++) last = stream.next(tokens[step(3, at)] ?? 0).probabilities.yes;
        expect(last).toBeCloseTo(y[7] ?? 0, 5);
      }
    }
  });

  test("what stands in the padding, and how tokens are given, changes no bit", async () => {
    const train = async (given: Sequences["tokens"]) => {
      const definition = { input: words, layers: [{ cell: "lstm", units: 4 }], output: { values: 1 } } as const;
      using model = await createModel(definition, { backend });
      await model.fit({ tokens: given as Uint8Array, shape, lengths, targets: statics }, { epochs: 2 });
      return model.parameters()["output.weight"]?.data ?? new Float32Array();
    };
    const expected = await train(tokens);
    const padded = (fill: number) => (token: number, place: number) =>
      place % STEPS < (lengths[Math.floor(place / STEPS)] ?? 0) ? token : fill;
    for (const other of [Int32Array.from(tokens, padded(-7)), Uint32Array.from(tokens, padded(4e9)), tokens.map(padded(2))]) {
      expect(sameBits(await train(other), expected)).toBe(true);
    }
  });

  test("the next token, with the embeddings as the output's weights", async () => {
    const letters = [..."abcdef"] as const;
    using model = await createModel(
      { input: words, layers: [{ cell: "lstm", units: 8 }], output: { classes: [..."abcdef"], at: "each", tied: true } },
      { backend },
    );
    expect(Object.keys(model.parameters()).filter((name) => name.startsWith("output"))).toEqual(["output.bias"]);
    // A text that repeats, of which every sequence is a part; targets are a view of the same text, one token later.
    const text = Uint8Array.from({ length: 30 * 8 + 1 }, (_, place) => [0, 1, 2, 1, 3, 4][place % 6] ?? 0);
    const data = { tokens: text.subarray(0, 240), shape: [30, 8] as const };
    const { epochs } = await model.fit({ ...data, targets: text.subarray(1) }, OPTIONS);
    expect(epochs.at(-1)?.loss).toBeLessThan((epochs[0]?.loss ?? 0) / 4);
    const [first] = await model.predict(data);
    expect(first?.slice(2).map(({ label }) => letters.indexOf(label as (typeof letters)[number]))).toEqual([...text.subarray(3, 9)]);
    const { perplexity } = await model.evaluate({ ...data, targets: text.subarray(1) });
    expect(perplexity).toBeLessThan(2);
    using stream = model.stream();
    expect(first?.map(({ label }, at) => stream.next(text[at] ?? 0).label === label)).toEqual(Array(8).fill(true));
    // Without lengths, `run` takes one sequence.
    const y = model.run({ tokens: Uint32Array.from(text.subarray(0, 8)) }, new Float32Array(8 * 6));
    expect(y[4]).toBeCloseTo(first?.[0]?.probabilities["e"] ?? 0, 5);
  });

  test.each(["steps", "states"] as const)("numbers, tokens and statics together, the last as %s", async (staticsAs) => {
    using model = await createModel(
      {
        input: { features: 1, ...words, statics: 1, staticsAs, scaling: "standard" },
        layers: [{ cell: "lstm", units: 8 }, { cell: "gru", units: 6 }],
        output: { values: 1 },
      },
      { backend },
    );
    if (staticsAs === "states") expect(model.parameters()["initial.weight"]?.shape).toEqual([8 + 8 + 6, 1]);
    const targets = Float32Array.from(lengths, (length, sample) => {
      const last = step(sample, length - 1);
      return ((statics[sample] ?? 0) - 10) / 3 + (x[last] ?? 0) + (tokens[last] === 1 ? 1 : 0);
    });
    const data = { x, tokens, statics, shape: [N, STEPS, 1] as const, lengths, targets };
    const { epochs } = await model.fit(data, { ...OPTIONS, epochs: 80, validation: data });
    expect(epochs.at(-1)?.loss).toBeLessThan((epochs[0]?.loss ?? 0) / 10);
    // The caller's arrays are as they were.
    expect(statics).toHaveLength(N);
    const mean = statics.reduce((sum, value) => sum + value, 0) / N;
    expect(model.parameters()["statics.mean"]?.data[0]).toBeCloseTo(mean, 5);

    const y = await comesBack(model, data, N);
    const predictions = await model.predict(data);
    expect(predictions.map(({ values }) => values[0])).toEqual([...y]);
    expect((await model.evaluate(data)).r2).toBeGreaterThan(0.8);

    using stream = model.stream({ statics: statics.subarray(5, 6) });
    const read = () => {
      let last = Number.NaN;
      for (let at = 0; at < (lengths[5] ?? 0); at++) {
        const place = step(5, at);
        last = stream.next({ x: x.subarray(place, place + 1), token: tokens[place] ?? 0 }).values[0] ?? 0;
      }
      return last;
    };
    expect(read()).toBeCloseTo(y[5] ?? 0, 4);
    stream.reset();
    expect(read()).toBeCloseTo(y[5] ?? 0, 4);
  });

  test("many sequences are read in slices of all their arrays", async () => {
    const definition = {
      input: { tokens: 4, embedding: 3, statics: 2 },
      layers: [{ cell: "rnn", units: 3 }],
      output: { values: 1 },
    } as const;
    using model = await createModel(definition, { backend });
    const n = 60_000;
    const many = { tokens: Uint32Array.from({ length: n * 3 }, (_, place) => (place * 7) % 4), statics: new Float32Array(2 * n) };
    many.statics.forEach((_, place) => (many.statics[place] = Math.sin(place)));
    const predictions = await model.predict({ ...many, shape: [n, 3] });
    const y = model.run(many, new Float32Array(n));
    expect(sameBits(Float32Array.from(predictions, ({ values }) => values[0] ?? 0), y)).toBe(true);
    many.tokens[3 * (n - 1) + 2] = 4;
    await expectError(() => model.predict({ ...many, shape: [n, 3] }), "unknown_token", `tokens[${n - 1}][2]`);
    many.tokens[3 * (n - 1) + 2] = 3;
    many.statics[2 * (n - 1) + 1] = Infinity;
    await expectError(() => model.predict({ ...many, shape: [n, 3] }), "not_finite", `statics[${n - 1}][1]`);
  });

  test("each mistake has its place", async () => {
    const layers = [{ cell: "lstm", units: 3 }] as const;
    using model = await createModel(
      { input: { features: 1, ...words, statics: 1 }, layers, output: { values: 1 } },
      { backend },
    );
    const good = { x, tokens, statics, shape: [N, STEPS, 1] as const, lengths, targets: new Float32Array(N) };
    const cases = [
      [{ tokens: undefined }, "invalid_option", "tokens"],
      [{ statics: undefined }, "invalid_option", "statics"],
      [{ x: undefined }, "invalid_option", "x"],
      [{ tokens: Float32Array.from(tokens) }, "invalid_option", "tokens"],
      [{ tokens: tokens.subarray(1) }, "shape_mismatch", "tokens"],
      [{ tokens: tokens.with(step(4, 1), TOKENS) }, "unknown_token", "tokens[4][1]"],
      [{ tokens: Int8Array.from(tokens).with(step(4, 1), -1) }, "unknown_token", "tokens[4][1]"],
      [{ statics: statics.subarray(1) }, "shape_mismatch", "statics"],
      [{ statics: [...statics] }, "invalid_option", "statics"],
      [{ statics: statics.with(3, Number.NaN) }, "not_finite", "statics[3][0]"],
      [{ statics: new Float32Array(x.buffer, 0, N) }, "shared_buffer", "statics"],
      [{ statics: new Float32Array(new SharedArrayBuffer(4 * N)) }, "shared_buffer", "statics"],
      [{ tokens: new Uint32Array(new SharedArrayBuffer(4 * N * STEPS)) }, "shared_buffer", "tokens"],
      [{ shape: [N, STEPS] }, "shape_mismatch", "shape"],
    ] as const;
    for (const [change, code, path] of cases) {
      const bad = { ...good, ...change } as never;
      await expectError(() => model.fit(bad), code, path);
      await expectError(() => model.fit(good, { validation: bad }), code, `validation.${path}`);
      await expectError(() => model.predict(bad), code, path);
      await expectError(() => model.evaluate(bad), code, path);
    }

    const y = new Float32Array(1);
    const one = { x: new Float32Array(2), tokens: new Uint32Array(2), statics: new Float32Array(1) };
    model.run(one, y);
    await expectError(() => model.run({ ...one, tokens: undefined }, y), "invalid_option", "tokens");
    await expectError(() => model.run({ ...one, tokens: new Int32Array(2) as never }, y), "invalid_option", "tokens");
    await expectError(() => model.run({ ...one, tokens: new Uint32Array(3) }, y), "shape_mismatch", "tokens");
    await expectError(() => model.run({ ...one, tokens: new Uint32Array([0, 6]) }, y), "unknown_token", "tokens[0][1]");
    await expectError(() => model.run({ ...one, statics: y }, y), "shared_buffer", "y");
    await expectError(() => model.run({ ...one, tokens: new Uint32Array(y.buffer) }, y), "shared_buffer", "y");
    await expectError(() => model.run(one.x, y), "invalid_option", "tokens");

    await expectError(() => model.stream(), "invalid_option", "statics");
    await expectError(() => model.stream({ statics: new Float32Array(2) }), "shape_mismatch", "statics");
    await expectError(() => model.stream({ statics: new Float32Array([Infinity]) }), "not_finite", "statics[0]");
    using stream = model.stream({ statics: one.statics });
    const features = new Float32Array(1);
    await expectError(() => stream.next(features), "invalid_option", "token");
    await expectError(() => stream.next(3), "invalid_option", "features");
    for (const token of [-1, 0.5, Number.NaN, TOKENS, 2 ** 32 + 1]) {
      await expectError(() => stream.next({ x: features, token }), "unknown_token", "token");
    }

    using plain = await createModel({ input: { features: 1 }, layers, output: { values: 1 } }, { backend });
    await expectError(() => plain.predict({ x, tokens, shape: [N, STEPS, 1], lengths }), "invalid_option", "tokens");
    await expectError(() => plain.run({ x: features, statics: features }, y), "invalid_option", "statics");
    await expectError(() => plain.stream({ statics: features }), "invalid_option", "statics");
    await expectError(() => plain.stream().next(1), "invalid_option", "token");
    const tied = { input: { ...words, sparse: true }, layers: [{ cell: "rnn", units: 8 }], output: { classes: [..."abcdef"], tied: true } };
    await expectError(() => createModel(tied as never, { backend }), "invalid_definition", "definition.input.sparse");
  });
});
