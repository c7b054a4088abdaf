// The driver's side of the protocol: a worker is a process of its own, which waits for requests and computes nothing else.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";

import { root } from "../../scripts/setup/places.mjs";
import type { Answers, Reply, Request } from "./protocol.js";

/** A command with its arguments. */
export type Command = readonly [program: string, ...args: readonly string[]];

/** Lines of a worker's own messages that are shown when it fails. */
const SHOWN_LINES = 20;

export class Worker {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #messages: string[] = [];
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  #ended: Error | undefined;

  constructor(name: string, [program, ...args]: Command, env: NodeJS.ProcessEnv = {}) {
    this.name = name;
    this.#process = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    const { stdout, stderr, stdin } = this.#process;
    if (!stdout || !stderr || !stdin) throw new Error("a worker's streams are pipes");
    createInterface({ input: stdout }).on("line", (line) => this.#waiting?.resolve(line));
    createInterface({ input: stderr }).on("line", (line) => this.#messages.push(line));
    // A worker that ends between two requests is noticed by its end, not by the pipe.
    stdin.on("error", () => {});
    this.#process.on("error", (error) => this.#end(error.message));
    this.#process.on("close", (code, signal) => this.#end(`ended with ${signal ?? `exit code ${code}`}`));
  }

  /** Sends a request and waits for its answer. One at a time. */
  async ask<Ask extends Request["ask"]>(request: Extract<Request, { ask: Ask }>): Promise<Answers[Ask]> {
    if (this.#ended) throw this.#ended;
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    });
    const reply = JSON.parse(line) as Reply<Ask>;
    if (!reply.ok) throw new Error(`${this.name}: ${reply.error}`);
    return reply.value;
  }

  /** Milliseconds that all threads of the process have computed so far; undefined where the system does not tell. */
  processorTime(): number | undefined {
    try {
      const tasks = `/proc/${this.#process.pid}/task`;
      const nanoseconds = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
      return nanoseconds.reduce((sum, value) => sum + value, 0) / 1e6;
    } catch {
      return undefined;
    }
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }

  #end(how: string): void {
    const said = this.#messages.slice(-SHOWN_LINES).join("\n");
    this.#ended = new Error(`${this.name} ${how}${said && `:\n${said}`}`);
    this.#waiting?.reject(this.#ended);
  }
}
