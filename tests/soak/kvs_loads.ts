/** What the soak does to the key-value store: commits and lookups from many ranks, and namespaces that come and go. */

import { FluxError, isErrno } from "../../broker/message/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { expectVal } from "../../modules/kvs/client_replies.ts";
import type { Root } from "../../modules/kvs/protocol.ts";
import { valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { type Load, PATIENCE, pick, soon } from "./load.ts";

/** Keys of one writer: their number is bounded, so what is stored stays bounded too. */
const KEYS = 50;
/** A namespace is made anew for this many transactions. */
const TRANSACTIONS = 5;

const text = new TextDecoder();

export const kvsLoads: Readonly<Record<string, Load>> = {
  /** Each rank's writer reads what it wrote, and versions never go back. */
  async commits({ size, random, connect, deadline, done }) {
    const writer = async (rank: number) => {
      const kvs = new Kvs(await connect(rank));
      let last = 0;
      for (let n = 0; !deadline.aborted; n++) {
        const key = `soak.commits.r${rank}.k${pick(random, KEYS)}`;
        const pad = "x".repeat(2 ** pick(random, 12));
        const { rootseq } = await soon(kvs.transaction().put(key, { n, pad }).commit(), `the commit of ${key}`);
        if (rootseq <= last) throw new Error(`version ${rootseq} after version ${last} at rank ${rank}`);
        last = rootseq;
        const got = await soon(kvs.get<{ n: number; pad: string }>(key), `the value of ${key}`);
        if (got.n !== n || got.pad !== pad) throw new Error(`${key} at rank ${rank}: wrote ${n}, read ${got.n}`);
        done();
      }
    };
    await Promise.all([1, 4, 7].filter((rank) => rank < size).map(writer));
  },

  /** What one transaction wrote is there whole or not at all, at every rank; a version is the same everywhere. */
  async pairs({ size, random, connect, deadline, done }) {
    const writer = new Kvs(await connect(2));
    const readers = await Promise.all(Array.from({ length: size }, async (_, rank) => new Kvs(await connect(rank))));
    const known = new Roots();
    const seen = new Array<number>(size).fill(-1);
    for (let n = 0; !deadline.aborted; n++) {
      const { rootseq, rootref } = await soon(
        writer.transaction().put("soak.pair.a", n).put("soak.pair.b", n).commit(),
        `pair ${n}`,
      );
      known.check("primary", rootseq, rootref);
      const rank = pick(random, size), reader = readers[rank]!;
      known.follow(rank, await soon(reader.root(), `the root at rank ${rank}`));
      if (n % 4 === 0) await soon(reader.waitVersion(rootseq), `version ${rootseq} at rank ${rank}`);
      const pair = await soon(pairAt(reader), `the pair at rank ${rank}`);
      if (pair === undefined) {
        if (seen[rank]! >= 0) throw new Error(`the pair is gone at rank ${rank}`);
        continue;
      }
      const [a, b] = pair;
      if (a !== b) throw new Error(`half a transaction at rank ${rank}: ${a} and ${b}`);
      if (a < seen[rank]! || (n % 4 === 0 && a < n)) {
        throw new Error(`rank ${rank} went back from ${Math.max(seen[rank]!, n)} to ${a}`);
      }
      seen[rank] = a;
      done();
    }
  },

  /** One name, made and removed over and over; each time it begins empty. */
  async namespaces({ size, random, connect, deadline, done }) {
    const handles = await Promise.all(Array.from({ length: size }, (_, rank) => connect(rank)));
    for (let n = 0; !deadline.aborted; n++) {
      const rank = pick(random, size);
      const kvs = new Kvs(handles[rank]!, { namespace: "soak" });
      await soon(kvs.namespaces.create("soak"), "the namespace");
      for (let i = 0; i < TRANSACTIONS; i++) {
        await soon(kvs.transaction().put(`key${i}`, n).commit(), `transaction ${i}`);
      }
      const { size: entries } = await soon(kvs.dir("."), "the namespace's directory");
      if (entries !== TRANSACTIONS) throw new Error(`${entries} entries instead of ${TRANSACTIONS} at rank ${rank}`);
      const other = new Kvs(handles[pick(random, size)]!, { namespace: "soak" });
      await settled(other, `key${TRANSACTIONS - 1}`, n);
      await soon(kvs.namespaces.remove("soak"), "the namespace's end");
      await missing(kvs, deadline);
      done();
    }
  },

  /** Values of up to 256 KiB under few keys: what they replace is collected. */
  async blobs({ size, random, connect, deadline, done }) {
    const kvs = new Kvs(await connect(6)), reader = new Kvs(await connect(pick(random, size)));
    for (let n = 0; !deadline.aborted; n++) {
      const bytes = random.bytes(2 ** pick(random, 19));
      const key = `soak.blobs.k${n % 4}`;
      const { rootseq } = await soon(kvs.transaction().putBytes(key, bytes).commit(), `the commit of ${key}`);
      await soon(reader.waitVersion(rootseq), `version ${rootseq}`);
      const got = await soon(reader.getBytes(key), `the value of ${key}`);
      if (got.length !== bytes.length || got.some((byte, i) => byte !== bytes[i])) {
        throw new Error(`${key}: ${got.length} other bytes than the ${bytes.length} written`);
      }
      done();
    }
  },
};

/** Both values of the pair, of one version; undefined before there is one. */
async function pairAt(kvs: Kvs): Promise<[number, number] | undefined> {
  try {
    const entries = await kvs.dir("soak.pair");
    const [a, b] = ["a", "b"].map((name) => Number(text.decode(valBytes(expectVal(entries.get(name)!)))));
    return [a!, b!];
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Waits until a rank that hears of a namespace by events has this value. */
async function settled(kvs: Kvs, key: string, expected: number): Promise<void> {
  for (const end = performance.now() + PATIENCE;;) {
    const got = await kvs.get(key).catch(unlessMissing);
    if (got === expected) return;
    if (performance.now() > end) throw new Error(`${key} of the namespace is ${got}, not ${expected}`);
  }
}

/** Waits until the namespace is unknown. */
async function missing(kvs: Kvs, deadline: AbortSignal): Promise<void> {
  for (const end = performance.now() + PATIENCE; !deadline.aborted;) {
    const got = await kvs.get("key0").catch((error) => isErrno(error, "ENOTSUP") ? undefined : Promise.reject(error));
    if (got === undefined) return;
    if (performance.now() > end) throw new Error("a removed namespace goes on");
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof FluxError && ["ENOENT", "ENOTSUP"].includes(error.code)) return undefined;
  throw error;
}

/** Versions as they were seen: forward only at a rank, and of one content everywhere. */
class Roots {
  readonly #rootrefs = new Map<string, string>();
  readonly #last = new Map<string, number>();

  /** What `rank` says is its newest. */
  follow(rank: number, { namespace, rootseq, rootref }: Root): void {
    const place = `${namespace} at rank ${rank}`;
    const last = this.#last.get(place) ?? 0;
    if (rootseq < last) throw new Error(`${place} went back from version ${last} to ${rootseq}`);
    this.#last.set(place, rootseq);
    this.check(namespace, rootseq, rootref);
  }

  check(namespace: string, rootseq: number, rootref: string): void {
    const version = `${namespace} version ${rootseq}`;
    const before = this.#rootrefs.get(version);
    if (before !== undefined && before !== rootref) throw new Error(`${version} is ${before} and ${rootref}`);
    this.#rootrefs.set(version, rootref);
    if (this.#rootrefs.size > 1_000) this.#rootrefs.delete(this.#rootrefs.keys().next().value!);
  }
}
