/** What is typed on a terminal that is attached: `~.` behind a newline detaches, `~~` is one `~`; all else is passed on. Pure. */

const NEWLINE = 10, RETURN = 13, TILDE = 126, DOT = 46;

export class Escape {
  /** Nothing was typed on this line yet. */
  #fresh = true;
  /** A `~` is held back until it is known what it begins. */
  #held = false;

  /** What is to be passed on of these bytes, and whether to detach behind them. */
  take(bytes: Uint8Array): { readonly passed: Uint8Array; readonly detach: boolean } {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (this.#held) {
        this.#held = false;
        if (byte === DOT) return { passed: new Uint8Array(passed), detach: true };
        if (byte !== TILDE) passed.push(TILDE);
      } else if (this.#fresh && byte === TILDE) {
        this.#held = true;
        this.#fresh = false;
        continue;
      }
      passed.push(byte);
      this.#fresh = byte === NEWLINE || byte === RETURN;
    }
    return { passed: new Uint8Array(passed), detach: false };
  }
}
