/**
 * Items that arrive on their own, taken one at a time by `for await`. Ends by `end`, fails by `fail`; what was
 * pushed before either is still delivered first.
 */
export class Queue<T> implements AsyncIterableIterator<T> {
  #items: T[] = [];
  #head = 0;
  #waiting: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void }[] = [];
  #state: { done: false } | { done: true; error?: unknown } = { done: false };
  readonly #onReturn: (() => void) | undefined;

  /** `onReturn` runs once when the reader leaves early (`break`, `return`, `using`). */
  constructor(onReturn?: () => void) {
    this.#onReturn = onReturn;
  }

  /** Items waiting to be taken. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    if (this.#state.done) return;
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve({ done: false, value: item });
    else this.#items.push(item);
  }

  end(): void {
    this.#finish({ done: true });
  }

  fail(error: unknown): void {
    this.#finish({ done: true, error });
  }

  next(): Promise<IteratorResult<T>> {
    if (this.length > 0) {
      const value = this.#items[this.#head]!;
      this.#items[this.#head++] = undefined as T;
      if (this.#head === this.#items.length) {
        this.#items = [];
        this.#head = 0;
      }
      return Promise.resolve({ done: false, value });
    }
    if (!this.#state.done) {
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    if ("error" in this.#state) {
      const { error } = this.#state;
      this.#state = { done: true };
      return Promise.reject(error);
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<T>> {
    if (!this.#state.done) this.#onReturn?.();
    this.#items = [];
    this.#head = 0;
    this.#state = { done: true };
    for (const waiter of this.#waiting.splice(0)) waiter.resolve({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    void this.return();
  }

  #finish(state: { done: true; error?: unknown }): void {
    if (this.#state.done) return;
    this.#state = state;
    const waiters = this.#waiting.splice(0);
    const first = waiters.shift();
    if (!first) return;
    if ("error" in state) {
      this.#state = { done: true };
      first.reject(state.error);
    } else {
      first.resolve({ done: true, value: undefined });
    }
    for (const waiter of waiters) waiter.resolve({ done: true, value: undefined });
  }
}
