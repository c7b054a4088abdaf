// A process of its own for one backend and instruction set, which the environment forces: writes its rows as JSON.

import type { BackendName } from "gatewise/layers";

import { measureAll } from "./rows.js";

process.stdout.write(JSON.stringify(await measureAll({ backend: process.argv[2] as BackendName, threads: 1 })));
