/** What rank 0 remembers of the commits that other ranks sent, so that one which is sent again is not applied again. Pure. */

import { FluxError } from "../../../broker/message/mod.ts";

/** A sender that is not heard of for as many others is forgotten. */
const SENDERS_LIMIT = 8192;

/** How a commit is told from others. */
export interface CommitId {
  /** The instance of the sending module. */
  readonly instance: string;
  /** Its number there: 1, 2, 3 … */
  readonly number: number;
  /** The lowest number whose answer that instance still waits for: what is before it is over. */
  readonly low: number;
}

interface Sender<T> {
  low: number;
  /** By number, those from `low` on. */
  readonly answers: Map<number, Promise<T>>;
}

export class Answers<T> {
  readonly #senders = new Map<string, Sender<T>>();

  /** Answers that are remembered. */
  get size(): number {
    let size = 0;
    for (const { answers } of this.#senders.values()) size += answers.size;
    return size;
  }

  /**
   * The answer to this commit: that of `apply`, which is called once for an id, whether it comes to good or not. Throws
   * ECANCELED for a commit whose sender does not wait for the answer any more.
   */
  once({ instance, number, low }: CommitId, apply: () => Promise<T>): Promise<T> {
    const sender = this.#sender(instance);
    if (low > sender.low) {
      sender.low = low;
      for (const old of sender.answers.keys()) if (old < low) sender.answers.delete(old);
    }
    if (number < sender.low) {
      return Promise.reject(new FluxError("ECANCELED", `commit ${number} of ${instance} was answered before`));
    }
    let answer = sender.answers.get(number);
    if (!answer) {
      sender.answers.set(number, answer = apply());
      answer.catch(() => {});
    }
    return answer;
  }

  #sender(instance: string): Sender<T> {
    const sender = this.#senders.get(instance) ?? { low: 0, answers: new Map() };
    this.#senders.delete(instance);
    this.#senders.set(instance, sender);
    if (this.#senders.size > SENDERS_LIMIT) this.#senders.delete(this.#senders.keys().next().value!);
    return sender;
  }
}
