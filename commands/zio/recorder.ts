/** The record of one stream: blocks of whole lines in the key-value store, written behind what is live. */

import type { Clock, Timer } from "../../broker/ports/mod.ts";
import { Cutter, type Taker, type Writer } from "../../modules/kz/client.ts";

export interface RecorderOptions {
  readonly writer: Writer;
  readonly clock: Clock;
  /** Bytes of a block, at most. */
  readonly blocksize: number;
  /** A line that has only begun is recorded after so many milliseconds; with its end, unless given. */
  readonly linger: number | undefined;
  /** What may still be recorded, of all streams of a program together. */
  readonly allowance: { left: number };
  /** There is room again. */
  roomMade(): void;
  /** The store has refused a block. */
  failed(error: unknown): void;
}

export class Recorder implements Taker {
  readonly #options: RecorderOptions;
  readonly #cutter: Cutter;
  #timer: Timer | undefined;
  /** Blocks that wait for room in the writer. */
  #held = 0;
  #lost = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#cutter = new Cutter({ limit: options.blocksize, wholeLines: true });
  }

  get hasRoom(): boolean {
    return this.#held === 0;
  }

  /** How many blocks there are, the bytes behind them that were not recorded, and what was written since. */
  get position(): { readonly blocks: number; readonly lost: number; readonly rest: Uint8Array } {
    return { blocks: this.#options.writer.count, lost: this.#lost, rest: this.#cutter.rest };
  }

  take(bytes: Uint8Array | undefined): void {
    if (!bytes) return this.#break();
    for (const block of this.#cutter.push(bytes)) this.#put(block);
    const { linger, clock } = this.#options;
    if (this.#cutter.rest.length === 0) this.#stopTimer();
    else if (linger !== undefined) this.#timer ??= clock.after(linger, () => this.#break());
  }

  #break(): void {
    this.#stopTimer();
    const rest = this.#cutter.end();
    if (rest) this.#put(rest);
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #put(block: Uint8Array): Promise<void> {
    const { allowance, writer } = this.#options;
    if (this.#lost > 0 || block.length > allowance.left) {
      this.#lost += block.length;
      return;
    }
    allowance.left -= block.length;
    this.#held++;
    try {
      await writer.put(block);
    } catch (error) {
      this.#options.failed(error);
    }
    if (--this.#held === 0) this.#options.roomMade();
  }
}
