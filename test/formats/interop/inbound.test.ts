// Models of PyTorch's, saved in all the ways in which people save them: the definition is found with the hints alone, predictions
// are PyTorch's, and what goes back has the same bits. `npm run interop` does it with some hundreds of fresh ones.

import { readFileSync } from "node:fs";

import type { BackendName } from "gatewise";
import { readPyTorch, readSafetensors } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { BACKENDS } from "../../facade/support.js";
import { type Case, Cases, VECTORS } from "./cases.js";
import { BOUND, definitionOf, load, lostOnTheWayBack, predictionError } from "./inbound.js";

const cases = new Cases(VECTORS);

function said({ plan: { modules, output, file } }: Case): string {
  const parts = modules.map(({ cell, cells, bidirectional }) => `${cell}${cells ? "cell" : ""}${bidirectional ? " both ways" : ""}`);
  return `${parts.join(" + ")}, ${output.at}: ${file.form} ${file.type}, ${file.inside}, ${file.storage} ${file.prefix}`;
}

const named = cases.all.map((one): [string, Case] => [`${one.name} ${said(one)}`, one]);

test("the cases have everything at least once", () => {
  const has = (wanted: (one: Case) => unknown) => cases.all.some((one) => Boolean(wanted(one)));
  expect(cases.all.length).toBe(22);
  for (const form of ["pt", "pt legacy", "safetensors"]) expect(has(({ plan }) => plan.file.form === form), form).toBe(true);
  for (const type of ["f16", "bf16", "f32", "f64"]) expect(has(({ plan }) => plan.file.type === type), type).toBe(true);
  for (const storage of ["own", "one for all", "transposed", "strided", "mixed"]) expect(has(({ plan }) => plan.file.storage === storage), storage).toBe(true);
  for (const prefix of ["", "module.", "_orig_mod.", "module._orig_mod.", "model."]) expect(has(({ plan }) => plan.file.prefix === prefix), prefix).toBe(true);
  for (const inside of ["state dict", "model", "state_dict", "model_state_dict", "parameters"]) expect(has(({ plan }) => plan.file.inside === inside), inside).toBe(true);
  for (const cell of ["lstm", "gru", "rnn"]) {
    for (const ways of [false, true]) {
      expect(has(({ plan }) => plan.modules.some((part) => part.cell === cell && part.bidirectional === ways)), `${cell} ${ways}`).toBe(true);
    }
    expect(has(({ plan }) => plan.modules.some((part) => part.cell === cell && part.cells)), `${cell} cells`).toBe(true);
  }
  for (const at of ["last", "each", "mean", "max"]) expect(has(({ plan }) => plan.output.at === at), at).toBe(true);
  const features: readonly ((one: Case) => unknown)[] = [
    ({ plan }) => plan.modules.some(({ projection }) => projection),
    ({ plan }) => plan.modules.some(({ bias }) => !bias),
    ({ plan }) => plan.modules.some(({ activation }) => activation === "relu"),
    ({ plan }) => plan.modules.some(({ norm }) => norm),
    ({ plan }) => plan.modules.length > 1,
    ({ plan }) => plan.output.norm,
    ({ plan }) => plan.output.tied,
    ({ plan }) => !plan.output.bias,
    ({ plan }) => plan.input.padding !== undefined,
  ];
  for (const feature of features) expect(has(feature), String(feature)).toBe(true);
});

test.each(["pt", "pt legacy", "safetensors"])("%s in a Buffer, whose slices share its memory, gives the same numbers", async (form) => {
  const one = cases.all.find(({ plan }) => plan.file.form === form && plan.file.type === "f32") ?? expect.fail(form);
  const whole = readFileSync(cases.path(one));
  // In the middle of another's memory, as Node's pool has it.
  const buffer = Buffer.concat([Buffer.alloc(3), whole]).subarray(3);
  const read = async (source: string | Uint8Array) => {
    const file = form === "safetensors" ? await readSafetensors(source) : await readPyTorch(source);
    const tensors = typeof file.tensors === "function" ? file.tensors() : file.tensors;
    const numbers = await Promise.all(Array.from(tensors.values(), (tensor) => tensor.read()));
    await file.close();
    return numbers;
  };
  expect(await read(buffer)).toEqual(await read(cases.path(one)));
  expect(buffer.equals(whole)).toBe(true);
});

describe.each(BACKENDS)("on %s", (backend: BackendName) => {
  test.each(named)("%s", async (_, one) => {
    using loaded = await load(cases, one, { backend });
    const { model, asked } = loaded;
    expect(asked && !one.open).toBe(false);
    expect(model.definition).toEqual(definitionOf(one));
    expect(predictionError(cases, one, model)).toBeLessThanOrEqual(BOUND);
    expect(await lostOnTheWayBack(cases, one, model)).toEqual([]);
  });
});
