/** From the sending of a commit until a watcher has the new value: one watcher, one far away, one of very many, and all. */

import type { Bench } from "../bench.ts";
import { figure, latencyFigures } from "../figure.ts";
import { fill, value } from "../kvs_values.ts";
import { Kvs } from "../../../modules/kvs/client.ts";

/** Watchers at once. */
const MANY = 10_000, QUICK_MANY = 500;
/** Watches that are begun at the same time. */
const WIDTH = 500;

type Watch = AsyncGenerator<Uint8Array, void>;

export const watch = watchBench("kvs.watch", 1);
export const farWatch = watchBench("kvs.watch.far", 8);

/** The commit at rank 0, the watcher at the last rank. */
function watchBench(name: string, size: number): Bench {
  return {
    name,
    async *run(around) {
      const session = await around.session({ size });
      const writer = new Kvs(await session.connect(0));
      await fill(writer, "bench.watch", 500);
      const { rootseq } = await writer.transaction().putBytes("bench.watch.key", value(0)).commit();
      const reader = new Kvs(await session.connect(size - 1));
      await reader.waitVersion(rootseq);
      const watch = reader.watchBytes("bench.watch.key");
      await watch.next();
      const change = (n: number) => delivered(writer, "bench.watch.key", n, [watch]);
      yield* latencyFigures(name, "us", (await samples(around.times(1_000), change)).map((ms) => ms * 1000));
      await watch.return();
      await writer.transaction().unlink("bench.watch").commit();
    },
  };
}

/** Ten thousand watchers: each of its own key, one of which changes; and all of one key. */
export const watchers: Bench = {
  name: "kvs.watchers",
  async *run({ session, quick, times }) {
    const running = await session({ size: 1 });
    const many = quick ? QUICK_MANY : MANY;
    const writer = new Kvs(await running.connect());
    await fill(writer, "bench.watched", many);
    {
      const client = await running.connect();
      const watches = await begin(new Kvs(client), Array.from({ length: many }, (_, n) => `bench.watched.k${n}`));
      const change = (n: number) => {
        const chosen = Math.imul(n + 1, 7919) % many;
        return delivered(writer, `bench.watched.k${chosen}`, many + n, [watches[chosen]!]);
      };
      yield* latencyFigures("kvs.watchers", "us", (await samples(times(500), change)).map((ms) => ms * 1000));
      client.close();
    }
    const client = await running.connect();
    const watches = await begin(new Kvs(client), new Array<string>(many).fill("bench.watched.k0"));
    const change = (n: number) => delivered(writer, "bench.watched.k0", 2 * many + n, watches);
    yield figure("kvs.watchers.same", "ms", await samples(times(10), change));
    client.close();
    await writer.transaction().unlink("bench.watched").commit();
  },
};

/** Begins watches and takes the value each key has. */
async function begin(kvs: Kvs, keys: readonly string[]): Promise<Watch[]> {
  const watches: Watch[] = [];
  for (let start = 0; start < keys.length; start += WIDTH) {
    const some = keys.slice(start, start + WIDTH).map((key) => kvs.watchBytes(key));
    await Promise.all(some.map((watch) => watch.next()));
    watches.push(...some);
  }
  return watches;
}

/** Milliseconds from a commit's start until all these watches have its value; the next may begin when it is answered. */
async function delivered(kvs: Kvs, key: string, number: number, watches: readonly Watch[]): Promise<number> {
  const news = watches.map((watch) => watch.next());
  const start = performance.now();
  const commit = kvs.transaction().putBytes(key, value(number)).commit();
  await Promise.all(news);
  const ms = performance.now() - start;
  await commit;
  return ms;
}

async function samples(count: number, change: (n: number) => Promise<number>): Promise<number[]> {
  const all: number[] = [];
  for (let n = 0; n < count + count / 10; n++) all.push(await change(n));
  return all.slice(-count);
}
