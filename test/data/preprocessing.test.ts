// A pipeline inside a model: taken over by fit, saved, loaded on the other backend, applied to raw rows.

import { type RawRows, createModel, loadModel } from "gatewise";
import { definePipeline, tableFromRows } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { BACKENDS, errorOf, expectError, sameBits } from "../facade/support.js";

/** Orders of eight customers over half a year; those with even numbers go on ordering. */
const rows = Array.from({ length: 400 }, (_, i) => {
  const customer = i % 8;
  const day = Math.floor(i / 8) * (customer % 2 === 0 ? 3 : 1);
  return { customer, time: new Date(Date.UTC(2024, 0, 1 + day)).toISOString(), value: 10 + ((i * 37) % 50), kind: "abc"[i % 3] };
});
const pipeline = definePipeline({
  group: "customer",
  time: "time",
  steps: { every: "week" },
  aggregate: { orders: { count: true }, value: { sum: "value" }, kind: { last: "kind" } },
  fill: { kind: "previous" },
  features: [
    { column: "orders", scale: "standard" },
    { column: "value", scale: ["log", "min-max"] },
    { column: "kind", encode: "one-hot", unseen: "other" },
    { calendar: "month" },
  ],
  target: { event: { value: { above: 0 } }, within: 4, classes: ["lapsed", "returning"] },
});
const cutOffs = ["2024-02-20", "2024-03-10"];
const fitted = pipeline.fit(rows, { cutOffs });
const prepared = fitted.apply(rows, { cutOffs });

function newModel(backend: "native" | "wasm") {
  const definition = {
    input: { features: fitted.features.length },
    layers: [{ cell: "lstm", units: 8 }],
    output: { classes: ["lapsed", "returning"] },
    seed: 3,
  } as const;
  return createModel(definition, { backend });
}

/** The file with the text under our key changed; the tensors' bytes stay. */
function withPreprocessing(file: Uint8Array, change: (saved: { preprocessing: unknown }) => void): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<string, { gatewise: string }>;
  const metadata = header["__metadata__"] ?? expect.fail("the file has no metadata");
  const saved = JSON.parse(metadata.gatewise) as { preprocessing: unknown };
  change(saved);
  metadata.gatewise = JSON.stringify(saved);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(text.length), true);
  return Uint8Array.from([...size, ...text, ...file.subarray(8 + length)]);
}

