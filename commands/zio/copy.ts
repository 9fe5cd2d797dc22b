/** `flux zio copy`: a file into a stream, or a stream into a file. */

import { isErrno } from "../../broker/message/mod.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import { Cutter, openReader, openWriter } from "../../modules/kz/client.ts";
import { about, openKvs } from "../kvs/access.ts";
import { command, CommandError, UsageError } from "../mod.ts";
import type { Context } from "../command.ts";
import { OPTIONS, type ZioOptions } from "./options.ts";

const isFile = (word: string) => word === "-" || word.includes("/");

/** The most that is read at a time, bytes. */
const PIECE = 1 << 16;

export const copy = command({
  name: "copy",
  summary: "Copy a file into a stream, or a stream into a file",
  usage: ["[OPTIONS] FROM TO"],
  signal: true,
  options: {},
  async *run(context): AsyncGenerator<Uint8Array> {
    const { args: [from, to, extra] } = context;
    const opts = context.opts as ZioOptions;
    if (from === undefined || to === undefined || extra !== undefined) {
      throw new UsageError("copy: specify FROM and TO");
    }
    if (isFile(from) && isFile(to)) throw new CommandError("copy src and dst cannot both be file");
    const kvs = await openKvs({ connect: context.connect, opts: { namespace: undefined } });
    const source = isFile(from) ? readFile(context, from) : readStream(kvs, from, context.signal);
    if (to === "-") return yield* source;
    if (isFile(to)) await writeFile(to, source);
    else await writeStream(kvs, to, source, opts);
  },
});

async function* readStream(kvs: Kvs, key: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  yield* await about(key, openReader(kvs, key, { signal }));
}

async function* readFile(
  { read }: Pick<Context<typeof OPTIONS>, "read">,
  path: string,
): AsyncGenerator<Uint8Array, void> {
  const file = path === "-" ? undefined : await opened(path, { read: true });
  const from = file ? (into: Uint8Array) => file.read(into) : read;
  const buffer = new Uint8Array(PIECE);
  for (let count = await from(buffer); count !== null; count = await from(buffer)) yield buffer.slice(0, count);
}

async function writeFile(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  // Nothing is created for a source that is not there.
  let file: Deno.FsFile | undefined;
  for await (const bytes of source) {
    file ??= await opened(path, { write: true, create: true, truncate: true });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
  file ??= await opened(path, { write: true, create: true, truncate: true });
  file.close();
}

async function writeStream(kvs: Kvs, key: string, source: AsyncIterable<Uint8Array>, opts: ZioOptions): Promise<void> {
  const { force, lazy, blocksize } = opts;
  const cutter = new Cutter({ limit: blocksize, wholeLines: false });
  const opening = openWriter(kvs, key, { truncate: force, ...lazy && { delay: { open: true, put: true } } });
  const writer = await about(
    key,
    opening.catch((error) => {
      throw isErrno(error, "EEXIST") ? new CommandError(`${key}: File exists`, { hint: "--force replaces it" }) : error;
    }),
  );
  for await (const bytes of source) for (const block of cutter.push(bytes)) await about(key, writer.put(block));
  await about(key, writer.close());
}

async function opened(path: string, options: Deno.OpenOptions): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, options);
  } catch (error) {
    const reason = /: ([^:]+) \(os error \d+\)/.exec(`: ${error instanceof Error ? error.message : error}`)?.[1];
    throw new CommandError(`${path}: ${reason ?? error}`, { cause: error });
  }
}
