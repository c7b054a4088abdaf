// Long work on the calling thread, cut into turns of the event loop. Knows nothing of what the work is.

/** Milliseconds that one turn of work should take: short enough that timers, sockets and clicks are not held up. */
export const TURN_MS = 50;

/**
 * How much to do in one turn, from how long the last one took. Starts at `first` and at most doubles or halves from turn to
 * turn, so that one hiccup of the machine neither stalls progress nor causes a long turn. Never below 1.
 */
export class Pace {
  #amount: number;
  readonly #target: number;

  /**
   * @param first amount of the first turn, at least 1
   * @param target milliseconds that a turn should take
   */
  constructor(first = 1, target = TURN_MS) {
    this.#amount = first;
    this.#target = target;
  }

  /** How much to do in the next turn. */
  get amount(): number {
    return this.#amount;
  }

  /** Takes note that `done` took `milliseconds`. */
  observe(done: number, milliseconds: number): void {
    // Clocks of browsers tick in steps of up to 0.1 ms; below that, a turn counts as instant.
    const ideal = (done * this.#target) / Math.max(milliseconds, 0.1);
    const bounded = Math.min(Math.max(ideal, this.#amount / 2), this.#amount * 2);
    this.#amount = Math.max(1, Math.round(bounded));
  }
}

/** Resolves after pending timers, messages and input events had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    // Browsers hold repeated timeouts back by 4 ms; messages go at once.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
