/** The message switch of one broker. */
export { Counters } from "./counters.ts";
export { type Endpoint, type Peer, Router, type RouterOptions, type Tap } from "./router.ts";
export { endpointChannel } from "./endpoint_channel.ts";
