/** The message switch of one broker. */
export { Counters } from "./counters.ts";
export { type Peer } from "./peers.ts";
export { type Endpoint, Router, type RouterOptions } from "./router.ts";
export { endpointChannel } from "./endpoint_channel.ts";
export { type Tap, type TapPoint } from "./tap.ts";
