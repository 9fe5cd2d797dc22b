/**
 * Memory of brokers over time, and whether it keeps growing. What counts is what is still held after a collection
 * (`broker.memory`); what the process has from the system only has a ceiling, since V8 gives it back late.
 */

import type { Handle } from "../../broker/handle/mod.ts";

/** Samples are taken this often, ms. */
const PERIOD = 2000;
/** The first part of the run is warm-up: histories and rings fill, the compiler works. */
const WARM_UP = 0.5;
/** What a broker may hold more of after that, KiB a second: a hundred bytes for each of the requests it serves would be more. */
const GROWTH_LIMIT = 40;
/** What a broker may take from the system in all, MiB. */
const CEILING = 192;

export class MemoryWatch {
  readonly #brokers: readonly Handle[];
  /** KiB held, by rank, by sample. */
  readonly #held: number[][];
  readonly #resident: number[][];

  /** One handle for each rank. */
  constructor(brokers: readonly Handle[]) {
    this.#brokers = brokers;
    this.#held = brokers.map(() => []);
    this.#resident = brokers.map(() => []);
  }

  /** Samples until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await Promise.all(this.#brokers.map(async (broker, rank) => {
        const { rss, heapUsed, external } = await broker.rpc<Record<string, number>>("broker.memory", {
          collect: true,
        });
        this.#held[rank]!.push(((heapUsed ?? 0) + (external ?? 0)) / 1024);
        this.#resident[rank]!.push((rss ?? 0) / 1024);
      }));
      await new Promise((resolve) => setTimeout(resolve, PERIOD));
    }
  }

  /** What is wrong: a line for each broker that holds more and more, or has more than it may. */
  verdict(): string[] {
    return this.#brokers.flatMap((_, rank) => {
      const slope = this.#slope(rank);
      const most = Math.max(...this.#resident[rank]!) / 1024;
      return [
        ...slope > GROWTH_LIMIT ? [`rank ${rank} holds ${slope.toFixed(0)} KiB more each second`] : [],
        ...most > CEILING ? [`rank ${rank} took ${most.toFixed(0)} MiB, at most ${CEILING} are expected`] : [],
      ];
    });
  }

  table(): string {
    return this.#brokers.map((_, rank) => {
      const held = this.#held[rank]!;
      const mib = (kib: number | undefined) => ((kib ?? 0) / 1024).toFixed(1);
      return `rank ${rank}: holds ${mib(held[0])} MiB at first, ${mib(held.at(-1))} at last, ` +
        `${this.#slope(rank).toFixed(1)} KiB/s; resident at most ${mib(Math.max(...this.#resident[rank]!))} MiB`;
    }).join("\n");
  }

  /** KiB a second after the warm-up: the median of the slopes between all pairs of samples (Theil-Sen). */
  #slope(rank: number): number {
    const samples = this.#held[rank]!.slice(Math.floor(this.#held[rank]!.length * WARM_UP));
    const slopes: number[] = [];
    for (let i = 0; i < samples.length; i++) {
      for (let j = i + 1; j < samples.length; j++) slopes.push((samples[j]! - samples[i]!) / ((j - i) * PERIOD / 1000));
    }
    slopes.sort((a, b) => a - b);
    return slopes[slopes.length >> 1] ?? 0;
  }
}
