/** Streams of what changes: the body of a streaming method that reports a state and then each change of it. */

import type { Request } from "../handle/mod.ts";

/**
 * Answers with what `watch` pushes, at once, until the request is cancelled, its sender goes, or `last` says that an item is the
 * final one. `watch` may push before it returns; what it returns is disposed at the end. Throws EPROTO for a request without the
 * STREAMING flag, and the reason when the sender is out of reach.
 */
export async function watched<T extends object>(
  request: Request,
  watch: (push: (item: T) => void) => Disposable,
  last: (item: T) => boolean = () => false,
): Promise<void> {
  request.requireStreaming();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  request.signal.addEventListener("abort", () => resolve(), { once: true });
  using _watch = watch((item) => {
    request.respond(item);
    if (!last(item)) return;
    request.end();
    resolve();
  });
  await over;
  if (request.isAborted) throw request.signal.reason;
}
