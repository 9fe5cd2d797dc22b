/** Watches while others write: every append is seen exactly once, and a value's changes in order. */

import type { Handle } from "../../broker/handle/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { type Load, pick, soon } from "./load.ts";

/** Lines of one writer in one log. */
const LINES = 40;
/** Values of a key that is watched, in one go. */
const CHANGES = 50;

const text = new TextDecoder();

export const watchLoads: Readonly<Record<string, Load>> = {
  /** Three ranks append to one log, which two others watch; then comes the next log. */
  async appends({ size, random, deadline, connect, done }) {
    const handles = await Promise.all(Array.from({ length: size }, (_, rank) => connect(rank)));
    for (let log = 0; !deadline.aborted; log++) {
      const key = `soak.logs.l${log}`;
      const writers = [0, 1, 2].map(() => pick(random, size));
      const watchers = [0, 1].map(() => pick(random, size));
      const [versions, ...logs] = await Promise.all([
        Promise.all(writers.map((rank, writer) => append(handles[rank]!, key, writer))),
        ...watchers.map((rank) => readLog(handles[rank]!, key, writers.length * LINES)),
      ]);
      const kvs = new Kvs(handles[writers[0]!]!);
      await soon(kvs.waitVersion(Math.max(...versions)), `version ${Math.max(...versions)}`);
      for (const seen of [...logs, await soon(kvs.getText(key), key)]) checkLog(seen, writers.length);
      await soon(kvs.transaction().unlink(key).commit(), `the end of ${key}`);
      done();
    }
  },

  /** A value counts up at one rank; watchers elsewhere see it grow and reach its end. */
  async watches({ size, random, deadline, connect, done }) {
    const handles = await Promise.all(Array.from({ length: size }, (_, rank) => connect(rank)));
    for (let first = 0; !deadline.aborted; first += CHANGES) {
      const writer = new Kvs(handles[pick(random, size)]!);
      const key = `soak.watched.k${pick(random, 4)}`, end = first + CHANGES;
      const watching = [0, 1, 2].map(() => watchUp(handles[pick(random, size)]!, key, end - 1, random.float() < 0.5));
      const counting = async () => {
        for (let n = first; n < end; n++) await soon(writer.transaction().put(key, n).commit(), `${key} = ${n}`);
      };
      await Promise.all([counting(), ...watching]);
      done();
    }
  },
};

/** Resolves to the version of the last line. */
async function append(flux: Handle, key: string, writer: number): Promise<number> {
  const kvs = new Kvs(flux);
  let version = 0;
  for (let n = 0; n < LINES; n++) {
    const line = kvs.transaction().append(key, `${writer} ${n}\n`);
    ({ rootseq: version } = await soon(line.commit(), `line ${n} of ${key}`));
  }
  return version;
}

/** The log as a watcher sees it grow, to `lines` lines. */
async function readLog(flux: Handle, key: string, lines: number): Promise<string> {
  const watch = new Kvs(flux).watchBytes(key, { waitcreate: true, append: true });
  let seen = "";
  while (seen.split("\n").length <= lines) {
    const { value, done } = await soon(watch.next(), `more of ${key} than ${seen.length} bytes`);
    if (done) throw new Error(`the watch of ${key} ended`);
    seen += text.decode(value);
  }
  await watch.return();
  return seen;
}

/** Throws unless every line of every writer is there once, those of each in order. */
function checkLog(log: string, writers: number): void {
  const next = new Array<number>(writers).fill(0);
  for (const line of log.split("\n").slice(0, -1)) {
    const [writer, n] = line.split(" ").map(Number) as [number, number];
    if (n !== next[writer]) throw new Error(`expected line ${next[writer]} of writer ${writer}, got "${line}"`);
    next[writer] = n + 1;
  }
  if (next.some((count) => count !== LINES)) throw new Error(`${next.join(", ")} lines instead of ${LINES} each`);
}

/** Throws unless the values only grow; ends with `end`. `full` looks at every version. */
async function watchUp(flux: Handle, key: string, end: number, full: boolean): Promise<void> {
  const watch = new Kvs(flux).watchBytes(key, full ? { waitcreate: true, full, uniq: true } : { waitcreate: true });
  let last = -1;
  while (last < end) {
    const { value, done } = await soon(watch.next(), `${key} after ${last}`);
    if (done) throw new Error(`the watch of ${key} ended at ${last}`);
    const n = Number(text.decode(value));
    if (n < last || (full && n === last)) throw new Error(`${key} was ${last}, then ${n}`);
    last = n;
  }
  await watch.return();
}
