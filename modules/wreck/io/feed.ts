/** One source of input on its way to the tasks that read it: piece after piece, as fast as the slowest of them takes it. */

import type { Handle } from "../../../broker/handle/mod.ts";
import { encodeIo, FluxError, Idset } from "../../../broker/message/mod.ts";
import { placeOf } from "../layout.ts";
import type { Layout } from "../protocol.ts";
import type { InputRequest } from "./protocol.ts";

export interface FeedOptions {
  readonly handle: Handle;
  readonly jobid: number;
  readonly layout: Layout;
  readonly tasks: readonly number[];
  /** The next bytes; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
}

/** Resolves when all is delivered, or nobody is left to read it. Throws what reading the source fails with. */
export async function feed({ handle, jobid, layout, tasks, next }: FeedOptions): Promise<void> {
  const wanted = new Idset(tasks);
  const targets = new Map<number, string>();
  for (const rank of layout.ranks) {
    const own = placeOf(layout, rank)!.tasks.filter((task) => wanted.has(task));
    if (own.length > 0) targets.set(rank, `${new Idset(own)}`);
  }
  const send = async (bytes: Uint8Array | undefined) => {
    const io = encodeIo("stdin", "", bytes);
    await Promise.all([...targets].map(async ([rank, tasks]) => {
      const request: InputRequest = { jobid, tasks, io };
      try {
        await handle.rpc("wreck.input", request, { rank });
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        // Its tasks are over, or it is lost.
        targets.delete(rank);
      }
    }));
  };
  // While a piece is on its way the next one is read.
  for (let before = Promise.resolve(); targets.size > 0;) {
    const bytes = await next();
    await before;
    before = send(bytes);
    if (!bytes) return await before;
  }
}
