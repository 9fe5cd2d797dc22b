/** The server's side of PMI-1 for a program all of whose processes are here. Pure. */

import type { Idset } from "../message/mod.ts";
import { type PmiAction, PmiPart, type PmiPartOptions } from "./part.ts";

export type PmiServerOptions = Omit<PmiPartOptions, "ranks">;

export class PmiServer {
  readonly #part: PmiPart;

  constructor(options: PmiServerOptions) {
    this.#part = new PmiPart({ ...options, ranks: Array(options.size).keys() });
  }

  /** Ranks that wait in the barrier now. */
  get waiting(): Idset {
    return this.#part.waiting;
  }

  /** One line, without its newline, of one rank. */
  receive(rank: number, line: string): PmiAction[] {
    return this.#part.receive(rank, line).flatMap((action) => {
      switch (action.kind) {
        case "exchange":
          return this.#part.complete([]); // they are here already
        case "lost":
        case "stuck":
          return []; // whoever started the processes sees their end
        default:
          return [action];
      }
    });
  }
}
