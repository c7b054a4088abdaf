// Right files with something wrong in them: cut off at every byte, every bit flipped, bytes edited at random. Each is refused with
// a code or gives what it holds: no other error, no hang, and with checksums no other numbers.

import * as fc from "fast-check";
import { GatewiseError } from "gatewise";
import { readPyTorch } from "gatewise/formats";
import { describe, expect, test } from "vitest";

import { bytesOf, textOf } from "./support.js";
import { TENSOR, torchFile } from "./zips.js";

/** The same edits on every machine; `npm run verify` has others, and many more of them, each time. */
const SEED = Number(process.env["GATEWISE_SEED"] ?? 20_240_607);
const EDITS = Number(process.env["GATEWISE_CASES"] ?? 500);

/** What comes of a file: its text, or the code of the error. Any other error fails the test. */
async function expectOutcome(bytes: Uint8Array): Promise<string> {
  try {
    const { stateDicts, tensors } = await readPyTorch(bytes);
    for (const path of [...stateDicts, undefined, "model"]) codeOf(() => tensors(path));
    return await textOf(bytes);
  } catch (error) {
    return refusal(error);
  }
}

function codeOf(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    refusal(error);
  }
}

function refusal(error: unknown): string {
  if (error instanceof GatewiseError && ["invalid_file", "unsafe_file", "invalid_option"].includes(error.code)) return error.code;
  throw error;
}

async function expectOutcomes(files: fc.Arbitrary<Uint8Array>, numRuns: number): Promise<void> {
  await fc.assert(fc.asyncProperty(files, async (bytes) => void (await expectOutcome(bytes))), { seed: SEED, numRuns });
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

test.each(["shared", "parameters", "wrapped", "views", "checkpoint-legacy"])("%s, cut off at every byte", async (name) => {
  const bytes = bytesOf(name);
  const outcomes = new Set<string>();
  for (let length = 0; length < bytes.length; length++) outcomes.add(await expectOutcome(bytes.slice(0, length)));
  expect([...outcomes]).toEqual(["invalid_file"]);
});

test("every bit of a small file flipped", async () => {
  const bytes = torchFile(TENSOR);
  const right = await textOf(bytes);
  const outcomes = new Map<string, number>();
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const outcome = await expectOutcome(flipped(bytes, bit));
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  // What is neither checked nor used: dates, versions, attributes.
  expect([...outcomes.keys()].toSorted()).toEqual([right, "invalid_file"].toSorted());
  expect(outcomes.get("invalid_file")).toBeGreaterThan(5 * (outcomes.get(right) ?? 0));
});

describe.each([
  "modules",
  "checkpoint",
  "dtypes",
])("%s, of which each tensor has its own checksum", (name) => {
  test("with random bits flipped it is refused or the same", async () => {
    const bytes = bytesOf(name);
    const right = await textOf(bytes);
    const bits = fc.array(fc.nat(8 * bytes.length - 1), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(bits, async (bits) => {
      const outcome = await expectOutcome(bits.reduce(flipped, bytes));
      expect([right, "invalid_file"]).toContain(outcome);
    });
    await fc.assert(property, { seed: SEED, numRuns: EDITS });
  });
});

/** Edits of a file: a byte set, a range taken out, put in or copied to elsewhere. */
function edited(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length - 1);
  const edit = fc.oneof(
    fc.record({ at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }), gone: fc.nat(9) }),
    fc.record({ at: place, from: place, length: fc.integer({ min: 1, max: 40 }), gone: fc.nat(40) }),
    // Lengths, counts and offsets at their bounds.
    fc.record({ at: place, bytes: fc.constantFrom([0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0x80], [0xff, 0xff, 0xff, 0x7f], [0, 0, 0, 0]).map((raw) => Uint8Array.from(raw)), gone: fc.constant(4) }),
  );
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    let all = bytes;
    for (const one of edits) {
      const put = "bytes" in one ? one.bytes : all.slice(one.from, one.from + one.length);
      all = new Uint8Array(Buffer.concat([all.slice(0, one.at), put, all.slice(one.at + one.gone)]));
    }
    return all;
  });
}

test.each(["modules-legacy", "checkpoint-legacy", "shared", "views", "plain"])("%s, edited at random", async (name) => {
  await expectOutcomes(edited(bytesOf(name)), EDITS);
});

/** The pickle of one of PyTorch's files. */
function pickleOf(name: string): Uint8Array {
  const bytes = bytesOf(name);
  const view = new DataView(bytes.buffer);
  const start = 30 + view.getUint16(26, true) + view.getUint16(28, true);
  // It is the first entry, and its sizes come after it.
  const end = Buffer.from(bytes).indexOf("PK\x07\x08", start, "latin1");
  return bytes.slice(start, end);
}

describe("pickles behind the right checksum", () => {
  const storages = Array.from({ length: 40 }, (_, key) => ({ name: `archive/data/${key + 1}`, data: new Uint8Array(256).fill(key) }));

  test.each(["modules", "modules-protocol-5", "checkpoint", "plain", "views", "parameters"])("%s, edited at random", async (name) => {
    await expectOutcomes(edited(pickleOf(name)).map((data) => torchFile(data, storages)), EDITS);
  });

  test("random opcodes", async () => {
    const opcodes = [..."\x80\x95(012q\x94hjN\x88\x89JKM\x8a\x8bGX\x8c\x8dTUBC\x8e\x96)t\x85\x86\x87\x91]ae\x8f\x90}suc\x93RbQio\x81\x92\x82\x83\x84P\x97\x98."].map((char) => char.charCodeAt(0));
    const piece = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...opcodes).map((opcode) => Uint8Array.of(opcode)) },
      { weight: 2, arbitrary: fc.nat(255).map((byte) => Uint8Array.of(0x4b, byte)) },
      { weight: 1, arbitrary: fc.nat(3).map((index) => Uint8Array.of(0x68, index)) },
      { weight: 1, arbitrary: fc.constantFrom("ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "X\x07\x00\x00\x00storage", "ctorch\nSize\n").map((text) => Buffer.from(text, "latin1")) },
    );
    const program = fc.array(piece, { maxLength: 60 }).map((pieces) => new Uint8Array(Buffer.concat([Uint8Array.of(0x80, 2), ...pieces, Uint8Array.of(0x2e)])));
    await expectOutcomes(program.map((data) => torchFile(data)), 10 * EDITS);
  });
});
