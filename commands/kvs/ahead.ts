/** Calls that are under way together, taken in order. */

/** Calls under way at a time. */
const WINDOW = 64;

/** What `work` resolves to for each item, in order; `window` of them are under way at a time. */
export async function* ahead<T, R>(
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
  window = WINDOW,
): AsyncGenerator<R, void> {
  const calls: Promise<R>[] = [];
  for (const item of items) {
    const call = work(item);
    // Its turn to be awaited may never come.
    call.catch(() => {});
    calls.push(call);
    if (calls.length >= window) yield await calls.shift()!;
  }
  for (const call of calls) yield await call;
}
