// What the learning examples train on: a task whose targets gave themselves away, or did not follow, would prove nothing.

import { describe, expect, test } from "vitest";
import { GUESS, lengthsOf, sums } from "../../examples/learning/adding-data.js";
import { copies, memorylessLoss, risingDelays } from "../../examples/learning/copy-data.js";
import { randomFrom } from "../../examples/learning/random.js";
import { readText, trainingWindows, validationWindows } from "../../examples/learning/shakespeare-data.js";

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describe("the adding problem", () => {
  const { x, shape, lengths, targets } = sums(Uint32Array.from({ length: 3000 }, (_, index) => 2 + (index % 20)), 21, randomFrom(1));
  const steps = (sequence: number) =>
    Array.from({ length: 21 }, (_, step) => x.subarray((sequence * 21 + step) * 2, (sequence * 21 + step) * 2 + 2));

  test("marks one step in each half, and asks for the sum of both", () => {
    expect(shape).toEqual([3000, 21, 2]);
    lengths.forEach((length, sequence) => {
      const rows = steps(sequence);
      const marked = rows.flatMap(([, mark], step) => (mark === 1 ? [step] : []));
      expect(marked).toHaveLength(2);
      expect(marked[0]).toBeLessThan(Math.floor(length / 2));
      expect(marked[1]).toBeGreaterThanOrEqual(Math.floor(length / 2));
      expect(marked[1]).toBeLessThan(length);
      const sum = rows.reduce((sum, [value = 0, mark = 0]) => sum + value * mark, 0);
      expect(targets[sequence]).toBeCloseTo(sum, 6);
    });
  });

  test("has the error of the constant guess that it says", () => {
    // The fourth moment of such a sum is 1/15: four standard errors over 3,000 are 4 · √((1/15 − 1/36) / 3000).
    const error = mean(targets.map((target) => (target - 1) ** 2));
    expect(Math.abs(error - GUESS)).toBeLessThan(4 * Math.sqrt((1 / 15 - 1 / 36) / 3000));
  });

  test("rises from 20 steps to the longest, which the last third has", () => {
    const rising = lengthsOf("rising", 300, 400);
    expect([rising[0], rising[100], rising[200], rising[299]]).toEqual([20, 89, 400, 400]);
    expect(lengthsOf("full", 3, 400)).toEqual(Uint32Array.of(400, 400, 400));
  });
});

describe("copy memory", () => {
  const { x, shape, lengths, targets } = copies(Uint32Array.of(5, 2), randomFrom(3));
  const seen = (sequence: number) =>
    Array.from({ length: 25 }, (_, step) => x.subarray((sequence * 25 + step) * 10, (sequence * 25 + step + 1) * 10).indexOf(1));

  test("shows the symbols, blanks, the mark and blanks again", () => {
    expect(shape).toEqual([2, 25, 10]);
    expect([...lengths]).toEqual([25, 22]);
    expect(seen(0).slice(10)).toEqual([8, 8, 8, 8, 9, ...Array<number>(10).fill(8)]);
    expect(seen(1).slice(10, 22)).toEqual([8, 9, ...Array<number>(10).fill(8)]);
    for (const symbol of seen(0).slice(0, 10)) expect(symbol).toBeLessThan(8);
  });

  test("asks for blanks, and for the symbols in their order right after the mark", () => {
    expect([...targets.subarray(0, 25)]).toEqual([...Array<number>(15).fill(8), ...seen(0).slice(0, 10)]);
    expect([...targets.subarray(25)]).toEqual([...Array<number>(12).fill(8), ...seen(1).slice(0, 10), -1, -1, -1]);
    expect(memorylessLoss(100)).toBeCloseTo((10 * Math.log(8)) / 120, 12);
  });

  test("trains on delays whose limit rises to the longest", () => {
    const delays = risingDelays(2000, 100, randomFrom(5));
    expect(Math.max(...delays.subarray(0, 140))).toBeLessThanOrEqual(10);
    expect(Math.max(...delays)).toBe(100);
    expect(Math.min(...delays)).toBe(1);
  });
});

describe("Tiny Shakespeare", () => {
  const { alphabet, training, validation } = readText();
  const read = (tokens: Uint8Array) => Array.from(tokens, (token) => alphabet[token]).join("");

  test("is whole", () => {
    expect(alphabet).toHaveLength(65);
    expect(training.length + validation.length).toBe(1_115_394);
    expect(read(training.subarray(0, 14))).toBe("First Citizen:");
  });

  test("has the next character for each as its target", () => {
    for (const windows of [trainingWindows(training, 100, 64), validationWindows(validation, 64)]) {
      const { n, steps, tokens, targets } = windows;
      expect([tokens.length, targets.length]).toEqual([n * steps, n * steps]);
      for (let index = 0; index < n; index++) {
        const [from, to] = [index * steps, (index + 1) * steps];
        expect(targets.slice(from, to - 1)).toEqual(tokens.slice(from + 1, to));
      }
    }
    expect(read(validationWindows(validation, 64).targets.subarray(0, 5))).toBe(read(validation.subarray(1, 6)));
  });
});
