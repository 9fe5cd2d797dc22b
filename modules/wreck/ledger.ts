/**
 * What is written about jobs in the KVS, at rank 0: all that comes while one commit is under way goes into the next one, so that a
 * thousand jobs at once take few commits. What is written first is in the store first, and what follows an entry (an event, an
 * answer) is done in the order of the entries.
 */

import type { Handle } from "../../broker/handle/mod.ts";
import type { Clock, Timer } from "../../broker/ports/mod.ts";
import { type JobNumbers, putNumbers } from "./record.ts";
import { Kvs, type Transaction } from "../kvs/client.ts";
import { type CommitRequest, type Operation, PRIMARY } from "../kvs/protocol.ts";

interface Entry {
  readonly ops: readonly Operation[];
  done(): void;
  failed(error: unknown): void;
}

/** What may wait for others waits so long, ms: the whole life of a short job takes one commit. */
const PATIENCE = 10;
/** Operations of one commit, unless a single entry has more. */
const BATCH = 4000;

export class Ledger {
  readonly #handle: Pick<Handle, "rpc">;
  readonly #kvs: Kvs;
  readonly #clock: Clock;
  readonly #numbers: () => JobNumbers;
  #written = "";
  #waiting: Entry[] = [];
  #busy = false;
  /** Nothing was ever to be written. */
  #isUnused = true;
  #timer: Timer | undefined;

  /** `numbers` goes along with each commit in which it has changed. */
  constructor(handle: Handle, clock: Clock, numbers: () => JobNumbers) {
    this.#numbers = numbers;
    this.#handle = handle;
    this.#kvs = new Kvs(handle);
    this.#clock = clock;
  }

  /**
   * Resolves when what `add` adds is in a root that this rank sees. With `canWait` it waits up to {@link PATIENCE} for an entry that
   * cannot, and goes along with it. Throws why nothing can be stored: ENOSPC, EROFS, EIO …; and at once, what `add` throws.
   */
  write(add: (transaction: Transaction) => void, canWait = false): Promise<void> {
    const transaction = this.#kvs.transaction();
    add(transaction);
    this.#isUnused = false;
    return new Promise((done, failed) => {
      this.#waiting.push({ ops: transaction.ops, done, failed });
      if (this.#busy) return;
      if (canWait) this.#timer ??= this.#clock.after(PATIENCE, () => void this.#run());
      else void this.#run();
    });
  }

  /** Resolves when nothing waits to be written. Without jobs nothing is: a commit would load what computes digests, 30 ms at the end of a session. */
  async flush(): Promise<void> {
    if (!this.#isUnused) await this.write(() => {}).catch(() => {});
  }

  async #run(): Promise<void> {
    this.#busy = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    // What comes in the same turn goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const entries = this.#next();
      const request: CommitRequest = {
        namespace: PRIMARY,
        flags: 0,
        ops: [...entries.flatMap(({ ops }) => ops), ...this.#news],
      };
      try {
        await this.#handle.rpc("kvs.commit", request);
        for (const entry of entries) entry.done();
      } catch (error) {
        this.#written = "";
        for (const entry of entries) entry.failed(error);
      }
    }
    this.#busy = false;
  }

  get #news(): readonly Operation[] {
    const numbers = this.#numbers();
    const text = JSON.stringify(numbers);
    if (text === this.#written) return [];
    this.#written = text;
    const transaction = this.#kvs.transaction();
    putNumbers(transaction, numbers);
    return transaction.ops;
  }

  #next(): Entry[] {
    let count = 0;
    const over = this.#waiting.findIndex(({ ops }, i) => (count += ops.length) > BATCH && i > 0);
    return this.#waiting.splice(0, over < 0 ? this.#waiting.length : over);
  }
}
