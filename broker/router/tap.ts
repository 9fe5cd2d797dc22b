/** Looking at what goes through a router, for tracing. */

import type { Message } from "../message/mod.ts";

/** Where a {@link Tap} sees a message: at an endpoint, on the link of a peer, or where events arrive, numbered, at this broker. */
export type TapPoint = "endpoint" | "peer" | "event";

/**
 * Sees every message that an endpoint sends (`tx`) or is given (`rx`), that goes to a peer (`tx`) or comes from one
 * (`rx`), and every event once as it arrives (`rx`). `id` is the endpoint's or peer's; answers of the router itself are
 * sent by the endpoint `""`. For tracing: it must not change the message nor send one before it returns.
 */
export type Tap = (direction: "tx" | "rx", id: string, message: Message, point: TapPoint) => void;
