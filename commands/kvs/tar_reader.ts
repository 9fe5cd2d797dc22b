/** Reading a tar archive from a stream of bytes of any lengths; one entry at a time is in memory. */

import { BLOCK, decodeHeader, decodeRecords, padding, TarError, type TarHeader, TarType } from "./tar.ts";

/** An entry with its data; none when it was skipped. */
export interface TarEntry extends TarHeader {
  readonly data?: Uint8Array;
}

/** What is in an archive. */
export interface TarReading {
  /** Records for all entries, as far as they have been read. */
  readonly records: Map<string, string>;
  readonly entries: AsyncGenerator<TarEntry, void>;
}

/** `skip`: leaves out the data; `limit`: bytes of data that one entry may have. The entries throw TarError. */
export function readTar(
  chunks: AsyncIterable<Uint8Array>,
  { skip = false, limit }: { skip?: boolean; limit: number },
): TarReading {
  const records = new Map<string, string>();
  return { records, entries: entries(new Source(chunks), records, skip, limit) };
}

async function* entries(
  source: Source,
  records: Map<string, string>,
  skip: boolean,
  limit: number,
): AsyncGenerator<TarEntry, void> {
  let next: Partial<Record<"path" | "target" | "size", string>> = {};
  for (;;) {
    const begin = source.taken;
    const header = headerAt(begin, await source.take(BLOCK));
    if (header === null) return;
    const { path = header.path, target = header.target } = next;
    const size = next.size === undefined ? header.size : Number(next.size);
    const about = isAbout(header.type);
    if (!about && !skip && size > limit) throw new TarError(`${path}: ${size} bytes are more than a value may have`);
    if (about && size > limit) throw new TarError(`at byte ${begin}: ${size} bytes of names`);
    const data = skip && !about ? await source.skip(size) : await source.take(size);
    await source.skip(padding(size).length);
    if (!about) {
      next = {};
      yield { path, type: header.type, size, ...(target !== undefined && { target }), ...(data && { data }) };
      continue;
    }
    const bytes = data!;
    if (header.type === TarType.paxGlobal) {
      for (const [name, value] of decodeRecords(bytes)) records.set(name, value);
    } else if (header.type === TarType.gnuLongName) next.path = cString(bytes);
    else if (header.type === TarType.gnuLongLink) next.target = cString(bytes);
    else next = { ...next, ...renamed(decodeRecords(bytes)) };
  }
}

/** Throws TarError with the place. */
function headerAt(begin: number, block: Uint8Array): TarHeader | null {
  try {
    return decodeHeader(block);
  } catch (error) {
    throw error instanceof TarError ? new TarError(`at byte ${begin}: ${error.message}`) : error;
  }
}

/** Whether an entry only tells something about others. */
function isAbout(type: string): boolean {
  const kinds: readonly string[] = [TarType.pax, TarType.paxGlobal, TarType.gnuLongName, TarType.gnuLongLink];
  return kinds.includes(type);
}

function renamed(records: Map<string, string>): Partial<Record<"path" | "target" | "size", string>> {
  const names = { path: "path", linkpath: "target", size: "size" } as const;
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, own]) => records.has(name) ? [[own, records.get(name)!]] : []),
  );
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Bytes by the number, from chunks as they come. */
class Source {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest = new Uint8Array(0) as Uint8Array;
  /** Bytes taken or skipped so far. */
  taken = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Uint8Array> {
    if (this.#rest.length >= count) return this.#cut(count);
    const whole = new Uint8Array(count);
    for (let at = 0; at < count;) {
      if (this.#rest.length === 0) await this.#fill();
      const part = this.#cut(Math.min(count - at, this.#rest.length));
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  async skip(count: number): Promise<undefined> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0) await this.#fill();
      left -= this.#cut(Math.min(left, this.#rest.length)).length;
    }
  }

  #cut(count: number): Uint8Array {
    const part = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    this.taken += count;
    return part;
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new TarError(`truncated: it stops after ${this.taken} bytes, without the end of an archive`);
    this.#rest = value;
  }
}
