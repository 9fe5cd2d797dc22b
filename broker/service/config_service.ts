/** `config.*`: the session's configuration, one JSON object (wire.md §3.7). */

import { FluxError, type JsonObject } from "../message/mod.ts";
import { type Methods, user } from "../handle/mod.ts";
import { watched } from "./watched.ts";

/** `reload` tells every module of a new configuration; it throws what a module says against it. `config` is the first one. */
export function configService(reload: (config: JsonObject) => Promise<void>, config: JsonObject = {}): Methods {
  const watchers = new Set<(config: JsonObject) => void>();
  return {
    "config.get": user((request) => {
      if (!request.isStreaming) return config;
      return watched<JsonObject>(request, (push) => {
        push(config);
        watchers.add(push);
        return { [Symbol.dispose]: () => watchers.delete(push) };
      });
    }),
    "config.load": async (request) => {
      if (!request.message.payload) throw new FluxError("EPROTO", "a configuration object is required");
      const next = request.payload;
      await reload(next);
      config = next;
      for (const watcher of [...watchers]) watcher(config);
    },
    // There are no configuration files to read again; the modules are told what there is.
    "config.reload": () => reload(config),
  };
}
