/** Brokers that were refused for their version, told of together: with an old flux on one host there often is one on many. */

import { formatHostlist, Idset } from "../message/mod.ts";
import type { Clock, Timer } from "../ports/mod.ts";
import type { Greeting } from "./hello.ts";
import { PROTOCOL } from "./hello.ts";

/** Those that come within this time are told of in one line, ms. */
const GATHER = 500;

export class Mismatches {
  readonly #clock: Clock;
  readonly #tell: (text: string) => void;
  readonly #own: { rank: number; hostname: string; version: string };
  /** By what they speak. */
  readonly #found = new Map<string, Greeting[]>();
  #timer: Timer | undefined;

  constructor(clock: Clock, own: { rank: number; hostname: string; version: string }, tell: (text: string) => void) {
    this.#clock = clock;
    this.#own = own;
    this.#tell = tell;
  }

  add(greeting: Greeting): void {
    const key = speech(greeting.protocol, greeting.version);
    this.#found.set(key, [...this.#found.get(key) ?? [], greeting]);
    this.#timer ??= this.#clock.after(GATHER, () => this.#report());
  }

  close(): void {
    this.#timer?.cancel();
    if (this.#timer) this.#report();
  }

  #report(): void {
    this.#timer = undefined;
    const { rank, hostname, version } = this.#own;
    for (const [spoken, greetings] of this.#found) {
      const ranks = new Idset(greetings.map((one) => one.rank));
      const hosts = formatHostlist(greetings.map((one) => one.hostname));
      const who = `${hosts} (${ranks.size === 1 ? "rank" : "ranks"} ${ranks})`;
      this.#tell(`refused ${who}: ${spoken} there, rank ${rank} on ${hostname} speaks ${speech(PROTOCOL, version)}`);
    }
    this.#found.clear();
  }
}

function speech(protocol: readonly [number, number], version: string): string {
  return `protocol ${protocol.join("-")} (flux ${version})`;
}
