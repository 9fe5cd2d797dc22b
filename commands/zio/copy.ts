/** `flux zio copy`: a file into a stream, or a stream into a file. */

import { isErrno } from "../../broker/message/mod.ts";
import { systemFiles } from "../../broker/ports/mod.ts";
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
    if (from === to) throw new CommandError("copy src and dst are the same");
    const kvs = await openKvs({ connect: context.connect, opts: { namespace: undefined } });
    // Nothing is created for a source that is not there.
    const source = isFile(from) ? await openFile(context, from) : await about(from, openReader(kvs, from, context));
    if (to === "-") return yield* source;
    if (isFile(to)) await writeFile(to, source);
    else await writeStream(kvs, to, source, opts);
  },
});

async function openFile({ read }: Pick<Context<typeof OPTIONS>, "read">, path: string) {
  if (path !== "-") {
    const file = await systemFiles.open(path);
    return pieces(() => file.read(PIECE));
  }
  const buffer = new Uint8Array(PIECE);
  return pieces(async () => {
    const count = await read(buffer);
    return count === null ? undefined : buffer.slice(0, count);
  });
}

async function* pieces(next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array, void> {
  for (let bytes = await next(); bytes; bytes = await next()) yield bytes;
}

async function writeFile(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await systemFiles.create(path);
  for await (const bytes of source) await file.write(bytes);
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
