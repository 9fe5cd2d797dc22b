import { FluxError } from "../../message/mod.ts";
import { type Clock, type Random, systemClock, systemRandom, type Transport } from "../../ports/mod.ts";
import { Engine } from "./engine.ts";
import { ZmqLink } from "./link.ts";
import { ZmqListener } from "./listener.ts";

/**
 * The network of this machine: libzmq in a context with one I/O thread. Nothing native is loaded before the first
 * listen or dial; these throw ENOENT when there is no libzmq.
 *
 * @example
 * ```ts
 * import { zmqTransport } from "./mod.ts";
 *
 * const transport = zmqTransport();
 * const echo = transport.listen("tcp://127.0.0.1:*", {}, {
 *   message: (peer, bytes) => echo.send(peer, new Uint8Array(bytes)),
 *   down: (peer, reason) => console.log(`${peer} is gone: ${reason}`),
 * });
 * const answer = await new Promise<Uint8Array>((resolve, reject) => {
 *   const link = transport.dial(echo.endpoint, { name: "someone" }, { message: resolve, down: reject });
 *   link.send(new TextEncoder().encode("hello"));
 * });
 * console.log(new TextDecoder().decode(answer));
 * await transport.close(1000);
 * ```
 */
export function zmqTransport(ports: { clock?: Clock; random?: Random } = {}): Transport {
  let engine: Engine | null = null;
  let isClosed = false;
  const open = (): Engine => {
    if (isClosed) throw new FluxError("EINVAL", "the transport is closed");
    return engine ??= new Engine(ports.clock ?? systemClock, ports.random ?? systemRandom);
  };
  return {
    listen: (endpoint, options, events) => new ZmqListener(open(), endpoint, options, events),
    dial: (endpoint, options, events) => new ZmqLink(open(), endpoint, options, events),
    async close(lingerMs) {
      const closing = engine;
      isClosed = true;
      engine = null;
      await closing?.close(lingerMs);
    },
  };
}
