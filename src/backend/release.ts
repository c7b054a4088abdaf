// The end of anything that a binding made.

/** Frees it, and never throws: an instance that trapped cannot even free, and goes with the garbage as a whole. */
export function release(owned: { dispose(): void }): void {
  try {
    owned.dispose();
  } catch {
    // Whatever made it unable to free has been told by the call that met it.
  }
}
