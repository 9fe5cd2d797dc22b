/** The size of the files of a state directory over time, and whether it keeps growing. */

/** Looks are taken this often, ms. */
const PERIOD = 500;
/** The first part of the run, in which the store takes the size that it needs. */
const WARM_UP = 0.5;
/** How much larger the largest size after that may be than the largest before, MiB: there is always some garbage. */
const SLACK = 8;

export class FileWatch {
  readonly #directory: string;
  /** MiB in all files together, by look. */
  readonly #sizes: number[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Looks until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let bytes = 0;
      for await (const { name } of Deno.readDir(this.#directory)) {
        bytes += (await Deno.stat(`${this.#directory}/${name}`).catch(() => undefined))?.size ?? 0;
      }
      this.#sizes.push(bytes / 2 ** 20);
      await new Promise((resolve) => setTimeout(resolve, PERIOD));
    }
  }

  /** What is wrong: one line, if the files keep growing. */
  verdict(): string[] {
    const middle = Math.floor(this.#sizes.length * WARM_UP);
    const early = Math.max(0, ...this.#sizes.slice(0, middle)), late = Math.max(0, ...this.#sizes.slice(middle));
    return late <= early + SLACK ? [] : [`the state directory grew from ${early.toFixed(1)} to ${late.toFixed(1)} MiB`];
  }

  line(): string {
    const last = this.#sizes.at(-1) ?? 0;
    return `state directory: at most ${Math.max(0, ...this.#sizes).toFixed(1)} MiB, ${last.toFixed(1)} at last`;
  }
}
