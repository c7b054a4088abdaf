// What runs here and why, as data: the command prints it.

import { availableParallelism, totalmem } from "node:os";

import { type BackendAvailability, surveyBackends } from "../backend/choose.js";
import { currentPlatform } from "../platform.js";
import { installedVersion, packageVersion } from "./package.js";

/** Optional packages and what each is for. */
const OPTIONAL = {
  hyparquet: "reads Parquet files",
  "hyparquet-compressors": "unpacks Parquet files packed by other than Snappy",
  "apache-arrow": "reads Arrow files",
  arima: "fits ARIMA models, for compare",
  "@observablehq/plot": "draws the pictures of tune and compare",
  linkedom: "gives those pictures a document to be drawn in",
  "onnx-proto": "writes ONNX files",
} as const;

/** What `gatewise doctor` tells. */
export interface Diagnosis {
  readonly gatewise: string;
  readonly node: { readonly version: string; readonly supported: boolean };
  readonly machine: { readonly platform: string; readonly architecture: string; readonly cores: number; readonly memory: number };
  /** The fastest first; `instructionSets` are all that this build has kernels for and the machine can run. */
  readonly backends: readonly (BackendAvailability & { readonly instructionSets?: readonly string[] })[];
  /** What `"auto"` takes; null where nothing runs. */
  readonly chosen: string | null;
  readonly optional: readonly { readonly name: string; readonly purpose: string; readonly installed: string | null }[];
}

export async function diagnose(): Promise<Diagnosis> {
  const sources = currentPlatform().backends;
  const surveyed = await surveyBackends(sources);
  const backends = await Promise.all(
    surveyed.map(async (backend, index) => {
      if (!backend.available) return backend;
      const opened = await sources[index]?.open();
      return Object.assign({}, backend, { instructionSets: opened?.machine.instructionSets ?? [] });
    }),
  );
  const optional = Object.entries(OPTIONAL).map(async ([name, purpose]) => ({ name, purpose, installed: await installedVersion(name) }));
  return {
    gatewise: await packageVersion(),
    node: { version: process.versions.node, supported: isSupported(process.versions.node) },
    machine: { platform: process.platform, architecture: process.arch, cores: availableParallelism(), memory: totalmem() },
    backends,
    chosen: backends.find(({ available }) => available)?.name ?? null,
    optional: await Promise.all(optional),
  };
}

/** The manifest's `engines`: ^20.19.0 || >=22.12.0. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
}
