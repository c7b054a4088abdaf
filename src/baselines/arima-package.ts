// The package `arima`: loaded when first used, and kept from writing to the program's output. Knows nothing of series.

import { optionalPackage } from "../optional-package.js";

type Package = typeof import("arima");

/** The package, and what it said. */
export interface Arima {
  readonly Model: Package;
  /** Runs `work`; gives what it returns and what the package wrote meanwhile. */
  listen<Result>(work: () => Result): { readonly result: Result; readonly said: readonly string[] };
  /** Whether what it writes is heard here and nowhere else. */
  readonly heard: boolean;
}

let loaded: Promise<Arima> | undefined;

/** @throws {GatewiseError} `missing_package` */
export function loadArima(): Promise<Arima> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined; // it may be installed by the next time
    throw error;
  });
  return loaded;
}

/**
 * While the package is loaded it takes `console.log` as its output, for ever: even when it is told not to be verbose, what goes
 * wrong is written there, into what may be a program's JSON. So it is given another function in its place, which passes on what
 * others write, and which hears when it is bound. A copy of the package that the program loaded before keeps its own output.
 */
async function load(): Promise<Arima> {
  const original = console.log;
  let said: string[] | undefined;
  let heard = false;
  const listener = (...parts: unknown[]) => (said ? void said.push(parts.join(" ")) : heard ? undefined : original(...parts));
  const between = Object.assign((...parts: unknown[]) => original(...parts), {
    bind() {
      heard = true;
      return listener;
    },
  });
  console.log = between;
  try {
    // TypeScript takes the promise that the package exports for the module's own.
    const importIt = () => import("arima/async") as unknown as Promise<{ readonly default: Promise<Package> }>;
    const Model = await (await optionalPackage("arima", "fits ARIMA models", importIt)).default;
    return {
      Model,
      heard,
      listen(work) {
        said = [];
        try {
          const result = work();
          return { result, said };
        } finally {
          said = undefined;
        }
      },
    };
  } finally {
    if (console.log === between) console.log = original;
  }
}
