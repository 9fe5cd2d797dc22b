/**
 * The one way to talk to a session: requests and their answers, streams, events, services. Clients, modules and
 * native services use the same class over different channels.
 */

import {
  decodeJson,
  encodeJson,
  errnum,
  errorText,
  Flag,
  FluxError,
  type JsonObject,
  Message,
  MessageType,
  NODEID_ANY,
  NODEID_UPSTREAM,
  Role,
} from "../message/mod.ts";
import { type Clock, systemClock } from "../ports/mod.ts";
import type { Channel } from "./channel.ts";
import { Event } from "./event.ts";
import { Matchtags } from "./matchtag.ts";
import { type Answer, mrpc, type MrpcOptions, mrpcReduced, MrpcStream, type Reduced } from "./mrpc.ts";
import { Queue } from "./queue.ts";
import type { Methods } from "./request.ts";
import { ResponseStream } from "./response_stream.ts";
import { Server } from "./server.ts";

export interface RpcOptions {
  /** Where to: a rank, {@link NODEID_ANY} (default) or {@link NODEID_UPSTREAM}. */
  rank?: number;
  /** Stops waiting: the promise rejects with its reason, a late answer is dropped. */
  signal?: AbortSignal;
  /** Milliseconds until ETIMEDOUT. */
  timeout?: number;
}

export interface StreamOptions extends RpcOptions {
  /** The service may send its last item together with the end of the stream. */
  lastWithEnd?: boolean;
}

export interface HandleOptions {
  clock?: Clock;
  /** The rank of the broker at the other end, where it is known beforehand. */
  rank?: number;
  /** Hears of handlers that threw something other than a FluxError, and of listeners that threw anything. */
  fault?(topic: string, error: unknown): void;
}

type Waiter = { message(response: Message): void; fail(error: unknown): void };

export class Handle {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #matchtags = new Matchtags();
  readonly #waiters = new Map<number, Waiter>();
  readonly #server: Server;
  readonly #fault: (topic: string, error: unknown) => void;
  readonly #listeners = new Map<string, Set<(event: Event) => void>>();
  #rank: number | undefined;
  #closed: FluxError | undefined;
  readonly #whenClosed = Promise.withResolvers<FluxError | undefined>();

