// Models in files: as bytes, on disk, and what a reader meets while one is written. Across backends: test/parity.

import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { loadModel } from "gatewise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { BACKENDS, type Direction, risingOrFalling, smallModel, stateOf } from "./support.js";

describe.each(BACKENDS)("files on %s", (backend) => {
  let folder: string;
  let model: Awaited<ReturnType<typeof smallModel>>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewise-files-"));
    model = await smallModel(backend);
    await model.fit(risingOrFalling(50), { epochs: 2 });
  });
  afterAll(async () => {
    model.dispose();
    await rm(folder, { recursive: true });
  });

  test("bytes, a path and a URL give the model back to the bit, ready to train on", async () => {
    const path = join(folder, "model.safetensors");
    await model.save(path);
    await model.save(pathToFileURL(join(folder, "by url.safetensors")));
    const bytes = new Uint8Array(await model.save());
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
    expect(await readdir(folder)).toEqual(["by url.safetensors", "model.safetensors"]);

    const expected = await model.predict(risingOrFalling(20, 12, 3));
    const onDisk = pathToFileURL(join(folder, "by url.safetensors"));
    for (const source of [bytes, bytes.buffer, path, onDisk]) {
      using loaded = await loadModel<Direction>(source, { backend });
      expect(loaded.definition).toEqual(model.definition);
      expect(loaded.parameters()).toEqual(model.parameters());
      expect(await loaded.predict(risingOrFalling(20, 12, 3))).toEqual(expected);
      expect((await stateOf(loaded)).equals(Buffer.from(bytes))).toBe(true);
      expect((await loaded.fit(risingOrFalling(20), { epochs: 1 })).stopped).toBe("finished");
    }
  });

  test("a write that fails leaves what was there, and nothing else", async () => {
    const own = await mkdtemp(join(folder, "failing-"));
    // A folder where the file should go: the temporary file can be written, but not renamed.
    const target = join(own, "folder");
    await rm(target, { recursive: true, force: true });
    await writeFile(join(own, "other"), "kept");
    const { mkdir } = await import("node:fs/promises");
    await mkdir(join(target, "full"), { recursive: true });
    await expect(model.save(target)).rejects.toMatchObject({ code: "file_access", path: "location" });
    expect(await readdir(own)).toEqual(["folder", "other"]);
    expect(await readdir(target)).toEqual(["full"]);
  });
});
