/** Blobs a second, stored and loaded one after the other at rank 0. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";
import { value } from "../kvs_values.ts";
import { type Medium, rowName, storedIn } from "../medium.ts";
import { rate } from "../timing.ts";

const SIZES: readonly [label: string, bytes: number, count: number][] = [["4k", 4 << 10, 1_000], ["1m", 1 << 20, 20]];

function blobBench(label: string, bytes: number, full: number, medium: Medium): Bench {
  return {
    name: rowName(`content.${label}`, medium),
    async *run(around) {
      const session = await around.session({ size: 1, ...storedIn(medium, around) });
      const client = await session.connect();
      const count = around.times(full);
      const stores: number[] = [], loads: number[] = [];
      let number = 0;
      for (let i = -1; i < around.times(5); i++) {
        const blobs = Array.from({ length: count }, () => value(number++, bytes));
        const digests: Uint8Array[] = [];
        const stored = await rate(count, async () => {
          for (const blob of blobs) digests.push(await client.rpcRaw("content.store", blob) ?? new Uint8Array());
        });
        const loaded = await rate(count, async () => {
          for (const digest of digests) await client.rpcRaw("content.load", digest);
        });
        if (i < 0) continue;
        stores.push(stored);
        loads.push(loaded);
      }
      yield figure(rowName(`content.store.${label}`, medium), "/s", stores);
      yield figure(rowName(`content.load.${label}`, medium), "/s", loads);
    },
  };
}

export function blobs(medium: Medium): readonly Bench[] {
  return SIZES.map(([label, bytes, count]) => blobBench(label, bytes, count, medium));
}