  constructor(channel: Channel, options: HandleOptions = {}) {
    this.#channel = channel;
    this.#clock = options.clock ?? systemClock;
    this.#rank = options.rank;
    this.#fault = options.fault ?? ((_topic, error) => reportError(error));
    this.#server = new Server({
      respond: (message) => this.#closed || this.#channel.send(message),
      fault: options.fault ?? (() => {}),
    });
    channel.open({
      message: (m) => this.#receive(m),
      closed: (error) => this.#end(error),
      gone: (peer) => this.#server.gone(peer),
    });
  }

  /** Resolves when the handle is closed: with the error that ended it, or undefined after `close`. */
  get closed(): Promise<FluxError | undefined> {
    return this.#whenClosed.promise;
  }

  /** Requests served here that are not answered yet. */
  get pending(): number {
    return this.#server.pending;
  }

  /** Sends a request and returns the JSON object of its answer (`{}` for an empty one). Throws the error it was answered with. */
  async rpc<T = JsonObject>(topic: string, payload?: object, options: RpcOptions = {}): Promise<T> {
    return decodeJson(await this.rpcRaw(topic, payload && encodeJson(payload), options)) as T;
  }

  /** The same with raw payloads. */
  async rpcRaw(topic: string, payload?: Uint8Array, options: RpcOptions = {}): Promise<Uint8Array | undefined> {
    const address = options.rank === NODEID_UPSTREAM ? await this.rank() : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
    const tag = this.#matchtags.take();
    let cleanup: (() => void) | undefined;
    const release = () => {
      cleanup?.();
      this.#waiters.delete(tag);
      this.#matchtags.give(tag);
    };
    this.#waiters.set(tag, {
      message(response) {
        release();
        if (response.errnum === 0) resolve(response.payload);
        else reject(toError(response));
      },
      fail(error) {
        release();
        reject(error);
      },
    });
    if (options.signal || options.timeout !== undefined) {
      cleanup = this.#deadline(tag, topic, options, reject);
    }
    try {
      this.#send(topic, payload, tag, 0, options.rank, address);
    } catch (error) {
      this.#waiters.get(tag)?.fail(error);
    }
    return promise;
  }

  /** Sends a request that is not answered (NORESPONSE). */
  post(topic: string, payload?: object | Uint8Array, options: { rank?: number } = {}): void {
    const bytes = payload instanceof Uint8Array ? payload : payload && encodeJson(payload);
    const address = options.rank === NODEID_UPSTREAM ? this.#rank : undefined;
    this.#send(topic, bytes, 0, Flag.noresponse, options.rank, address);
  }

  /**
   * A streaming request: yields the JSON object of each response until the stream ends; throws what it fails with.
   * Leaving the loop early cancels it at the service.
   */
  async *stream<T = JsonObject>(topic: string, payload?: object, options: RpcOptions = {}): AsyncGenerator<T, void> {
    for await (const item of this.streamRaw(topic, payload && encodeJson(payload), options)) {
      yield decodeJson(item) as T;
    }
  }

  /** The same with raw payloads. The request is sent at once, not at the first `next`. */
  streamRaw(topic: string, payload?: Uint8Array, options: StreamOptions = {}): ResponseStream {
    const tag = this.#matchtags.take();
    const queue = new ResponseStream(tag, () => {
      abandoned();
      this.#cancel(topic, tag, options.rank);
    });
    const abandoned = () => options.signal?.removeEventListener("abort", onAbort);
    const onAbort = () => {
      this.#cancel(topic, tag, options.rank);
      queue.fail(options.signal!.reason);
    };
    const finish = (error?: unknown) => {
      abandoned();
      this.#waiters.delete(tag);
      this.#matchtags.give(tag);
      if (error === undefined) queue.end();
      else queue.fail(error);
    };
    this.#waiters.set(tag, {
      message(response) {
        if (response.errnum === 0) return queue.push(response.payload);
        if (response.errnum !== errnum("ENODATA")) return finish(toError(response));
        if (options.lastWithEnd && response.payload) queue.push(response.payload);
        finish();
      },
      fail: finish,
    });
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const start = async () => {
      try {
        // At once where the rank is known, so that nothing which is posted afterwards overtakes it.
        const address = options.rank === NODEID_UPSTREAM ? this.#rank ?? await this.rank() : undefined;
        this.#send(topic, payload, tag, Flag.streaming, options.rank, address);
      } catch (error) {
        finish(error);
      }
    };
    void start();
    return queue;
  }

  /** Calls a method on many ranks: yields the answer of each, in the order they come; see {@link mrpc}. */
  mrpc(topic: string, payload?: object | Uint8Array, options: MrpcOptions = {}): AsyncGenerator<Answer, void> {
    return mrpc(this, topic, payload, options);
  }

  /** Calls a method on many ranks and reduces their answers to one on the way; see {@link mrpcReduced}. */
  mrpcReduced<T = JsonObject>(
    topic: string,
    payload: object | Uint8Array | undefined,
    options: MrpcOptions & { reduce: string },
  ): Promise<Reduced<T>> {
    return mrpcReduced<T>(this, topic, payload, options.reduce, options);
  }

  /** Calls a streaming method on many ranks; see {@link MrpcStream}. */
  mrpcStream(topic: string, payload: Uint8Array, options: Pick<MrpcOptions, "ranks"> = {}): MrpcStream {
    return new MrpcStream(this, topic, payload, options);
  }

  /** Hands an event over for publication; it is numbered and sent to everyone by rank 0. Not acknowledged. */
  publish(topic: string, payload?: object | Uint8Array, options: { private?: boolean } = {}): void {
    const bytes = payload instanceof Uint8Array ? payload : payload && encodeJson(payload);
    const flags = options.private ? Flag.private : 0;
    this.#channel.send(new Message({ type: MessageType.event, flags, topic, payload: bytes }));
  }

  /**
   * Calls `listener` for every event whose topic begins with `prefix` and that the owner has published, or `anyone` if that is
   * wanted (wire.md §1.11), until disposed. Resolves when subscribed.
   */
  async listen(
    prefix: string,
    listener: (event: Event) => void,
    { from = "owner" }: { from?: "owner" | "anyone" } = {},
  ): Promise<Disposable> {
    if (from === "owner") {
      const hear = listener;
      listener = (event) => (event.message.rolemask & Role.owner) !== 0 && hear(event);
    }
    let listeners = this.#listeners.get(prefix);
    const first = !listeners;
    if (!listeners) this.#listeners.set(prefix, listeners = new Set());
    listeners.add(listener);
    if (first) await this.rpc("event.subscribe", { topic: prefix });
    return { [Symbol.dispose]: () => this.#unlisten(prefix, listener) };
  }

  /** Events of anyone whose topic begins with `prefix`, from now on, as an async iterable that is disposed to unsubscribe. */
  async subscribe(prefix: string): Promise<Queue<Event>> {
    const subscription: { held?: Disposable } = {};
    const queue = new Queue<Event>(() => subscription.held?.[Symbol.dispose]());
    subscription.held = await this.listen(prefix, (event) => queue.push(event), { from: "anyone" });
    this.closed.then((error) => error ? queue.fail(error) : queue.end());
    return queue;
  }

  /** Serves methods; their service names are registered with the broker. Throws EEXIST when one is taken. */
  async serve(methods: Methods): Promise<void> {
    await Promise.all(this.#server.add(methods).map((service) => this.rpc("service.add", { service })));
  }

  /** True when a method is served here under exactly this topic. */
  serves(topic: string): boolean {
    return this.#server.has(topic);
  }

  /** Resolves when everything sent so far (also what is not answered: events, posts) has left this process. */
  async drain(): Promise<void> {
    await this.#channel.drain?.();
  }

  /** Requests that are open are answered with `gone`. */
  close(gone: FluxError = new FluxError("ENOSYS", "service is gone")): void {
    if (this.#closed) return;
    this.#server.abortAll(gone);
    this.#end(new FluxError("ECANCELED", "handle is closed"), true);
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The rank of the broker this handle is connected to. */
  async rank(): Promise<number> {
    return this.#rank ??= Number((await this.rpc<{ value: string }>("attr.get", { name: "rank" })).value);
  }

  #send(
    topic: string,
    payload: Uint8Array | undefined,
    tag: number,
    flags: number,
    rank: number = NODEID_ANY,
    sender?: number,
  ): void {
    if (this.#closed) throw this.#closed;
    this.#channel.send(
      new Message({
        type: MessageType.request,
        flags: sender === undefined ? flags : flags | Flag.upstream,
        aux1: sender ?? rank,
        aux2: tag,
        topic,
        payload,
      }),
    );
  }

  #receive(message: Message): void {
    if (message.type === MessageType.response) this.#waiters.get(message.matchtag)?.message(message);
    else if (message.type === MessageType.event) this.#event(message);
    else if (message.type === MessageType.request) this.#server.dispatch(message);
  }

  /** A listener that throws keeps the event from nobody else. */
  #event(message: Message): void {
    const event = new Event(message);
    for (const [prefix, listeners] of this.#listeners) {
      if (!message.topic.startsWith(prefix)) continue;
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          this.#fault(`event ${message.topic}`, error);
        }
      }
    }
  }

  #unlisten(prefix: string, listener: (event: Event) => void): void {
    const listeners = this.#listeners.get(prefix);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(prefix);
    if (!this.#closed) this.rpc("event.unsubscribe", { topic: prefix }).catch(() => {});
  }

  /** Tells the service to end a stream; its tag stays taken until the service's last word arrives. */
  #cancel(topic: string, matchtag: number, rank?: number): void {
    const waiter = this.#waiters.get(matchtag);
    if (!waiter || this.#closed) return;
    const release = (response: Message) => {
      if (response.errnum === 0) return;
      this.#waiters.delete(matchtag);
      this.#matchtags.give(matchtag);
    };
    this.#waiters.set(matchtag, { message: release, fail: () => {} });
    this.post(`${topic.split(".", 1)[0]}.cancel`, { matchtag }, rank === undefined ? {} : { rank });
  }

  /** Rejects a request on abort or after its timeout; its tag stays taken until the late answer, if any, arrives. */
  #deadline(tag: number, topic: string, options: RpcOptions, reject: (error: unknown) => void): () => void {
    const give = (error: unknown) => {
      stop();
      this.#waiters.set(tag, {
        message: () => {
          this.#waiters.delete(tag);
          this.#matchtags.give(tag);
        },
        fail: () => {},
      });
      reject(error);
    };
    const { signal, timeout } = options;
    const onAbort = () => give(signal!.reason);
    const timer = timeout === undefined
      ? undefined
      : this.#clock.after(timeout, () =>
        give(new FluxError("ETIMEDOUT", `${topic}: no answer within ${timeout / 1000} s`)));
    const stop = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    if (signal?.aborted) queueMicrotask(onAbort);
    else signal?.addEventListener("abort", onAbort, { once: true });
    return stop;
  }

  #end(error: FluxError, deliberate = false): void {
    if (this.#closed) return;
    this.#closed = error;
    for (const waiter of [...this.#waiters.values()]) waiter.fail(error);
    this.#waiters.clear();
    this.#whenClosed.resolve(deliberate ? undefined : error);
  }
}

function toError(response: Message): FluxError {
  return new FluxError(response.errnum, errorText(response.payload));
}
