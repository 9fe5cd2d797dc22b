/**
 * One RFC 3 message in memory. Source: wire.md §1.
 *
 * Invariants: `flags` never holds TOPIC, PAYLOAD or ROUTE (the codec derives them from the fields);
 * `routes` is a stack whose last element is the most recent hop.
 */

export const MessageType = { request: 0x01, response: 0x02, event: 0x04, control: 0x08 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export const Flag = {
  topic: 0x01,
  payload: 0x02,
  noresponse: 0x04,
  route: 0x08,
  upstream: 0x10,
  private: 0x20,
  streaming: 0x40,
  user1: 0x80,
} as const;

/** Roles of the sender, a bit set in `rolemask`. */
export const Role = { none: 0, owner: 1, user: 2, local: 4, admin: 8 } as const;

/** nodeid "any": the first broker on the way to rank 0 that has the service. */
export const NODEID_ANY = 0xffffffff;
/** nodeid "upstream", in APIs only: skip the local broker. On the wire: flag UPSTREAM and the sender's rank. */
export const NODEID_UPSTREAM = 0xfffffffe;
export const USERID_UNKNOWN = 0xffffffff;
export const MATCHTAG_NONE = 0;

/** What a caller may leave out when it makes a message. */
export interface MessageInit {
  type: MessageType;
  flags?: number;
  userid?: number;
  rolemask?: number;
  aux1?: number;
  aux2?: number;
  routes?: string[];
  topic?: string;
  payload?: Uint8Array | undefined;
}

export class Message {
  type: MessageType;
  /** NORESPONSE, UPSTREAM, PRIVATE, STREAMING, USER1; the framing bits are derived when encoding. */
  flags: number;
  userid: number;
  rolemask: number;
  /** request: nodeid; response: errnum; event: sequence; control: type. */
  aux1: number;
  /** request, response: matchtag; control: status. */
  aux2: number;
  /** Route ids, oldest (the sender) first, most recent hop last. */
  routes: string[];
  topic: string;
  /** Never empty: an empty payload is the same as none. */
  payload: Uint8Array | undefined;

  constructor(init: MessageInit) {
    this.type = init.type;
    this.flags = init.flags ?? 0;
    this.userid = init.userid ?? USERID_UNKNOWN;
    this.rolemask = init.rolemask ?? Role.none;
    this.aux1 = init.aux1 ?? 0;
    this.aux2 = init.aux2 ?? 0;
    this.routes = init.routes ?? [];
    this.topic = init.topic ?? "";
    this.payload = init.payload?.length ? init.payload : undefined;
  }

  get nodeid(): number {
    return this.aux1;
  }
  get errnum(): number {
    return this.aux1;
  }
  get sequence(): number {
    return this.aux1;
  }
  get matchtag(): number {
    return this.aux2;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** The service a topic belongs to: everything before the first dot. */
  get service(): string {
    const dot = this.topic.indexOf(".");
    return dot < 0 ? this.topic : this.topic.slice(0, dot);
  }

  /** The request's original sender: the oldest route id, or `""` when it has none. */
  get sender(): string {
    return this.routes[0] ?? "";
  }

  /** A copy whose route stack can be changed without touching this one; the payload bytes are shared. */
  copy(): Message {
    return new Message({ ...this, routes: this.routes.slice() });
  }

  /** True when an error response to this request must not be sent. */
  get wantsNoResponse(): boolean {
    return this.has(Flag.noresponse);
  }
}

/**
 * The response to `request`: its topic, matchtag, flags and a copy of its route stack; `errnum` 0 is success.
 * The payload of an error response is its text.
 */
export function responseTo(
  request: Message,
  credentials: { userid: number; rolemask: number },
  errnum = 0,
  payload?: Uint8Array,
): Message {
  return new Message({
    type: MessageType.response,
    flags: request.flags,
    userid: credentials.userid,
    rolemask: credentials.rolemask,
    aux1: errnum,
    aux2: request.aux2,
    routes: request.routes.slice(),
    topic: request.topic,
    payload,
  });
}

/** A copy of `event` under another topic and payload, as adapters of older names deliver it. */
export function renamed(event: Message, topic: string, payload: Uint8Array | undefined): Message {
  return new Message({ ...event, flags: event.flags & Flag.private, routes: [], topic, payload });
}
