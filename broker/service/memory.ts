/**
 * `broker.memory`: what the broker's memory is made of. With `{"collect": true}` garbage is collected first, so that what is
 * left is what is really held: the figure to watch for a leak, since the collector otherwise works late.
 */

import { booleanField, type Methods } from "../handle/mod.ts";

export function memoryService(): Methods {
  return {
    "broker.memory": ({ payload }) => {
      if (booleanField(payload, "collect", false)) collect();
      const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
      return { rss, heapTotal, heapUsed, external };
    },
  };
}

/** Collects garbage where the runtime was started with `--expose-gc`, as the executable is. */
function collect(): void {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
}
