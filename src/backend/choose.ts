// The one place where a backend is chosen. Knows the sources in order of preference and nothing of what they do.

import { GatewiseError, fromCore } from "../errors.js";
import type { Backend, BackendName, BackendSource } from "./backend.js";

/** What may be asked for: `"auto"` is the fastest that is there. */
export type BackendRequest = "auto" | BackendName;

/** A backend and why it is this one. */
export interface Choice {
  readonly backend: Backend;
  readonly reason: string;
}

/** One backend and whether it can be used here, as {@link availableBackends} tells it. */
export interface BackendAvailability {
  readonly name: BackendName;
  readonly available: boolean;
  /** The instruction set that its kernels run on here: `"avx512"`, `"avx2"`, `"neon"`, `"simd128"`, … */
  readonly isa?: string;
  /** Threads that a model uses unless told otherwise. */
  readonly threads?: number;
  /** Why it is, or is not, available, and what to do about it. */
  readonly reason: string;
}

/** The backend that was asked for; for `"auto"`, the first of `sources` that is there. Tells why, or throws why not. */
export async function chooseBackend(sources: readonly BackendSource[], asked: BackendRequest): Promise<Choice> {
  const candidates = asked === "auto" ? sources : sources.filter((source) => source.name === asked);
  if (candidates.length === 0) throw notHere(sources, asked);

  const missing: string[] = [];
  for (const source of candidates) {
    const attempt = await tryToOpen(source);
    if (typeof attempt === "string") {
      missing.push(attempt);
      continue;
    }
    return { backend: attempt, reason: reasonFor(asked, source.name, missing) };
  }
  throw new GatewiseError("backend_unavailable", "options.backend", missing.join("; "));
}

/** Every backend of this runtime and whether it is there. */
export async function surveyBackends(sources: readonly BackendSource[]): Promise<BackendAvailability[]> {
  const survey = async (source: BackendSource): Promise<BackendAvailability> => {
    const { name } = source;
    const attempt = await tryToOpen(source).catch((refused: Error) => refused.message);
    if (typeof attempt === "string") return { name, available: false, reason: attempt };
    const { isa, threads } = attempt.machine;
    return { name, available: true, isa, threads, reason: `${name} loads and runs here` };
  };
  return Promise.all(sources.map(survey));
}

/**
 * The backend, or a sentence that says why it is not there and what would help.
 *
 * @throws {GatewiseError} what the core refuses: a setting that is wrong is no reason to take another backend
 */
async function tryToOpen(source: BackendSource): Promise<Backend | string> {
  try {
    return await source.open();
  } catch (thrown) {
    const refused = fromCore(thrown);
    if (refused) throw refused;
    const why = firstLine(rootCause(thrown));
    return `the ${source.name} backend is not available (${why}): ${source.remedy}`;
  }
}

function reasonFor(asked: BackendRequest, name: BackendName, missing: readonly string[]): string {
  if (asked !== "auto") return `"${name}" was asked for`;
  if (missing.length === 0) return `"${name}" is the fastest backend of this runtime`;
  return `"${name}" is what there is: ${missing.join("; ")}`;
}

function notHere(sources: readonly BackendSource[], asked: string): GatewiseError {
  const known = sources.map((source) => `"${source.name}"`).join(" or ");
  if (asked !== "native" && asked !== "wasm") {
    return new GatewiseError("invalid_option", "options.backend", `"${asked}" is not a backend: use "auto" or ${known}`);
  }
  const message = `this runtime has no "${asked}" backend: use "auto" or ${known}`;
  return new GatewiseError("backend_unavailable", "options.backend", message);
}

/** The message of the error behind all others: napi's loader hides the addon's own behind advice about npm. */
function rootCause(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? rootCause(thrown.cause) : thrown.message;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
