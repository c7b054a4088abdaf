// The example as a stranger's Vite project: copied next to the installed package, built, served. Knows nothing of browsers.

import { cpSync } from "node:fs";
import { join } from "node:path";

import { createServer, preview } from "vite";

import { CHECKOUT, type Packed, type Run, runTool } from "../packaging/tarball.js";

/** A project with the package and the example's files. */
export function exampleProject(packed: Packed): string {
  const project = packed.install("example");
  cpSync(join(CHECKOUT, "examples/browser"), project, { recursive: true });
  return project;
}

/** Builds as `npx vite build` does. */
export function build(project: string): Run {
  return runTool("vite/bin/vite.js", ["build"], project);
}

/** Something that serves. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

const LOCAL = { host: "127.0.0.1", port: 0 }; // any port that is free

/** Serves what was built, as `npx vite preview` does, under that Content-Security-Policy. */
export async function serveBuilt(root: string, policy: string): Promise<Site> {
  const headers = { "Content-Security-Policy": policy };
  const server = await preview({ root, logLevel: "silent", preview: { ...LOCAL, headers } });
  return siteOf(server);
}

/** Serves the sources, as `npx vite` does. */
export async function serveSources(root: string): Promise<Site> {
  const server = await createServer({ root, logLevel: "silent", server: LOCAL });
  return siteOf(await server.listen());
}

interface ViteServer {
  readonly resolvedUrls: { readonly local: string[] } | null;
  close(): Promise<void>;
}

function siteOf(server: ViteServer): Site {
  const [url] = server.resolvedUrls?.local ?? [];
  if (url === undefined) throw new Error("Vite serves nowhere");
  return { url, close: () => server.close() };
}
