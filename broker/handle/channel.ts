/** What a Handle talks through: a UNIX socket for clients, a function call for what lives inside a broker. */

import type { FluxError, Message } from "../message/mod.ts";

export interface ChannelEvents {
  message(message: Message): void;
  /** The other side is gone; nothing more comes. Not called after `close`. */
  closed(error: FluxError): void;
  /** The broker has lost the link with this id: nobody waits for answers to what came over it. */
  gone?(peer: string): void;
}

export interface Channel {
  /** Hands one message over, in order. Throws ECONNRESET when the channel is closed. */
  send(message: Message): void;
  /** Names who hears of incoming messages; called once, before anything else. */
  open(events: ChannelEvents): void;
  /** Resolves when everything sent so far is out of our hands, or the other side is gone. At once where sending is a call. */
  drain?(): Promise<void>;
  close(): void;
}