describe.each(BACKENDS)("on %s", (backend) => {
  test("fit takes it over; the file brings it back on either backend, and raw rows come to the same", async () => {
    const model = await newModel(backend);
    expect(model.preprocessing).toBeUndefined();
    await model.fit(prepared, { epochs: 30, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.02 } });
    expect(model.preprocessing).toEqual(fitted.toJSON());

    const expected = await model.predict(prepared);
    const of = (data: RawRows) => model.predict(data);
    const found = await of({ rows, cutOffs });
    expect(found.map(({ prediction }) => prediction)).toEqual(expected);
    expect(found.map(({ group }) => group)).toEqual(prepared.groups);
    expect(Float64Array.from(found, ({ time }) => time)).toEqual(prepared.times);
    expect(await of({ rows: tableFromRows(rows), cutOffs })).toEqual(found);
    expect(await model.evaluate({ rows, cutOffs })).toEqual(await model.evaluate(prepared));
    expect((await model.evaluate({ rows, cutOffs })).accuracy).toBeGreaterThan(0.9);

    const file = await model.save();
    expect(file).toEqual(await model.save());
    for (const other of BACKENDS) {
      const loaded = await loadModel<"lapsed" | "returning">(file, { backend: other });
      expect(loaded.preprocessing).toEqual(fitted.toJSON());
      expect(Buffer.from(await loaded.save()).equals(Buffer.from(file))).toBe(true);
      const again = await loaded.predict({ rows, cutOffs });
      for (const [i, { prediction, ...origin }] of again.entries()) {
        const { prediction: first, ...known } = found[i] ?? expect.fail();
        expect(origin).toEqual(known);
        expect(prediction.probabilities.returning).toBeCloseTo(first.probabilities.returning, 5);
      }
      loaded.dispose();
    }
    model.dispose();
  });

  test("rows need not have what only targets read, nor be of known categories", async () => {
    const model = await newModel(backend);
    await model.fit(prepared, { epochs: 1 });
    const [one] = await model.predict({ rows: [{ customer: 77, time: "2024-05-05", value: "12", kind: "z" }] });
    expect(one).toMatchObject({ group: 77, time: Date.parse("2024-05-06") });
    expect(["lapsed", "returning"]).toContain(one?.prediction.label);
    await expectError(() => model.predict({ rows: [{ customer: 1, time: "2024-05-05", kind: "a" }] }), "invalid_data", "columns.value");
    await expectError(() => model.predict({ rows: [{ customer: 1, time: null, value: 1, kind: "a" }] }), "invalid_data", "rows[0].time");
    await expectError(() => model.predict({ rows: [] }), "empty_data", "rows");
    model.dispose();
  });

  test("a model without one refuses raw rows; data without one leave it as it is", async () => {
    const model = await newModel(backend);
    const { preprocessing: _, ...arrays } = prepared;
    await model.fit(arrays, { epochs: 1 });
    expect(model.preprocessing).toBeUndefined();
    await expectError(() => model.predict({ rows }), "invalid_option", "rows");
    await expectError(() => model.evaluate({ rows }), "invalid_option", "rows");
    await model.fit(prepared, { epochs: 1 });
    await model.fit(arrays, { epochs: 1 });
    expect(model.preprocessing).toEqual(fitted.toJSON());
    model.dispose();
  });

  test("what is no pipeline is refused by fit, and the model stays as it was", async () => {
    const model = await newModel(backend);
    const before = await model.save();
    const damaged = { ...fitted.toJSON(), features: [] };
    const error = await errorOf(() => model.fit({ ...prepared, preprocessing: damaged }, { epochs: 1 }));
    expect([error.code, error.path]).toEqual(["invalid_option", "data.preprocessing"]);
    // Data that are refused bring nothing along either.
    await expectError(() => model.fit({ ...prepared, targets: [] }, { epochs: 1 }), "shape_mismatch", "targets");
    expect(model.preprocessing).toBeUndefined();
    expect(await model.save()).toEqual(before);
    await model.fit(prepared, { epochs: 1 });
    model.dispose();
  });

  test("hostile and damaged text in a file is an invalid_file", async () => {
    const model = await newModel(backend);
    await model.fit(prepared, { epochs: 1 });
    const file = await model.save();
    model.dispose();
    const text = JSON.stringify(fitted);
    const changed = (change: (saved: Record<string, unknown>) => void) => {
      const saved = JSON.parse(text) as Record<string, unknown>;
      change(saved);
      return JSON.stringify(saved);
    };
    const scaler = { kind: "standard", centre: 0, size: 0 };
    for (const [preprocessing, path] of [
      [text.slice(0, -5), "preprocessing"],
      ["null", "preprocessing"],
      ["[".repeat(100_000), "preprocessing"],
      [changed((saved) => (saved["version"] = 9)), "preprocessing.version"],
      [changed((saved) => (saved["extra"] = 1)), "preprocessing.extra"],
      [changed((saved) => (saved["features"] = [])), "preprocessing"],
      [changed((saved) => (saved["features"] = [{ scalers: [scaler] }, {}, {}, {}])), "preprocessing.features[0].scalers[0].size"],
      [changed((saved) => (saved["definition"] = { features: ["a"], __proto__: { x: 1 }, group: 5 })), "preprocessing.definition.group"],
      [changed((saved) => delete saved["target"]), "preprocessing"],
      [7, "preprocessing"],
    ] as const) {
      const bytes = withPreprocessing(file, (saved) => (saved.preprocessing = preprocessing));
      await expectError(() => loadModel(bytes, { backend }), "invalid_file", path);
    }
    const loaded = await loadModel(withPreprocessing(file, (saved) => delete (saved as Partial<typeof saved>).preprocessing), { backend });
    expect(loaded.preprocessing).toBeUndefined();
    loaded.dispose();
  });

  test("forecasts come back in the table's units", async () => {
    const series = Array.from({ length: 80 }, (_, t) => ({ shop: t % 2, t: Math.floor(t / 2), sold: 1000 + 20 * Math.floor(t / 2) }));
    const forecast = definePipeline({
      group: "shop",
      time: "t",
      features: [{ column: "sold", scale: "standard" }],
      window: { size: 5 },
      target: { values: "sold", steps: 2, scale: "standard" },
    });
    const fit = forecast.fit(series);
    const model = await createModel({ input: { features: 1 }, layers: [{ cell: "gru", units: 8 }], output: { values: 1, steps: 2 }, seed: 1 }, { backend });
    await model.fit(fit.apply(series), { epochs: 60, batchSize: 8, optimizer: { kind: "adam", learningRate: 0.02 } });
    const latest = await model.predict({ rows: series, latest: true });
    expect(latest.map(({ group, time }) => [group, time])).toEqual([[0, 39], [1, 39]]);
    for (const { prediction } of latest) {
      expect(prediction.shape).toEqual([2, 1]);
      expect(Math.abs((prediction.values[0] ?? NaN) - 1800)).toBeLessThan(100);
    }
    const [scaled] = await model.predict(fit.sequences(series, { latest: true }));
    expect(sameBits(fit.originalValues(scaled?.values ?? expect.fail()), latest[0]?.prediction.values ?? expect.fail())).toBe(true);
    model.dispose();
  });
});
