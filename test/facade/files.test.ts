// Models in files: as bytes, on disk, and what a reader meets while one is written. Across backends: test/parity.

import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { createModel, loadModel } from "gatewise";
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
    for (const source of [bytes, bytes.buffer, new Blob([bytes]), path, onDisk]) {
      using loaded = await loadModel<Direction>(source, { backend });
      expect(loaded.definition).toEqual(model.definition);
      expect(loaded.parameters()).toEqual(model.parameters());
      expect(await loaded.predict(risingOrFalling(20, 12, 3))).toEqual(expected);
      expect((await stateOf(loaded)).equals(Buffer.from(bytes))).toBe(true);
      expect((await loaded.fit(risingOrFalling(20), { epochs: 1 })).stopped).toBe("finished");
    }
  });

  test("a file of many pieces gives the same model as one of one, and the event loop its turns", async () => {
    // 9 MB: three pieces.
    const units = 730;
    using large = await createModel({ input: { features: 33 }, layers: [{ cell: "lstm", units, bias: false }], output: { values: 1 }, initialisation: { scheme: "pytorch" } }, { backend });
    const path = join(folder, "large.safetensors");
    await large.save(path);
    const expected = await readFile(path);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    for (const source of [path, new Blob([await readFile(path)]), new Uint8Array(await readFile(path))]) {
      using loaded = await loadModel(source, { backend });
      expect(expected.equals(await loaded.save())).toBe(true);
    }
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    const damaged = await readFile(path);
    damaged.writeFloatLE(Number.NaN, damaged.length - 4);
    for (const [bytes, at] of [[damaged, "output.weight"], [damaged.subarray(0, 5 << 20), "layers.0.weight_hh_l0"]] as const) {
      await expect(loadModel(bytes, { backend })).rejects.toMatchObject({ code: "invalid_file", path: at });
      await writeFile(path, bytes);
      await expect(loadModel(path, { backend })).rejects.toMatchObject({ code: "invalid_file", path: at });
    }
    await rm(path);
  });

  test("an address is fetched at once", async () => {
    const bytes = await model.save();
    const requests: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      requests.push(request.headers.range);
      response.writeHead(request.url === "/model" ? 200 : 404).end(request.url === "/model" ? bytes : undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      using loaded = await loadModel<Direction>(new URL("/model", address), { backend });
      expect(loaded.parameters()).toEqual(model.parameters());
      expect(requests).toEqual([undefined]);
      await expect(loadModel(new URL("/none", address), { backend })).rejects.toMatchObject({ code: "file_access", path: "source" });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("what is no file cannot be read", async () => {
    await expect(loadModel(folder, { backend })).rejects.toMatchObject({ code: "file_access", path: "source" });
    await writeFile(join(folder, "empty"), "");
    await expect(loadModel(join(folder, "empty"), { backend })).rejects.toMatchObject({ code: "invalid_file" });
    await rm(join(folder, "empty"));
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
