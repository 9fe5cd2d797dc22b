/** Where the output of all jobs meets, at rank 0: what the ranks send is kept in the KVS, from where clients read and follow it. */

import { integerField, type Methods, type Request } from "../../../broker/handle/mod.ts";
import { decodeIo, FluxError, type JsonObject } from "../../../broker/message/mod.ts";
import type { Ledger } from "../ledger.ts";
import { END, outputKey } from "./protocol.ts";

export interface HomeIo {
  readonly methods: Methods;
  /** Before any output of a job comes. */
  begin(jobid: number): void;
  /** All its output has come. Resolves when it can be read. */
  end(jobid: number): Promise<void>;
}

export function openHomeIo(ledger: Ledger): HomeIo {
  const live = new Set<number>();

  async function take({ payload }: Request): Promise<void> {
    const jobid = integerField(payload, "jobid");
    if (!live.has(jobid)) throw new FluxError("ENOENT", `job ${jobid} does not run`);
    const pieces = payload.pieces;
    if (!Array.isArray(pieces)) throw new FluxError("EPROTO", '"pieces" must be an array');
    const lines = pieces.map((piece) => {
      const { io } = piece as JsonObject;
      decodeIo(io);
      return `${JSON.stringify(io)}\n`;
    });
    await ledger.write((transaction) => transaction.append(outputKey(jobid), lines.join("")));
  }

  return {
    methods: { "wreck.output": take },
    begin: (jobid) => void live.add(jobid),
    async end(jobid) {
      if (live.delete(jobid)) await ledger.write((transaction) => transaction.append(outputKey(jobid), END));
    },
  };
}
