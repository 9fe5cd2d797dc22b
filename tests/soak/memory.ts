/** Private memory of processes over time, and whether it keeps growing. */

/** Samples are taken this often, ms. */
const PERIOD = 1000;
/** The first part of the run is warm-up: caches fill and the compiler works. */
const WARM_UP = 0.4;
/** What a broker may still grow by after that, KiB a second: the noise of the collector, not a leak. */
const GROWTH_LIMIT_KIB_PER_S = 100;

interface Watched {
  name: string;
  pid: number;
}

export class MemoryWatch {
  readonly #watched: readonly Watched[];
  /** KiB by process, by sample. */
  readonly #samples: number[][];

  constructor(watched: readonly Watched[]) {
    this.#watched = watched;
    this.#samples = watched.map(() => []);
  }

  /** Samples until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#watched.forEach(({ pid }, i) => this.#samples[i]!.push(privateKiB(pid)));
      await new Promise((resolve) => setTimeout(resolve, PERIOD));
    }
  }

  /** What is wrong: one line for each process that still grows. */
  verdict(): string[] {
    return this.#watched.flatMap(({ name }, i) => {
      const slope = this.#slope(i);
      return slope > GROWTH_LIMIT_KIB_PER_S ? [`${name} grows by ${slope.toFixed(0)} KiB/s`] : [];
    });
  }

  table(): string {
    return this.#watched.map(({ name }, i) => {
      const samples = this.#samples[i]!;
      const mib = (kib: number | undefined) => ((kib ?? 0) / 1024).toFixed(0);
      return `${name}: ${mib(samples[0])} MiB at first, ${mib(Math.max(...samples))} at most, ${
        mib(samples.at(-1))
      } at last, ` +
        `${this.#slope(i).toFixed(1)} KiB/s`;
    }).join("\n");
  }

  /**
   * KiB a second after the warm-up: Theil-Sen over the minima of eight stretches, since a collector saws teeth into a flat
   * line and one late collection must not look like a leak.
   */
  #slope(index: number): number {
    const samples = this.#samples[index]!.slice(Math.floor(this.#samples[index]!.length * WARM_UP));
    const width = Math.max(1, Math.floor(samples.length / 8));
    const minima: number[] = [];
    for (let at = 0; at + width <= samples.length; at += width) minima.push(Math.min(...samples.slice(at, at + width)));
    const slopes: number[] = [];
    for (let i = 0; i < minima.length; i++) {
      for (let j = i + 1; j < minima.length; j++) {
        slopes.push((minima[j]! - minima[i]!) / ((j - i) * width * PERIOD / 1000));
      }
    }
    slopes.sort((a, b) => a - b);
    return slopes[slopes.length >> 1] ?? 0;
  }
}

function privateKiB(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return field("Private_Clean") + field("Private_Dirty");
}
