/**
 * The serving half of a Handle: finds the method of a request, checks roles, runs the handler, answers with what
 * it returns or throws, and ends open requests when their sender cancels or disconnects (wire.md §1.8–1.10).
 */

import { errnum, FluxError, type Message, Role } from "../message/mod.ts";
import { type Access, type Handler, type Method, type Methods, type Reply, Request } from "./request.ts";

const CANCELED = new FluxError("ENODATA");
const DISCONNECTED = new FluxError("EHOSTUNREACH", "the way to the sender was lost");

export interface ServerOptions {
  respond(message: Message): void;
  /** A handler threw something that is no FluxError: a bug in a service. */
  fault(topic: string, error: unknown): void;
}

export class Server {
  readonly #methods = new Map<string, { access: Access; handler: Handler }>();
  readonly #services = new Set<string>();
  /** Requests not answered yet, by sender, then by matchtag. */
  readonly #open = new Map<string, Map<number, Request>>();
  readonly #options: ServerOptions;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Adds methods; one that exists is replaced. Returns the service names that are new. */
  add(methods: Methods): string[] {
    const fresh: string[] = [];
    for (const [topic, method] of Object.entries(methods)) {
      this.#methods.set(topic, normalize(method));
      const service = topic.split(".", 1)[0]!;
      if (this.#services.has(service)) continue;
      this.#services.add(service);
      fresh.push(service);
    }
    return fresh;
  }

  has(topic: string): boolean {
    return this.#methods.has(topic);
  }

  /** Number of requests not answered yet. */
  get pending(): number {
    let n = 0;
    for (const requests of this.#open.values()) n += requests.size;
    return n;
  }

  dispatch(message: Message): void {
    const request = new Request(message, this.#options.respond);
    const method = this.#methods.get(message.topic);
    const last = message.topic.slice(message.topic.lastIndexOf(".") + 1);
    if (last === "disconnect") this.#disconnect(request);
    else if (last === "cancel" || last.endsWith("-cancel")) return this.#cancel(request);
    if (!method) {
      if (last !== "disconnect") request.fail(new FluxError("ENOSYS", `Unknown service method '${message.topic}'`));
      return;
    }
    const refusal = refuse(method.access, message.rolemask);
    if (refusal) return request.fail(refusal);
    try {
      this.#settle(request, method.handler(request));
    } catch (error) {
      this.#fail(request, error);
    }
  }

  /** A link is lost: what came over it is aborted, since nobody waits for the answers any more. */
  gone(peer: string): void {
    const lost = [...this.#open.values()].flatMap((requests) =>
      [...requests.values()].filter(({ message }) => message.routes.at(-1) === peer)
    );
    for (const request of lost) {
      this.#untrack(request);
      request.abort(DISCONNECTED);
    }
  }

  /** Fails everything that is still open: the service is going away. */
  abortAll(reason: FluxError): void {
    for (const requests of [...this.#open.values()]) {
      for (const request of [...requests.values()]) {
        request.abort(reason);
        request.fail(reason);
      }
    }
    this.#open.clear();
  }

  #settle(request: Request, reply: Reply | Promise<Reply>): void {
    if (reply instanceof Promise) {
      this.#track(request);
      reply.then((value) => this.#settle(request, value), (error) => this.#fail(request, error));
    } else if (reply && Symbol.asyncIterator in reply) {
      this.#track(request);
      this.#stream(request, reply as AsyncIterable<object | Uint8Array>);
    } else {
      this.#untrack(request);
      request.respond(reply as object | Uint8Array | undefined);
      if (request.isStreaming) request.end();
    }
  }

  async #stream(request: Request, items: AsyncIterable<object | Uint8Array>): Promise<void> {
    try {
      if (!request.isStreaming) throw new FluxError("EPROTO", `${request.topic} requires the streaming flag`);
      for await (const item of items) {
        if (request.signal.aborted) break;
        request.respond(item);
      }
      this.#untrack(request);
      // Cut short on this side: should the way to the sender still be there, it must not take that for the whole.
      if (request.isAborted) request.fail(request.signal.reason);
      else request.end();
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #fail(request: Request, error: unknown): void {
    this.#untrack(request);
    if (!(error instanceof FluxError)) this.#options.fault(request.topic, error);
    request.fail(error);
  }

  #cancel(request: Request): void {
    const target = this.#open.get(request.sender)?.get(Number(request.payload.matchtag));
    if (!target || !isMeant(target, request)) return;
    if (!(request.isOwner || request.userid === target.userid)) return;
    target.abort(CANCELED);
    this.#untrack(target);
    target.end();
  }

  #disconnect(request: Request): void {
    const requests = this.#open.get(request.sender);
    if (!requests) return;
    this.#open.delete(request.sender);
    for (const open of requests.values()) open.abort(DISCONNECTED);
  }

  #track(request: Request): void {
    let requests = this.#open.get(request.sender);
    if (!requests) this.#open.set(request.sender, requests = new Map());
    requests.set(request.matchtag, request);
  }

  #untrack(request: Request): void {
    const requests = this.#open.get(request.sender);
    if (requests?.get(request.matchtag) !== request) return;
    requests.delete(request.matchtag);
    if (requests.size === 0) this.#open.delete(request.sender);
  }
}

function normalize(method: Method): { access: Access; handler: Handler } {
  return typeof method === "function" ? { access: "owner", handler: method } : method;
}

/**
 * Whether a cancel is about this request. One that a broker sends for a sender whose way to it was lost may be late, and come after a
 * new request with the same matchtag: that one has come another way, since the link that was lost is gone.
 */
function isMeant(target: Request, { payload: { hops }, message: { routes } }: Request): boolean {
  return routes.slice(0, Number(hops ?? 0)).every((id, i) => id === target.message.routes[i]);
}

/** The error for a caller who lacks the role, or undefined (texts: wire.md §1.8). */
function refuse(access: Access, rolemask: number): FluxError | undefined {
  if (access === "all" || rolemask & Role.owner) return undefined;
  if (access === "owner") return new FluxError(errnum("EPERM"), "Request requires owner credentials");
  if (rolemask & Role.user) return undefined;
  return new FluxError(errnum("EPERM"), "Request rejected due to insufficient privilege");
}
