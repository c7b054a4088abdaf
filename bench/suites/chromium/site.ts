// Serves the page, Gatewise as Vite compiles it for browsers, the peers' files as they are, and a model for onnxruntime-web.

import { readFile } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Connect, createServer } from "vite";

const PAGE = fileURLToPath(new URL(".", import.meta.url));
const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** A site that is up. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts to serve on a free port of this machine.
 * @param modules the folder with the peers' packages
 * @param models what else there is, by its path: `/64,28,28,128.onnx`
 */
export async function serve(modules: string, models: ReadonlyMap<string, Uint8Array>): Promise<Site> {
  const server = await createServer({
    root: PAGE,
    configFile: false,
    logLevel: "error",
    cacheDir: join(tmpdir(), "gatewise-bench-vite"),
    resolve: { alias: { gatewise: join(CHECKOUT, "dist/entry/browser.js") } },
    server: { host: "127.0.0.1", port: 0, fs: { allow: [CHECKOUT] } },
    plugins: [
      {
        name: "files-beside-the-page",
        configureServer({ middlewares }) {
          middlewares.use("/peers", files((path) => readFile(join(modules, path))));
          middlewares.use("/models", files(async (path) => models.get(path)));
        },
      },
    ],
  });
  await server.listen();
  const [url] = server.resolvedUrls?.local ?? [];
  if (url === undefined) throw new Error("Vite serves nowhere");
  return { url: new URL("page.html", url).href, close: () => server.close() };
}

/** Answers with what `read` gives for the path; leaves what it has not to the next. */
function files(read: (path: string) => Promise<Uint8Array | undefined>): Connect.NextHandleFunction {
  return async ({ url = "" }: IncomingMessage, response: ServerResponse, next: Connect.NextFunction) => {
    const { pathname } = new URL(url, "http://127.0.0.1"); // takes `..` out of the path
    const content = await read(decodeURIComponent(pathname)).catch(() => undefined);
    if (!content) return next();
    response.setHeader("Content-Type", TYPES[extname(pathname)] ?? "application/octet-stream");
    response.end(content);
  };
}
