/** Remembers who was refused and for what kind of reason, so that a peer that tries again for hours is reported once. */
export class Refusals {
  readonly #told = new Set<string>();

  /** True the first time. */
  isNew(address: string, kind: string): boolean {
    const refusal = `${address} ${kind}`;
    if (this.#told.has(refusal)) return false;
    if (this.#told.size >= MOST) this.#told.clear();
    this.#told.add(refusal);
    return true;
  }
}

/** Refusals kept: a stranger that changes its key every time must not fill the memory. */
const MOST = 1000;
