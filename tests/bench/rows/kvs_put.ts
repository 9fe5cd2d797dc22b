/** Commits of one value a second: new keys and old, of several sizes, by several clients, in directories of several sizes. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";
import { fill, value } from "../kvs_values.ts";
import { type Medium, rowName, storedIn } from "../medium.ts";
import { rate } from "../timing.ts";
import { Kvs } from "../../../modules/kvs/client.ts";

interface Put {
  readonly name: string;
  /** Puts a round, of all clients together. */
  readonly count: number;
  /** Entries of the directory before; 500 unless given. */
  readonly entries?: number;
  /** Size of a value, bytes; 16 unless given. */
  readonly bytes?: number;
  /** Connections, each of which waits for one commit before the next; 1 unless given. */
  readonly clients?: number;
  /** Always the same key, instead of a new one. */
  readonly isSame?: boolean;
}

const ROUNDS = 5;
/** Directories in a quick run are no larger. */
const QUICK_ENTRIES = 2_000;

const PUTS: readonly Put[] = [
  { name: "grow", count: 300 },
  { name: "same", count: 1_000, isSame: true },
  { name: "4k", count: 300, bytes: 4 << 10 },
  { name: "1m", count: 20, bytes: 1 << 20 },
  { name: "clients8", count: 2_000, clients: 8 },
  { name: "clients64", count: 4_000, clients: 64 },
  { name: "dir0", count: 80, entries: 0 },
  { name: "dir500", count: 80, entries: 500 },
  { name: "dir10000", count: 80, entries: 10_000 },
  { name: "dir100000", count: 80, entries: 100_000 },
];

function putBench(put: Put, medium: Medium): Bench {
  const { entries = 500, bytes = 16, clients = 1, isSame = false } = put;
  const name = rowName(`kvs.put.${put.name}`, medium);
  return {
    name,
    async *run(around) {
      const { quick, times } = around;
      const session = await around.session({ size: 1, ...storedIn(medium, around) });
      const handles = await Promise.all(Array.from({ length: clients }, () => session.connect()));
      const stores = handles.map((handle) => new Kvs(handle));
      const directory = `bench.${put.name}`;
      await fill(stores[0]!, directory, quick ? Math.min(entries, QUICK_ENTRIES) : entries);
      // What came before is none of this row's business.
      await handles[0]!.rpc("kvs.gc", {}, { rank: 0 });
      let number = 0;
      const round = async (count: number) => {
        let left = count;
        await Promise.all(stores.map(async (kvs) => {
          while (left-- > 0) {
            const n = number++;
            await kvs.transaction().putBytes(`${directory}.${isSame ? "same" : `new${n}`}`, value(n, bytes)).commit();
          }
        }));
      };
      const count = times(put.count);
      await round(count / 10);
      const samples: number[] = [];
      for (let i = 0; i < times(ROUNDS); i++) samples.push(await rate(count, () => round(count)));
      yield figure(name, "/s", samples);
      await stores[0]!.transaction().unlink(directory).commit();
      for (const handle of handles) handle.close();
    },
  };
}

/** Those of one medium, so that they share a session. */
export function puts(medium: Medium): readonly Bench[] {
  return PUTS.map((put) => putBench(put, medium));
}
