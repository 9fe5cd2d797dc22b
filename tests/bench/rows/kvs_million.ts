/** A store of a million keys: putting them there, what they take, and a session that finds them there. */

import type { Bench } from "../bench.ts";
import { type Figure, figure } from "../figure.ts";
import { value } from "../kvs_values.ts";
import { MEDIA, type Medium, rowName } from "../medium.ts";
import { memory } from "../process_usage.ts";
import { Session, type SessionOptions } from "../session.ts";
import { Kvs } from "../../../modules/kvs/client.ts";

/** In directories of a thousand keys, one transaction each. */
const DIRECTORIES = 1_000, QUICK_DIRECTORIES = 20, KEYS = 1_000;
/** Directories, spread over all, that are looked into after the restart. */
const SAMPLES = 100;

function millionBench(medium: Medium): Bench {
  const name = rowName("kvs.million", medium);
  return {
    name,
    async *run({ flux, work, quick, times }): AsyncIterable<Figure> {
      const directories = quick ? QUICK_DIRECTORIES : DIRECTORIES;
      const statedir = medium === "statedir" ? await Deno.makeTempDir({ dir: work, prefix: "million-" }) : undefined;
      const options: SessionOptions = { size: 1, ...(statedir !== undefined && { statedir }) };
      const session = await Session.start(flux, work, options);
      try {
        const kvs = new Kvs(await session.connect());
        const start = performance.now();
        for (let d = 0; d < directories; d++) {
          const transaction = kvs.transaction();
          for (let k = 0; k < KEYS; k++) transaction.putBytes(`million.d${d}.k${k}`, value(d * KEYS + k));
          await transaction.commit();
        }
        yield figure(`${name}.store`, "s", [(performance.now() - start) / 1000]);
        yield figure(`${name}.pss`, "MiB", [await settledPss(session)]);
      } finally {
        await session.close();
      }
      if (statedir === undefined) return;
      yield figure(`${name}.bytes`, "MB", [await bytesIn(statedir) / 1e6]);
      yield* restarts(name, flux, work, options, directories, times(5));
      await Deno.remove(statedir, { recursive: true });
    },
  };
}

/** Until the first value is there again, what the broker has then, and how long later values take. */
async function* restarts(
  name: string,
  flux: string,
  work: string,
  options: SessionOptions,
  directories: number,
  count: number,
): AsyncIterable<Figure> {
  const until: number[] = [], held: number[] = [], lookups: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const session = await Session.start(flux, work, options);
    try {
      const kvs = new Kvs(await session.connect());
      await expectValue(kvs, directories - 1);
      until.push((performance.now() - start) / 1000);
      held.push(await settledPss(session));
      for (let sample = 0; sample < SAMPLES; sample++) {
        const before = performance.now();
        await expectValue(kvs, Math.floor(sample * directories / SAMPLES));
        lookups.push((performance.now() - before) * 1000);
      }
    } finally {
      await session.close();
    }
  }
  yield figure(`${name}.restart`, "s", until);
  yield figure(`${name}.restart.pss`, "MiB", held);
  yield figure(`${name}.restart.get`, "us", lookups);
}

async function expectValue(kvs: Kvs, directory: number): Promise<void> {
  const key = Math.imul(directory + 1, 7919) % KEYS;
  const expected = JSON.parse(new TextDecoder().decode(value(directory * KEYS + key)));
  const got = await kvs.get(`million.d${directory}.k${key}`);
  if (got !== expected) throw new Error(`million.d${directory}.k${key} is ${JSON.stringify(got)}`);
}

/** Memory of rank 0 after a collection, MiB. */
async function settledPss(session: Session): Promise<number> {
  const client = await session.connect();
  await client.rpc("broker.memory", { collect: true });
  client.close();
  return memory(session.brokers()[0]!).pss;
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (isFile) bytes += (await Deno.stat(`${directory}/${name}`)).size;
  }
  return bytes;
}

export const millions: readonly Bench[] = MEDIA.map(millionBench);
