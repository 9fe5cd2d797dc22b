/** What is to be done, by the time when it is due; what is due at the same time, in the order it was added. Pure. */

/** One entry; its callback is null once it was taken or cancelled. */
export interface Deadline {
  readonly due: number;
  readonly order: number;
  callback: (() => void) | null;
}

/** Cancelled entries are swept out when there are more than this in all, and more than half of them are cancelled. */
const SWEEP = 64;

/** Times are numbers of any one clock. Adding and taking cost the logarithm of how many there are, cancelling nothing. */
export class Deadlines {
  /** A binary heap: each entry is due no later than those at 2i+1 and 2i+2. */
  #heap: Deadline[] = [];
  #order = 0;
  #size = 0;

  /** Entries that are neither taken nor cancelled. */
  get size(): number {
    return this.#size;
  }

  add(due: number, callback: () => void): Deadline {
    const entry: Deadline = { due, order: this.#order++, callback };
    push(this.#heap, entry);
    this.#size++;
    return entry;
  }

  /** Does nothing to one that was taken or cancelled. */
  cancel(entry: Deadline): void {
    if (!entry.callback) return;
    entry.callback = null;
    this.#size--;
    if (this.#heap.length < SWEEP || this.#size * 2 > this.#heap.length) return;
    const left = this.#heap.filter(({ callback }) => callback !== null);
    this.#heap = [];
    for (const one of left) push(this.#heap, one);
  }

  /** When the first is due; Infinity when there is none. */
  get next(): number {
    while (this.#heap[0]?.callback === null) pop(this.#heap);
    return this.#heap[0]?.due ?? Infinity;
  }

  /** Takes the first; undefined when there is none. */
  take(): (() => void) | undefined {
    if (this.next === Infinity) return undefined;
    const entry = pop(this.#heap);
    const callback = entry.callback!;
    entry.callback = null;
    this.#size--;
    return callback;
  }
}

function before(a: Deadline, b: Deadline): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

function push(heap: Deadline[], entry: Deadline): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!before(entry, heap[above]!)) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = entry;
}

/** Removes the first of a heap that is not empty. */
function pop(heap: Deadline[]): Deadline {
  const first = heap[0]!, last = heap.pop()!;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
    if (!before(heap[below]!, last)) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
  return first;
}
