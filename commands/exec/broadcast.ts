/** Standard input, given to all tasks: as fast as the slowest that still reads. */

import { encodeIo } from "../../broker/message/mod.ts";
import type { RemoteTask } from "./remote_task.ts";

/** Read at a time, bytes. */
const PIECE = 1 << 16;
/** Input under way to all tasks together, bytes, but at least {@link LEAST} to each. */
const WINDOW = 16 << 20;
const LEAST = 2 * PIECE;

export interface BroadcastOptions {
  readonly tasks: readonly RemoteTask[];
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
    this.#window = Math.max(LEAST, Math.floor(WINDOW / options.tasks.length));
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
      if (count === null) return this.end();
      while (!tasks.every((task) => task.hasRoom(count, this.#window))) {
        await new Promise<void>((resolve) => this.#waiting = resolve);
      }
      this.#write(buffer.subarray(0, count));
      await drain();
    }
  }

  /** There is no input, or none any more. */
  end(): void {
    this.#write(undefined);
  }

  #write(bytes: Uint8Array | undefined): void {
    const io = JSON.stringify(encodeIo("stdin", "0", bytes));
    for (const task of this.#options.tasks) task.write(io, bytes?.length ?? 0);
  }
}
