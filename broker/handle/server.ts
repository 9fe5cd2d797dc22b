/**
 * The serving half of a Handle: finds the method of a request, checks roles, runs the handler, answers with what
 * it returns or throws, and ends open requests when their sender cancels or disconnects (wire.md §1.8–1.10).
 */

import { errnum, FluxError, type Message, Role } from "../message/mod.ts";
import { OpenRequests } from "./open_requests.ts";
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
  readonly #open = new OpenRequests();
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
    return this.#open.size;
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
    for (const request of this.#open.over(peer)) {
      this.#open.delete(request);
      request.abort(DISCONNECTED);
    }
  }

  /** Fails everything that is still open: the service is going away. */
  abortAll(reason: FluxError): void {
    for (const request of this.#open.all) {
      this.#open.delete(request);
      request.abort(reason);
      request.fail(reason);
    }
  }

  #settle(request: Request, reply: Reply | Promise<Reply>): void {
    if (reply instanceof Promise) {
      this.#open.add(request);
      reply.then((value) => this.#settle(request, value), (error) => this.#fail(request, error));
    } else if (reply && Symbol.asyncIterator in reply) {
      this.#open.add(request);
      this.#stream(request, reply as AsyncIterable<object | Uint8Array>);
    } else {
      this.#open.delete(request);
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
      this.#open.delete(request);
      // Cut short on this side: should the way to the sender still be there, it must not take that for the whole.
      if (request.isAborted) request.fail(request.signal.reason);
      else request.end();
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #fail(request: Request, error: unknown): void {
    this.#open.delete(request);
    if (!(error instanceof FluxError)) this.#options.fault(request.topic, error);
    request.fail(error);
  }

  #cancel(request: Request): void {
    const target = this.#open.canceledBy(request);
    if (!target || !(request.isOwner || request.userid === target.userid)) return;
    target.abort(CANCELED);
    this.#open.delete(target);
    target.end();
  }

  #disconnect({ sender }: Request): void {
    for (const request of this.#open.from(sender)) {
      this.#open.delete(request);
      request.abort(DISCONNECTED);
    }
  }
}

function normalize(method: Method): { access: Access; handler: Handler } {
  return typeof method === "function" ? { access: "owner", handler: method } : method;
}

/** The error for a caller who lacks the role, or undefined (texts: wire.md §1.8). */
function refuse(access: Access, rolemask: number): FluxError | undefined {
  if (access === "all" || rolemask & Role.owner) return undefined;
  if (access === "owner") return new FluxError(errnum("EPERM"), "Request requires owner credentials");
  if (rolemask & Role.user) return undefined;
  return new FluxError(errnum("EPERM"), "Request rejected due to insufficient privilege");
}
