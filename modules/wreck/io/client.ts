/** The output of a job, for who prints it: while it runs, and after. */

import type { Handle } from "../../../broker/handle/mod.ts";
import { decodeIo, FluxError, ioBytes, type JsonObject } from "../../../broker/message/mod.ts";
import { Kvs } from "../../kvs/client.ts";
import type { OutputName } from "./rank_io.ts";
import { outputKey } from "./protocol.ts";

/** A piece of what a task wrote; without bytes the end of that stream. */
export interface Output {
  readonly task: number;
  readonly stream: OutputName;
  readonly bytes: Uint8Array | undefined;
}

/**
 * All that the tasks of a job write, from the beginning, in order for each stream; ends with the job's output. What is not taken is not
 * asked for.
 */
export async function* readOutput(handle: Handle, jobid: number, signal?: AbortSignal): AsyncGenerator<Output, void> {
  const options = { waitcreate: true, append: true, ...(signal && { signal }) };
  let begun = "";
  const decoder = new TextDecoder();
  for await (const bytes of new Kvs(handle).watchBytes(outputKey(jobid), options)) {
    const lines = (begun + decoder.decode(bytes, { stream: true })).split("\n");
    begun = lines.pop()!;
    for (const line of lines) {
      const entry = JSON.parse(line) as JsonObject;
      if (entry.end === true) return;
      const { stream, data, eof } = decodeIo(entry);
      if (stream !== "stdout" && stream !== "stderr") throw new FluxError("EPROTO", `no such stream: ${stream}`);
      const task = Number(entry.rank);
      if (data !== undefined) yield { task, stream, bytes: ioBytes(data) };
      if (eof) yield { task, stream, bytes: undefined };
    }
  }
}
