// The readers of common sets: small files of each format, made here, and what is said of those that are not whole.

import { gzipSync } from "node:zlib";

import { createModel } from "gatewise";
import { readCifar10, readMnist, readText, readUcrTs, readUcrTsv } from "gatewise/data";
import { describe, expect, test } from "vitest";

import { bytesOf, refused } from "./support.js";

/** An IDX file of bytes. */
function idx(sizes: readonly number[], values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length));
  header.setUint16(2, (8 << 8) | sizes.length);
  for (const [index, size] of sizes.entries()) header.setUint32(4 + 4 * index, size);
  return Uint8Array.of(...new Uint8Array(header.buffer), ...Array.from(values));
}

describe("MNIST", () => {
  const pixels = Uint8Array.from({ length: 3 * 2 * 4 }, (_, index) => index * 10);
  const images = idx([3, 2, 4], pixels);
  const labels = idx([3], [7, 0, 9]);

  test("is sequences of rows, from 0 to 1, with the digits' names; packed or not", async () => {
    const set = await readMnist({ images: gzipSync(images), labels });
    expect(set.shape).toEqual([3, 2, 4]);
    expect(set.x).toEqual(Float32Array.from(pixels, (byte) => byte / 255));
    expect([...set.lengths]).toEqual([2, 2, 2]);
    expect(set.targets).toEqual(["7", "0", "9"]);
    expect(set.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  test("is scaled as asked for: the test part by the training part's mean and deviation", async () => {
    const train = await readMnist({ images, labels }, { scaling: "standard" });
    expect(train.scaling.mean).toBeCloseTo(115, 12); // of 0, 10, …, 230
    expect(train.scaling.deviation).toBeCloseTo(10 * Math.sqrt((24 ** 2 - 1) / 12), 9);
    const part = await readMnist({ images, labels }, { scaling: train.scaling, limit: 1 });
    expect(part.shape).toEqual([1, 2, 4]);
    expect(part.x).toEqual(train.x.subarray(0, 8));
    expect(train.x[0]).toBeCloseTo(-115 / train.scaling.deviation, 6);
    expect((await readMnist({ images, labels }, { scaling: "none" })).x).toEqual(Float32Array.from(pixels));
  });

  test("is what fit takes", async () => {
    const set = await readMnist({ images, labels });
    using model = await createModel({ input: { features: 4 }, layers: [{ cell: "lstm", units: 2 }], output: { classes: set.classes } });
    expect((await model.fit(set, { epochs: 1 })).losses).toHaveLength(1);
  });

  test.each([
    ["labels for images", { images: labels, labels }, "the bytes", "no IDX file of images (idx3-ubyte): it begins with 00 00 08 01"],
    ["another file", { images: bytesOf("PK"), labels }, "the bytes", "begins with 50 4b"],
    ["nothing", { images: new Uint8Array(0), labels }, "the bytes", "begins with nothing"],
    ["images that end early", { images: images.subarray(0, -1), labels }, "the bytes", "ends early: its header says 3 × 2 × 4 = 24 bytes, there are 23"],
    ["a header that ends early", { images: images.subarray(0, 9), labels }, "the bytes", "within its header"],
    ["bytes behind the end", { images, labels: Uint8Array.of(...labels, 1) }, "the bytes", "goes on behind its end"],
    ["labels of another set", { images, labels: idx([2], [1, 2]) }, "the bytes", "2 labels, the bytes has 3 images"],
    ["a label that is no class", { images, labels: idx([3], [1, 10, 2]) }, "the bytes[1]", "no class 10"],
  ])("refuses %s", async (_, files, path, message) => refused(readMnist(files), "invalid_file", path, message));

  test("refuses options that it has not", async () => {
    await refused(readMnist({ images, labels }, { scaling: "half" as never }), "invalid_option", "options.scaling", '"unit"');
    await refused(readMnist({ images, labels }, { limit: 0 }), "invalid_option", "options.limit", "above 0");
    await refused(readMnist({ images: idx([0, 2, 2], []), labels: idx([0], []) }), "empty_data", "the bytes", "no images");
  });
});

describe("CIFAR-10", () => {
  // A record's pixels say where they are: colour, row and column, within a byte.
  const value = (colour: number, row: number, column: number) => (colour * 80 + row * 2 + column) % 256;
  const record = (label: number) => {
    const planes = Array.from({ length: 3072 }, (_, at) => value(Math.floor(at / 1024), Math.floor(at / 32) % 32, at % 32));
    return Uint8Array.of(label, ...planes);
  };

  test("is sequences of rows with the colours side by side, of several files", async () => {
    const set = await readCifar10([gzipSync(Uint8Array.of(...record(3), ...record(9))), record(0)], { scaling: "none" });
    expect(set.shape).toEqual([3, 32, 96]);
    expect(set.targets).toEqual(["cat", "truck", "airplane"]);
    const step = 5;
    const row = set.x.subarray((32 + step) * 96, (32 + step + 1) * 96); // of the second image
    for (const colour of [0, 1, 2]) for (const column of [0, 7, 31]) expect(row[colour * 32 + column]).toBe(value(colour, step, column));
    expect((await readCifar10([record(1), record(2)], { limit: 1 })).targets).toEqual(["automobile"]);
  });

  test("refuses what is not made of its records", async () => {
    await refused(readCifar10(Uint8Array.of(...record(1), ...record(2)).subarray(0, 4000)), "invalid_file", "the bytes[1]", "ends early");
    await refused(readCifar10(Uint8Array.of(...record(1), ...record(10))), "invalid_file", "the bytes[1]", "no class 10");
    await refused(readCifar10([]), "empty_data", "files", "at least one file");
    await refused(readCifar10(new Uint8Array(0)), "empty_data", "files", "at least one file");
  });
});

describe("the UCR archive's .ts", () => {
  const header = "# a comment\n@problemName Two\n@classLabel true a b\n@data\n";
  const read = (lines: string, options = {}) => readUcrTs(bytesOf(header + lines), options);

  test("keeps lengths, and pads", async () => {
    const set = await read("1,2,3:4,5,6:b\n\n7:8:a\n");
    expect(set.shape).toEqual([2, 3, 2]);
    expect([...set.x]).toEqual([1, 4, 2, 5, 3, 6, 7, 8, 0, 0, 0, 0]);
    expect([...set.lengths]).toEqual([3, 1]);
    expect([set.targets, set.classes]).toEqual([["b", "a"], ["a", "b"]]);
  });

  test("fills what is missing as asked for", async () => {
    const lines = "?,1,?,?,4,?:a\n";
    await refused(read(lines), "invalid_file", "the bytes:5:channel 1", "the value of step 1 is missing");
    expect([...(await read(lines, { fill: "previous" })).x]).toEqual([1, 1, 1, 1, 4, 4]);
    expect([...(await read(lines, { fill: "linear" })).x]).toEqual([1, 1, 2, 3, 4, 4]);
    expect([...(await read(lines, { fill: "zero" })).x]).toEqual([0, 1, 0, 0, 4, 0]);
    await refused(read("?,?:a\n", { fill: "linear" }), "invalid_file", "the bytes:5:channel 1", "all are missing");
  });

  test.each([
    ["1,2:3,4:c", "the bytes:5", '"c" is no class: there are "a", "b"'],
    ["1,2:3:a", "the bytes:5:channel 2", "it has 1 steps, the first channel has 2"],
    ["1,x:3,4:a", "the bytes:5:channel 1", '"x" of step 2 is no number'],
    ["1,,2:a", "the bytes:5:channel 1", '"" of step 2 is no number'],
    ["1:2:a\n1:a", "the bytes:6", "it has 1 channels, the first series says 2"],
    ["1,2,3", "the bytes:5", "ends early"],
  ])("refuses %j", async (lines, path, reason) => refused(read(lines), "invalid_file", path, reason));

  test.each([
    ["@univariate true", "1:2:a", "6", "it has 2 channels, the header says 1"],
    ["@dimensions 3", "1:2:a", "6", "it has 2 channels, the header says 3"],
    ["@equalLength true", "1,2:a\n1:b", "7", "it has 1 steps, the header says that each has 2"],
    ["@equalLength true\n@seriesLength 3", "1,2:a", "7", "it has 2 steps, the header says that each has 3"],
    ["@missing false", "1,?:a", "6", "the header says that none is"],
    ["@timestamps true", "1:a", "4", "timestamps cannot be read"],
    ["@targetLabel true", "1:a", "4", "numbers instead of classes"],
    ["@dimensions many", "1:a", "4", "@dimensions must be a whole number"],
    ["@colour red", "1:a", "4", "no field of a .ts file's header"],
  ])("holds the data to %j", async (field, lines, line, reason) => {
    const text = header.replace("@data", `${field}\n@data`) + lines;
    await refused(readUcrTs(bytesOf(text), { fill: "zero" }), "invalid_file", `the bytes:${line}`, reason);
  });

  test("refuses a file without data, classes or series", async () => {
    await refused(readUcrTs(bytesOf("1,2:a")), "invalid_file", "the bytes", "no @data line");
    await refused(readUcrTs(bytesOf("@classLabel false\n@data\n1:2\n")), "invalid_file", "the bytes:1", "@classLabel must be true");
    await refused(read(""), "empty_data", "the bytes", "no series");
  });

  test("holds JapaneseVowels as the archive describes it", async () => {
    const file = (part: string) => readUcrTs(new URL(`../../examples/learning/data/JapaneseVowels_${part}.ts.gz`, import.meta.url));
    const [training, held] = [await file("TRAIN"), await file("TEST")];
    expect(training.shape).toEqual([270, 26, 12]);
    expect(held.shape).toEqual([370, 29, 12]);
    expect(Math.min(...training.lengths, ...held.lengths)).toBe(7);
    expect(training.classes).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    for (const name of training.classes) expect(training.targets.filter((target) => target === name)).toHaveLength(30);
  });
});

describe("the UCR archive's .tsv", () => {
  test("keeps lengths, and has its classes in order", async () => {
    const set = await readUcrTsv(bytesOf("10\t1\t2\t3\r\n-1\t4\tNaN\tNaN\r\n2\t5\t6\tNaN\r\n"));
    expect(set.shape).toEqual([3, 3, 1]);
    expect([...set.x]).toEqual([1, 2, 3, 4, 0, 0, 5, 6, 0]);
    expect([...set.lengths]).toEqual([3, 1, 2]);
    expect([set.targets, set.classes]).toEqual([["10", "-1", "2"], ["-1", "2", "10"]]);
  });

  test.each([
    ["1\t2\t3\n1\t2\n", "the bytes:2", "it has 2 fields, the first line has 3"],
    ["1\t2\tx\n", "the bytes:1", '"x" of step 2 is no number'],
    ["1\tNaN\t3\n", "the bytes:1:channel 1", "the value of step 1 is missing"],
    ["1\tNaN\tNaN\n", "the bytes:1", "no number behind the class"],
    ["\t1\t2\n", "the bytes:1", "there is no class"],
  ])("refuses %j", async (text, path, reason) => refused(readUcrTsv(bytesOf(text)), "invalid_file", path, reason));

  test("refuses a class that the training part has not", async () => {
    await refused(readUcrTsv(bytesOf("3\t1\n"), { classes: ["1", "2"] }), "invalid_file", "the bytes:1", '"3" is no class: there are "1", "2"');
    await refused(readUcrTsv(bytesOf("\n")), "empty_data", "the bytes", "no series");
  });
});

describe("text", () => {
  test("is tokens with the one that follows each, in one memory", async () => {
    const set = await readText(bytesOf("abcabé𝕏b"), { steps: 3 });
    expect(set.classes).toEqual(["a", "b", "c", "é", "𝕏"]);
    expect(set.shape).toEqual([2, 3]);
    expect([...set.tokens]).toEqual([0, 1, 2, 0, 1, 3]);
    expect([...set.targets]).toEqual([1, 2, 0, 1, 3, 4]);
    expect(set.targets.buffer).toBe(set.tokens.buffer);
  });

  test("is cut into parts that share a vocabulary", async () => {
    const text = bytesOf("abababab cdcdcdcdx");
    const parts = [await readText(text, { steps: 2, part: [0, 0.5] }), await readText(text, { steps: 2, part: [0.5, 1] })];
    expect(parts[0]?.classes).toEqual(parts[1]?.classes);
    expect(parts.map((part) => part.shape)).toEqual([[4, 2], [4, 2]]);
    expect(Array.from(parts[1]?.tokens ?? [], (token) => parts[1]?.classes[token]).join("")).toBe("cdcdcdcd");
    await refused(readText(text, { steps: 2, vocabulary: ["a", "b"] }), "invalid_file", "the bytes:1", '" " is not in the vocabulary');
  });

  test("is bytes where that is asked for", async () => {
    const set = await readText(Uint8Array.of(0, 255, 10, 7), { steps: 3, unit: "bytes" });
    expect([...set.tokens, ...set.targets]).toEqual([0, 255, 10, 255, 10, 7]);
    expect(set.classes[255]).toBe("255");
  });

  test("is what fit takes", async () => {
    const set = await readText(bytesOf("to be or not to be"), { steps: 5 });
    using model = await createModel({
      input: { tokens: set.classes.length, embedding: 3 },
      layers: [{ cell: "gru", units: 4 }],
      output: { classes: set.classes, at: "each" },
    });
    expect((await model.fit(set, { epochs: 1 })).losses).toHaveLength(1);
  });

  test("refuses what is no text, and too little of it", async () => {
    await refused(readText(Uint8Array.of(0xff, 0xfe, 65, 0), { steps: 1 }), "invalid_file", "the bytes", 'unit: "bytes"');
    await refused(readText(bytesOf("abc"), { steps: 3 }), "empty_data", "the bytes", "3 tokens make no sequence of 3 steps");
    await refused(readText(bytesOf("abc"), { steps: 0 }), "invalid_option", "options.steps", "above 0");
    await refused(readText(bytesOf("abc"), { steps: 1, part: [0.5, 0.5] }), "invalid_option", "options.part", "from < to");
  });
});
