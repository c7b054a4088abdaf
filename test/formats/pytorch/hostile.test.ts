// Files that want more than tensors or lie about them (test/vectors/pytorch-files/hostile.py): each is refused with its code, and
// the message names what it was.

import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { refused } from "./support.js";

interface Case {
  readonly name: string;
  readonly code: "unsafe_file" | "invalid_file";
  readonly mentions: readonly string[];
  /** base64 */
  readonly file: string;
}

const CASES = JSON.parse(readFileSync(new URL("../../vectors/pytorch-files/hostile.json", import.meta.url), "utf8")) as readonly Case[];

describe.each(["unsafe_file", "invalid_file"] as const)("%s", (code) => {
  test.each(CASES.filter((one) => one.code === code))("$name", async ({ mentions, file }) => {
    const error = await refused(new Uint8Array(Buffer.from(file, "base64")));
    expect(error).toMatchObject({ code });
    for (const mention of mentions) expect(error.message).toContain(mention);
    // A name out of the file neither fills the screen nor steers it.
    expect(error.message.length).toBeLessThan(600);
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.path).toMatch(/^the bytes(:|$)/);
  });
});

test("there are cases of both codes", () => {
  const count = (code: string) => CASES.filter((one) => one.code === code).length;
  expect([count("unsafe_file"), count("invalid_file")].every((cases) => cases > 50)).toBe(true);
});
