/** `flux kvs copy-tokvs` and `copy-fromkvs`: files as values, `{"data": base64}` (cli.md §4.2). */

import { command, CommandError, UsageError } from "../mod.ts";
import { about, openKvs, readAt } from "./access.ts";
import { commit, reply, steps } from "./commit.ts";
import { AT, COMMIT } from "./options.ts";

const FILE_MODE = 0o644;

export const copyToKvs = command({
  name: "copy-tokvs",
  summary: "Store a file under a key",
  usage: ["[OPTIONS] KEY FILE|-"],
  options: COMMIT,
  async *run({ opts, args, connect }) {
    const [key, file, extra] = args;
    if (key === undefined || file === undefined || extra !== undefined) {
      throw new UsageError("copy-tokvs: specify key and filename");
    }
    const bytes = file === "-" ? await new Response(Deno.stdin.readable).bytes() : await readFile(file);
    const transaction = (await openKvs({ connect, opts })).transaction();
    steps([key], (key) => key, () => transaction.putText(key, `{"data":"${bytes.toBase64()}"}`));
    yield await commit(transaction, [key], opts);
  },
  human: (answer, opts) => reply(answer, opts),
});

export const copyFromKvs = command({
  name: "copy-fromkvs",
  summary: "Write a file that copy-tokvs stored",
  usage: ["[OPTIONS] KEY FILE|-"],
  options: AT,
  async *run({ opts, args, connect }): AsyncGenerator<Uint8Array, void> {
    const [key, file, extra] = args;
    if (key === undefined || file === undefined || extra !== undefined) {
      throw new UsageError("copy-fromkvs: specify key and filename");
    }
    const kvs = await openKvs({ connect, opts });
    const bytes = decode(key, await about(key, kvs.getBytes(key, readAt(opts.at))));
    if (file === "-") yield bytes;
    else await told(file, Deno.writeFile(file, bytes, { mode: FILE_MODE }));
  },
});

function decode(key: string, stored: Uint8Array): Uint8Array {
  try {
    const { data } = JSON.parse(new TextDecoder().decode(stored));
    return Uint8Array.fromBase64(data);
  } catch {
    throw new CommandError(`${key}: decode error`, { hint: "only what copy-tokvs stored can be read by copy-fromkvs" });
  }
}

function readFile(file: string): Promise<Uint8Array> {
  return told(file, Deno.readFile(file));
}

/** A file's trouble with its name in front. */
async function told<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fileError(file, error);
  }
}

/** `FILE: REASON` as the system words it. */
export function fileError(file: string, error: unknown): unknown {
  const reason = error instanceof Error ? /^(.*?) \(os error \d+\)/.exec(error.message)?.[1] : undefined;
  return reason === undefined ? error : new CommandError(`${file}: ${reason}`, { cause: error });
}
