/** Lookups: a second at the rank that has everything, and the time of one whose value comes from three hops away. */

import type { Bench } from "../bench.ts";
import { figure, latencyFigures } from "../figure.ts";
import { fill, value } from "../kvs_values.ts";
import { type Medium, rowName, storedIn } from "../medium.ts";
import { rate, serial } from "../timing.ts";
import { Kvs } from "../../../modules/kvs/client.ts";

const ENTRIES = 500;

/** What a value is called, its size in bytes, how many there are, and lookups a round. */
const SIZES: readonly [label: string, bytes: number, keys: number, count: number][] = [
  ["16", 16, 100, 4_000],
  ["4k", 4 << 10, 100, 4_000],
  ["1m", 1 << 20, 10, 100],
];

export const gets: readonly Bench[] = SIZES.map(([label, bytes, keys, full]) => {
  const name = `kvs.get.${label}`;
  return {
    name,
    async *run({ session, times }) {
      const kvs = new Kvs(await (await session({ size: 1 })).connect());
      const directory = `bench.get${label}`;
      await fill(kvs, directory, ENTRIES);
      await putMany(kvs, directory, keys, bytes);
      const count = times(full);
      const round = async (count: number) => {
        for (let n = 0; n < count; n++) {
          const got = await kvs.getBytes(`${directory}.v${n % keys}`);
          if (got.length !== bytes) throw new Error(`${got.length} bytes instead of ${bytes}`);
        }
      };
      await round(count / 10);
      const samples: number[] = [];
      for (let i = 0; i < times(5); i++) samples.push(await rate(count, () => round(count)));
      yield figure(name, "/s", samples);
      await kvs.transaction().unlink(directory).commit();
    },
  };
});

/**
 * At the last rank of eight, three hops below rank 0, where every value was put: 4 KiB that nobody there has loaded yet,
 * in a directory that is known; then the same again; then a value at the end of a path of four directories, none known.
 */
export function coldGet(medium: Medium): Bench {
  return {
    name: rowName("kvs.get.cold", medium),
    async *run(around) {
      const session = await around.session({ size: 8, arity: 2, ...storedIn(medium, around) });
      const writer = new Kvs(await session.connect(0)), leaf = new Kvs(await session.connect(7));
      const count = around.times(400);
      const keys = count + count / 10;
      await fill(writer, "bench.cold", ENTRIES);
      await putMany(writer, "bench.cold", keys, 4 << 10);
      const paths = writer.transaction();
      for (let n = 0; n < keys; n++) paths.putBytes(`bench.deep.d${n}.a.b.v`, value(n));
      const { rootseq } = await paths.commit();
      await leaf.waitVersion(rootseq);
      await Promise.all([leaf.dir("bench.cold"), leaf.dir("bench.deep")]);
      let n = 0;
      yield* latencyFigures(
        rowName("kvs.get.cold", medium),
        "us",
        await serial(count, () => leaf.getBytes(`bench.cold.v${n++}`)),
      );
      n = 0;
      yield* latencyFigures(
        rowName("kvs.get.cached", medium),
        "us",
        await serial(count, () => leaf.getBytes(`bench.cold.v${n++}`)),
      );
      n = 0;
      yield* latencyFigures(
        rowName("kvs.get.path", medium),
        "us",
        await serial(count, () => leaf.getBytes(`bench.deep.d${n++}.a.b.v`)),
      );
      await writer.transaction().unlink("bench").commit();
    },
  };
}

/** Adds `v0`, `v1` … to a directory, few at a time where they are large. */
async function putMany(kvs: Kvs, directory: string, count: number, bytes: number): Promise<void> {
  const batch = Math.max(1, Math.floor((4 << 20) / bytes));
  for (let n = 0; n < count;) {
    const transaction = kvs.transaction();
    for (const end = Math.min(n + batch, count); n < end; n++) {
      transaction.putBytes(`${directory}.v${n}`, value(n, bytes));
    }
    await transaction.commit();
  }
}
