/** The connection to `flux start`, as a broker has it: PMI and control lines over one socket. */

import { FluxError } from "../message/mod.ts";
import { CONTROL_LIMIT, decodeControl, encodeControl, type Order, type Report } from "./control.ts";
import { LineStream, type PmiLines } from "../pmi/mod.ts";
import { type Clock, sleep } from "../ports/mod.ts";

/** Between two looks for the starter's socket, ms. */
const RETRY = 5;

export interface StarterEvents {
  order(order: Order): void;
  /** The starter is gone; not told after `close`. */
  gone(): void;
}

export class Starter {
  /** PMI is spoken here. */
  readonly pmi: PmiLines;
  readonly #control: LineStream;
  readonly #lines: (string | null)[] = [];
  #waiting: ((line: string | null) => void) | undefined;
  #closed = false;

  private constructor(control: LineStream, events: StarterEvents) {
    this.#control = control;
    this.pmi = { read: () => this.#read(), write: (line) => control.write(line) };
    void this.#hear(events);
  }

  /**
   * Waits for the socket at `path`, which is made once the first rank runs. Throws ECONNREFUSED when the starter is
   * `gone` by then.
   */
  static async connect(path: string, events: StarterEvents, clock: Clock, gone: () => boolean): Promise<Starter> {
    for (;;) {
      try {
        return new Starter(new LineStream(await Deno.connect({ transport: "unix", path }), CONTROL_LIMIT), events);
      } catch (error) {
        const early = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused;
        if (!early || gone()) {
          throw new FluxError("ECONNREFUSED", `flux start does not answer at ${path}`, { cause: error });
        }
      }
      await sleep(clock, RETRY);
    }
  }

  /** Over our own standard streams, which are a remote shell's. */
  static overStreams(events: StarterEvents): Starter {
    const streams = {
      read: (into: Uint8Array) => Deno.stdin.read(into),
      write: (bytes: Uint8Array) => Deno.stdout.write(bytes),
      close: () => Deno.stdout.close(),
    };
    return new Starter(new LineStream(streams, CONTROL_LIMIT), events);
  }

  report(report: Report): void {
    this.#control.write(encodeControl(report));
  }

  /** Closes once everything reported has left. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#control.close();
  }

  async #hear(events: StarterEvents): Promise<void> {
    for (let line = await this.#control.read(); line !== null; line = await this.#control.read()) {
      if (line.startsWith("{")) events.order(decodeControl<Order>(line));
      else this.#push(line);
    }
    this.#push(null);
    if (!this.#closed) events.gone();
  }

  #push(line: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(line);
    else this.#lines.push(line);
  }

  #read(): Promise<string | null> {
    if (this.#lines.length > 0) return Promise.resolve(this.#lines.shift()!);
    return new Promise((resolve) => this.#waiting = resolve);
  }
}
