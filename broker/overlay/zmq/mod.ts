/**
 * ZeroMQ: libzmq 4.3.5 through FFI, behind the Transport contract. Loads nothing native before the first listen or
 * dial.
 */
export { curveKeypair } from "./curve.ts";
export { resolveHost } from "./resolve.ts";
export { zmqTransport } from "./transport.ts";
