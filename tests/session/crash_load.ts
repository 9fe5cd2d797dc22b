/**
 * Writers whose transactions can all be told apart afterwards, and the check of what a session that died left of them.
 * Each transaction writes its number under two keys in different directories, and a line to one log.
 */

import type { Handle } from "../../broker/handle/mod.ts";
import { isErrno } from "../../broker/message/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { KvsFlag } from "../../modules/kvs/protocol.ts";
import { assert, assertEquals } from "../assert.ts";
import type { SeededRandom } from "../sim/mod.ts";

/** The longest filling of a value, bytes; most are shorter. */
const PAD = 1 << 12;

/** What one session was told, and what it answered. */
export class Chapter {
  /** The directory of it all. */
  readonly key: string;
  /** By writer: how many transactions were answered; they are numbered from 0. */
  readonly acknowledged: number[] = [];
  /** The newest version that was answered. */
  rootseq = 0;
  /** A commit failed before `over`. */
  failure: unknown;
  /** From now on commits may fail. */
  over = false;
  /** What the directory is once the session is over and was checked. */
  #found: string | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get answered(): number {
    return this.acknowledged.reduce((sum, count) => sum + count, 0);
  }

  /** Writes through one connection, a transaction at a time, until it breaks. */
  async write(flux: Handle, random: SeededRandom): Promise<void> {
    const writer = this.acknowledged.push(0) - 1;
    const kvs = new Kvs(flux);
    try {
      for (let n = 0;; n++) {
        const pad = "x".repeat(2 ** random.below(Math.log2(PAD) + 1));
        const { rootseq } = await kvs.transaction()
          .put(`${this.key}.left.w${writer}.t${n}`, n)
          .put(`${this.key}.right.w${writer}.t${n}`, [n, pad])
          .append(`${this.key}.log`, `${writer} ${n}\n`)
          .commit();
        assert(rootseq > 0, `${this.key}: version ${rootseq} was answered`);
        this.acknowledged[writer] = n + 1;
        this.rootseq = Math.max(this.rootseq, rootseq);
      }
    } catch (error) {
      if (!this.over) this.failure ??= error;
    }
  }

  /** Fails unless every answered transaction is there whole, none is there in part, and the log has each once and in order. */
  async check(kvs: Kvs): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const { rootseq } = await kvs.root();
    assert(rootseq >= this.rootseq, `version ${this.rootseq} was answered, and ${rootseq} is there`);
    const lines = (await orMissing(kvs.getText(`${this.key}.log`)) ?? "").split("\n").slice(0, -1);
    for (const [writer, answered] of this.acknowledged.entries()) {
      const log = lines.filter((line) => line.startsWith(`${writer} `)).map((line) => Number(line.split(" ")[1]));
      const count = log.length;
      const what = `${this.key}, writer ${writer}: ${answered} were answered`;
      assert(count === answered || count === answered + 1, `${what}, ${count} are in the log`);
      const all = Array.from({ length: count }, (_, n) => n);
      assertEquals(log, all, `${what}; the log is in disorder`);
      for (const side of ["left", "right"]) {
        const directory = `${this.key}.${side}.w${writer}`;
        const names = [...await orMissing(kvs.dir(directory)) ?? new Map()].map(([name]) => name).sort();
        assertEquals(names, all.map((n) => `t${n}`).sort(), `${what}, ${count} are in the log, but in ${directory}:`);
        const values = await Promise.all(all.map((n) => kvs.get(`${directory}.t${n}`)));
        assertEquals(values.map((value) => Array.isArray(value) ? value[0] : value), all, `values of ${directory}`);
      }
    }
    this.#found = await this.#content(kvs);
  }

  /** Fails unless it is as it was when it was checked. */
  async checkAgain(kvs: Kvs): Promise<void> {
    assertEquals(await this.#content(kvs), this.#found, `${this.key} has changed`);
  }

  async remove(kvs: Kvs): Promise<void> {
    await kvs.transaction().unlink(this.key).commit();
  }

  /** Its blobref says it all. */
  async #content(kvs: Kvs): Promise<string> {
    return JSON.stringify(await orMissing(kvs.lookup(this.key, KvsFlag.treeobj)) ?? null);
  }
}

async function orMissing<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
