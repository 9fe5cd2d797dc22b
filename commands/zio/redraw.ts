/**
 * Makes a program that fills the screen draw it again, for one who has attached to it: it does so when the size changes, so
 * the size is changed for a moment. Two changes at once would be one signal, behind which nothing has changed; and a program
 * may forget the key it reads next when the signal comes just before it waits for one (less does). So the size changes back
 * when the program has drawn and is still, and what is typed waits for both.
 */

import { type Clock, sleep } from "../../broker/ports/clock.ts";
import type { TerminalSize } from "../../broker/ports/mod.ts";

/** So long a program has to draw, ms: most do not fill the screen and answer nothing, others never stop writing. */
const PATIENCE = 100;
/** It waits for a key when it has written nothing for so long, ms; no other sign of that can be seen from here. */
const STILL = 30;

export interface RedrawOptions {
  readonly clock: Clock;
  /** What the terminal has before anybody is attached. */
  readonly size: TerminalSize;
  resize(size: TerminalSize): void;
}

export class Redraw {
  readonly #options: RedrawOptions;
  #size: TerminalSize;
  /** It has written something, so there is something to draw again. */
  #drawn = false;
  #wrote = Promise.withResolvers<void>();
  #done: Promise<void> = Promise.resolve();

  constructor(options: RedrawOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  /** Resolves when the program has drawn what it was asked for: what is typed may go to it. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** The program has written something. */
  wrote(): void {
    this.#drawn = true;
    this.#wrote.resolve();
    this.#wrote = Promise.withResolvers();
  }

  /** The terminal of who is attached has this size now. */
  resize(size: TerminalSize): void {
    this.#size = size;
    this.#options.resize(size);
  }

  /** Somebody has attached, with a terminal of this size. */
  begin(size: TerminalSize): void {
    const same = size.columns === this.#size.columns && size.rows === this.#size.rows;
    this.#size = size;
    this.#done = this.#done.then(() => this.#draw(same && this.#drawn));
  }

  async #draw(again: boolean): Promise<void> {
    const { columns, rows } = this.#size;
    if (again) await this.#change({ columns, rows: rows > 1 ? rows - 1 : rows + 1 });
    if (this.#drawn) await this.#change();
    else this.#options.resize(this.#size);
  }

  /** To the size of who is attached, unless told otherwise; resolves when it is drawn. */
  async #change(size?: TerminalSize): Promise<void> {
    const { clock, resize } = this.#options;
    const deadline = clock.now() + PATIENCE;
    const left = () => deadline - clock.now();
    resize(size ?? this.#size);
    if (!await this.#writes(PATIENCE)) return;
    while (left() > 0 && await this.#writes(Math.min(STILL, left())));
  }

  /** Whether it writes something within so many milliseconds. */
  async #writes(ms: number): Promise<boolean> {
    const late = new AbortController();
    const silence = sleep(this.#options.clock, ms, late.signal).then(() => false, () => true);
    const wrote = await Promise.race([this.#wrote.promise.then(() => true), silence]);
    late.abort();
    return wrote;
  }
}
