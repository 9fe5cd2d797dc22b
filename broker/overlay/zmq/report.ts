/** Calls into the user of an event loop. What it throws is its own: the loop goes on, the error is uncaught. */
export function report(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
