/** One who is attached to a program, as its keeper sees him: gets what it writes as far as he has credit. */

import type { Request } from "../../broker/handle/mod.ts";
import { encodeIo } from "../../broker/message/mod.ts";
import type { Taker, Tee } from "../../modules/kz/client.ts";
import type { News, OutputName } from "./protocol.ts";

/** A stream of the program. */
export interface Source {
  readonly name: OutputName;
  readonly tee: Tee;
}

/** In the place of the first who is attached: nothing is read for nobody. */
export const NOBODY: Taker = { hasRoom: false, take() {} };

export class Attached {
  readonly #request: Request;
  readonly #outputs: readonly Source[];
  readonly #takers = new Map<string, Taker & { credit: number }>();
  readonly #done = Promise.withResolvers<void>();

  constructor(request: Request, credit: number, outputs: readonly Source[]) {
    this.#request = request;
    this.#outputs = outputs;
    for (const { name } of outputs) {
      const taker = {
        credit,
        get hasRoom() {
          return taker.credit > 0;
        },
        take: (bytes: Uint8Array | undefined) => {
          taker.credit -= bytes?.length ?? 0;
          this.tell({ type: "output", io: encodeIo(name, "", bytes) });
        },
      };
      this.#takers.set(name, taker);
    }
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  tell(news: News): void {
    this.#request.respond(news);
  }

  begin(): void {
    for (const { name, tee } of this.#outputs) {
      tee.add(this.#takers.get(name)!);
      tee.remove(NOBODY);
    }
  }

  grant(stream: string, bytes: number): void {
    const taker = this.#takers.get(stream);
    if (taker) taker.credit += bytes;
    for (const { tee } of this.#outputs) tee.roomMade();
  }

  leave(): void {
    for (const { name, tee } of this.#outputs) tee.remove(this.#takers.get(name)!);
    this.#done.resolve();
  }

  end(status: number): void {
    this.tell({ type: "exited", status });
    this.leave();
  }
}
