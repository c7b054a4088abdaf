// docs/conversions.md is what docs/conversions.json says, which `npm run interop -- --write` has measured: every combination has a
// row, and none is beyond its bound.

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { pageOf } from "../../../scripts/interop/page.js";
import { type Conversions, type Row, beyond, missing, rowsOf, typesOf } from "../../../scripts/interop/rows.js";

const read = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const conversions = JSON.parse(read("conversions.json")) as Conversions;

test("the page shows the rows", () => {
  expect(read("conversions.md")).toBe(pageOf(conversions));
});

test("every combination of format, direction, cell and option has a row, and every number type of PyTorch's", () => {
  expect(missing(conversions.rows)).toEqual([]);
  for (const format of ["pt", "pt legacy", "safetensors"]) {
    const found = conversions.types.filter((row) => row.format === format && row.direction === "in").map(({ type }) => type);
    expect(found.toSorted(), format).toEqual(["bf16", "f16", "f32", "f64"]);
  }
  expect(conversions.training.map(({ optimizer, direction }) => `${optimizer} ${direction}`)).toEqual(["adam in", "adam out"]);
});

test("no error is beyond its bound", () => {
  expect(beyond(conversions)).toEqual([]);
});

test("a row that is missing or too far off is told", () => {
  const [first] = conversions.rows as [Row];
  expect(missing(conversions.rows.filter((row) => !(row.format === "pt legacy" && row.cell === "gru" && row.bidirectional && row.option === "bias: false")))).toEqual(["gru ⇄, pt legacy in: bias: false"]);
  expect(beyond({ ...conversions, rows: [{ ...first, error: 2e-5 }] })).toHaveLength(1);
  expect(pageOf({ ...conversions, rows: conversions.rows.slice(1) })).not.toBe(pageOf(conversions));
});

test("a layer's error counts for each of its options, and the largest stays", () => {
  const kind = { format: "pt", direction: "in", cell: "lstm", bidirectional: true } as const;
  const found = [
    { ...kind, options: "bias: false, projection", type: "f16", error: 2e-7 },
    { ...kind, options: "projection", error: 3e-7 },
    { ...kind, options: "", error: Infinity },
  ];
  expect(rowsOf(found)).toEqual([
    { ...kind, option: "", models: 1, error: Number.MAX_VALUE },
    { ...kind, option: "bias: false", models: 1, error: 2e-7 },
    { ...kind, option: "projection", models: 2, error: 3e-7 },
  ]);
  expect(typesOf(found.slice(0, 2)).map(({ type, models }) => [type, models])).toEqual([["f16", 1], ["f32", 1]]);
});
