/** Walks one version of the store and makes a tar archive of it, a piece at a time. */

import { isErrno } from "../../broker/message/mod.ts";
import type { At, Kvs } from "../../modules/kvs/client.ts";
import { normalize } from "../../modules/kvs/tree/key.ts";
import { valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { CommandError } from "../mod.ts";
import { about, keyError } from "./access.ts";
import { ahead } from "./ahead.ts";
import { linkText, MARK, pathPart } from "./archive.ts";
import { fileError } from "./file.ts";
import { entriesOf, type Entry, isDirectory } from "./listing.ts";
import { encodeHeader, encodeRecords, ending, padding, TarType } from "./tar.ts";

/** Values and directories that are fetched together: as many may be in memory. */
const READAHEAD = 16;
/** Pieces are about this long, bytes. */
const PIECE = 1 << 18;

interface DumpOptions {
  /** What the archive tells of itself behind the mark. */
  readonly note: string;
  /** Seconds since 1970, for all entries. */
  readonly time: number;
}

/** An entry with what the archive needs of it. */
type Fetched = Entry & { readonly bytes?: Uint8Array; readonly entries?: Entry[] };

/** The directory `key` at one version, in pieces. Throws CommandError. */
export async function* dumpArchive(
  kvs: Kvs,
  key: string,
  at: At,
  { note, time }: DumpOptions,
): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let [pending, written] = [0, 0];
  const add = (...more: Uint8Array[]) => {
    for (const part of more) pending += part.length;
    parts.push(...more);
  };
  const piece = (): Uint8Array => {
    const whole = new Uint8Array(pending);
    let offset = 0;
    for (const part of parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    written += pending;
    [parts, pending] = [[], 0];
    return whole;
  };

  const top = await about(key, entriesOf(kvs, normalize(key), at));
  add(encodeRecords(TarType.paxGlobal, "GlobalHead", [["comment", `${MARK} ${note}`]], time));
  for await (const { path, entry } of walk(kvs, top, "", at)) {
    const { object, bytes } = entry;
    if (object.type === "symlink") {
      add(encodeHeader({ path, type: TarType.symlink, size: 0, target: linkText(object.data) }, time));
    } else if (bytes) {
      add(encodeHeader({ path, type: TarType.file, size: bytes.length }, time), bytes, padding(bytes.length));
    } else {
      add(encodeHeader({ path: `${path}/`, type: TarType.directory, size: 0 }, time));
    }
    if (pending >= PIECE) yield piece();
  }
  add(ending(written + pending));
  yield piece();
}

/** Every entry below, a directory before what is in it. */
async function* walk(
  kvs: Kvs,
  entries: readonly Entry[],
  directory: string,
  at: At,
): AsyncGenerator<{ path: string; entry: Fetched }, void> {
  for await (const entry of ahead(entries, (entry) => fetch(kvs, entry, at), READAHEAD)) {
    const path = directory + pathPart(entry.name);
    yield { path, entry };
    if (entry.entries) yield* walk(kvs, entry.entries, `${path}/`, at);
  }
}

async function fetch(kvs: Kvs, entry: Entry, at: At): Promise<Fetched> {
  const { key, object } = entry;
  if (object.type === "val") return { ...entry, bytes: valBytes(object) };
  if (object.type === "valref") return { ...entry, bytes: await fetched(key, kvs.getBytes(key, at)) };
  return isDirectory(entry) ? { ...entry, entries: await fetched(key, entriesOf(kvs, key, at)) } : entry;
}

async function fetched<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    // The entry was there when its directory was read: what is missing is the version itself.
    if (!isErrno(error, "ENOENT")) throw keyError(key, error);
    throw new CommandError(`${key}: not in the store any more, its version was collected`, {
      cause: error,
      hint: "keep the version by 'flux kvs snapshot create NAME', then dump --namespace=snapshot-NAME",
    });
  }
}

/** Writes pieces to a file, which is there in whole or not at all. Throws CommandError. */
export async function intoFile(file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const regular = await Deno.stat(file).then(({ isFile }) => isFile, () => true);
  const path = regular ? `${file}.partial` : file;
  let done = false;
  try {
    using out = await Deno.open(path, { write: true, create: regular, truncate: regular });
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length;) at += await out.write(piece.subarray(at));
    }
    if (regular) {
      await out.sync();
      await Deno.rename(path, file);
    }
    done = true;
  } catch (error) {
    throw fileError(file, error);
  } finally {
    if (regular && !done) await Deno.remove(path).catch(() => {});
  }
}
