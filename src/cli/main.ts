#!/usr/bin/env node
// The command `gatewise`: hands the process's arguments to the program, and its exit code back.

import { provideNode } from "../entry/node-platform.js";
import { runProgram } from "./program.js";

provideNode();
// Whoever reads the output may stop reading, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await runProgram(process.argv.slice(2));
