/** Standard input, given to all tasks: as fast as the slowest that still reads. */

import type { RemoteTasks } from "./remote_tasks.ts";

/** Read at a time, bytes. */
const PIECE = 1 << 16;
/** Input under way to all tasks together, bytes, but at least {@link LEAST} to each. */
const WINDOW = 16 << 20;
const LEAST = 2 * PIECE;

export interface BroadcastOptions {
  readonly tasks: RemoteTasks;
  /** Reads standard input; null at its end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Resolves when what was written has left this process. */
  drain(): Promise<void>;
}

export class Broadcast {
  readonly #options: BroadcastOptions;
  readonly #window: number;
  #waiting: (() => void) | undefined;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    this.#window = Math.max(LEAST, Math.floor(WINDOW / options.tasks.ranks.size));
  }

  /** Something has changed that may leave room for more. */
  wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  /** Passes on all there is, and its end. */
  async run(): Promise<void> {
    const { tasks, read, drain } = this.#options;
    const buffer = new Uint8Array(PIECE);
    for (;;) {
      const count = await read(buffer);
      if (count === null) return tasks.write(undefined);
      while (!tasks.hasRoom(count, this.#window)) {
        await new Promise<void>((resolve) => this.#waiting = resolve);
      }
      tasks.write(buffer.subarray(0, count));
      await drain();
    }
  }
}
