/** One transaction of many new keys, in a directory of 500 entries. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";
import { fill, value } from "../kvs_values.ts";
import { type Medium, rowName, storedIn } from "../medium.ts";
import { Kvs } from "../../../modules/kvs/client.ts";

const ENTRIES = 500;
const DIRECTORY = "bench.txn";
/** Keys in the transaction, and how often it is made. */
const SIZES: readonly [keys: number, count: number][] = [[1, 100], [1_000, 20], [10_000, 10]];

function transactionBench(keys: number, rounds: number, medium: Medium): Bench {
  const name = rowName(`kvs.txn.${keys}`, medium);
  return {
    name,
    async *run(around) {
      const session = await around.session({ size: 1, ...storedIn(medium, around) });
      const kvs = new Kvs(await session.connect());
      const samples: number[] = [];
      for (let i = -1; i < around.times(rounds); i++) {
        await fill(kvs, DIRECTORY, ENTRIES);
        const transaction = kvs.transaction();
        for (let n = 0; n < keys; n++) transaction.putBytes(`${DIRECTORY}.new${n}`, value(i * keys + n));
        const start = performance.now();
        await transaction.commit();
        if (i >= 0) samples.push(performance.now() - start);
      }
      yield figure(name, "ms", samples);
      await kvs.transaction().unlink(DIRECTORY).commit();
    },
  };
}

export function transactions(medium: Medium): readonly Bench[] {
  return SIZES.map(([keys, rounds]) => transactionBench(keys, rounds, medium));
}
