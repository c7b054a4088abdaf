// What the benchmark ran on.

export interface Machine {
  /** The processor's name, as it calls itself. */
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly platform: string;
  readonly node: string;
  readonly gatewise: string;
  /** The best instruction set of the machine that our kernels have. */
  readonly isa: string;
  /** Measured f32 multiply-adds of one core with that set, in GFLOP/s (a multiply-add counts two). */
  readonly peak_gflops: number;
  /** Name → version of every peer that took part, and of its interpreter. */
  readonly versions: Readonly<Record<string, string>>;
  /** ISO 8601, in UTC. */
  readonly date: string;
}
