/**
 * The reply of a streaming method that sends its items by `request.respond` as they come: a stream without items of its
 * own, which ends when `done` resolves and fails as it does.
 */
export function until(done: Promise<void>): AsyncIterable<never> {
  return {
    [Symbol.asyncIterator]: () => ({ next: () => done.then(() => ({ done: true, value: undefined })) }),
  };
}
