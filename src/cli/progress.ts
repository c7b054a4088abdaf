// Progress on stderr: a bar on a terminal, elsewhere a plain line now and then.

/** How far something is. */
export interface Progress {
  /** `done` of `total`, and a few words beside it. */
  update(done: number, total: number, words: string): void;
  end(): void;
}

/** Milliseconds between plain lines: few enough for a log. */
const PAUSE = 2000;

export async function openProgress(title: string): Promise<Progress> {
  return process.stderr.isTTY ? bar(title) : lines(title);
}

async function bar(title: string): Promise<Progress> {
  const { Presets, SingleBar } = (await import("cli-progress")).default;
  const format = `${title} {bar} {percentage} % | {words}`;
  // Ctrl-C is the command's own business.
  const options = { format, stream: process.stderr, noTTYOutput: false, gracefulExit: false, clearOnComplete: false };
  const shown = new SingleBar(options, Presets.shades_classic);
  shown.start(1, 0, { words: "" });
  return {
    update(done, total, words) {
      shown.setTotal(total);
      shown.update(done, { words });
    },
    end: () => shown.stop(),
  };
}

function lines(title: string): Progress {
  let last = -Infinity;
  let pending: string | undefined;
  const write = (line: string) => process.stderr.write(`${title} ${line}\n`);
  return {
    update(done, total, words) {
      pending = `${((100 * done) / Math.max(total, 1)).toFixed(0)} % ${words}`;
      if (performance.now() - last < PAUSE) return;
      last = performance.now();
      write(pending);
      pending = undefined;
    },
    end() {
      if (pending !== undefined) write(pending);
    },
  };
}
