/** A request as the one who serves it sees it. */

import {
  decodeJson,
  encodeJson,
  encodeText,
  errnum,
  Flag,
  FluxError,
  type JsonObject,
  type Message,
  responseTo,
  Role,
} from "../message/mod.ts";

/** Which roles may call a method; "owner" unless it is declared otherwise (wire.md §3). */
export type Access = "owner" | "user" | "all";

/** What a handler may return: nothing, an object (sent as JSON), bytes (sent as they are), items of a stream. */
export type Reply = void | object | Uint8Array | AsyncIterable<object | Uint8Array>;
export type Handler = (request: Request) => Reply | Promise<Reply>;
export type Method = Handler | { access: Access; handler: Handler };
/** Methods by topic: `"barrier.enter"`. */
export type Methods = Readonly<Record<string, Method>>;

/** A method that guests (USER role) may call too. */
export function user(handler: Handler): Method {
  return { access: "user", handler };
}

/** A method that anyone may call. */
export function anyone(handler: Handler): Method {
  return { access: "all", handler };
}

export class Request {
  readonly message: Message;
  readonly #respond: (message: Message) => void;
  #payload: JsonObject | undefined;
  #abort: AbortController | undefined;
  #done = false;

  constructor(message: Message, respond: (message: Message) => void) {
    this.message = message;
    this.#respond = respond;
  }

  get topic(): string {
    return this.message.topic;
  }
  /** The route id of the original sender: stable for a connection, the key of its state. */
  get sender(): string {
    return this.message.sender;
  }
  get matchtag(): number {
    return this.message.matchtag;
  }
  get userid(): number {
    return this.message.userid;
  }
  get rolemask(): number {
    return this.message.rolemask;
  }
  get isOwner(): boolean {
    return (this.message.rolemask & Role.owner) !== 0;
  }
  get isStreaming(): boolean {
    return this.message.has(Flag.streaming);
  }

  /** The JSON payload, decoded once. Throws EPROTO when it is not a JSON object. */
  get payload(): JsonObject {
    return this.#payload ??= decodeJson(this.message.payload);
  }

  /** Aborts when the sender cancels this request or disconnects. */
  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal;
  }

  /** The sender has cancelled it, or is out of reach: what is made for it from now on is for nobody. */
  get isAborted(): boolean {
    return this.#abort?.signal.aborted ?? false;
  }

  /** A final response was sent (or none is wanted). */
  get done(): boolean {
    return this.#done;
  }

  /** Throws EPROTO unless the request has the STREAMING flag: for methods that only make sense as a stream. */
  requireStreaming(): void {
    if (!this.isStreaming) throw new FluxError("EPROTO", `${this.topic} requires the streaming flag`);
  }

  /** One success response: the answer, or one item of a stream. */
  respond(reply?: object | Uint8Array): void {
    if (this.#done) return;
    if (!this.isStreaming) this.#done = true;
    const payload = reply === undefined ? undefined : reply instanceof Uint8Array ? reply : encodeJson(reply);
    this.#send(0, payload);
  }

  /**
   * One of several answers to a request that is no stream: the protocol of the 0.1.0 tools. The last one is what its
   * handler returns.
   */
  respondAlso(reply: object): void {
    if (!this.#done) this.#send(0, encodeJson(reply));
  }

  /** The final error response. A {@link FluxError}'s text goes along if it says more than its number. */
  fail(error: unknown): void {
    if (this.#done) return;
    this.#done = true;
    const known = error instanceof FluxError ? error : new FluxError("EPROTO", `${this.topic}: ${String(error)}`);
    this.#send(known.errnum, known.hasText ? encodeText(known.message) : undefined);
  }

  /** Ends a stream in the normal way, with ENODATA; with its last item, where the client expects that (`lastWithEnd`). */
  end(last?: Uint8Array): void {
    if (this.#done) return;
    this.#done = true;
    this.#send(errnum("ENODATA"), last);
  }

  /** For the dispatcher: the sender cancelled or went away. */
  abort(reason: FluxError): void {
    (this.#abort ??= new AbortController()).abort(reason);
  }

  #send(errnum: number, payload?: Uint8Array): void {
    const { message } = this;
    if (message.wantsNoResponse) return;
    this.#respond(responseTo(message, { userid: message.userid, rolemask: message.rolemask }, errnum, payload));
  }
}
