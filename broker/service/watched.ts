/** Streams of what changes: the body of a streaming method that reports a state and then each change of it. */

import { Queue, type Request } from "../handle/mod.ts";

/**
 * Yields what `watch` pushes until the request is cancelled, its sender goes, or `last` says that an item is the final one.
 * `watch` may push at once; what it returns is disposed at the end.
 */
export async function* watched<T>(
  request: Request,
  watch: (push: (item: T) => void) => Disposable,
  last: (item: T) => boolean = () => false,
): AsyncGenerator<T, void> {
  using items = new Queue<T>();
  request.signal.addEventListener("abort", () => items.end(), { once: true });
  using _watch = watch((item) => items.push(item));
  for await (const item of items) {
    yield item;
    if (last(item)) return;
  }
}
