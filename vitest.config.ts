// The tests run against the compiled package, imported as its users import it: `npm run build:ts` comes first.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Far above what any test needs: a slow machine shall not fail, only something that hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Node itself loads the package under test, with its `exports`, its `imports` and its workers.
    server: { deps: { external: [/\/dist\//] } },
  },
});
