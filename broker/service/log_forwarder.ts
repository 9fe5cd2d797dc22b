/**
 * The way of the log to rank 0: lines gather, go to the parent in one message, and wait while there is no parent. What
 * cannot wait any longer is given up, counted, and said in the next message.
 */

import type { Clock, Timer } from "../ports/mod.ts";
import { Reducer, scaledTimeout, type TreePosition } from "../handle/mod.ts";

/** A message to the parent leaves at this many characters, */
const FULL = 48 << 10;
/** or this many ms after its first line came, at the root; sooner further down. */
const WINDOW = 20;
/** What may wait for a parent, characters. */
const HELD = 1 << 20;
/** Between two looks for a parent, ms. */
const RETRY = 100;

export interface LogForwarderOptions extends TreePosition {
  readonly clock: Clock;
  /** Hands lines, joined by newlines, to the parent. False when there is none. */
  send(lines: string): boolean;
  /** The line that says how many were given up. */
  lost(count: number): string;
}

export class LogForwarder {
  readonly #options: LogForwarderOptions;
  readonly #gathering: Reducer<string>;
  #held: string[] = [];
  #heldSize = 0;
  #lost = 0;
  #retry: Timer | undefined;

  constructor(options: LogForwarderOptions) {
    this.#options = options;
    const { clock, level, maxLevel } = options;
    const timeout = scaledTimeout(WINDOW, level, maxLevel + 1);
    const rules = {
      count: FULL,
      timeout,
      weight: (lines: string) => lines.length,
      reduce: (all: string[]) => [join(all)],
    };
    this.#gathering = new Reducer(clock, rules, ([lines]) => this.#send(lines!));
  }

  /** Takes one line or several, joined by newlines. */
  add(lines: string): void {
    this.#gathering.add(lines);
  }

  /** Sends what there is now, if there is a parent. */
  flush(): void {
    this.#gathering.flush();
  }

  /** Stops; returns the lines that never left, joined by newlines. */
  close(): string {
    this.flush();
    this.#retry?.cancel();
    const left = this.#lost > 0 ? [this.#options.lost(this.#lost), ...this.#held] : this.#held;
    this.#held = [];
    return join(left);
  }

  #send(lines: string): void {
    this.#held.push(lines);
    this.#heldSize += lines.length;
    this.#try();
  }

  #try(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    const lines = this.#lost > 0 ? [this.#options.lost(this.#lost), ...this.#held] : this.#held;
    if (this.#options.send(join(lines))) {
      this.#held = [];
      this.#heldSize = this.#lost = 0;
      return;
    }
    while (this.#heldSize > HELD) {
      const dropped = this.#held.shift()!;
      this.#heldSize -= dropped.length;
      this.#lost += dropped.split("\n").length;
    }
    this.#retry = this.#options.clock.after(RETRY, () => this.#try());
  }
}

function join(lines: string[]): string {
  return lines.length === 1 ? lines[0]! : lines.join("\n");
}
