/** PMI-1, the wire by which the processes of a parallel program find each other (wire.md §6): words, client, server. */
export { PmiClient, type PmiLines } from "./client.ts";
export { connectPmi, type PmiConnection, type PmiTrace } from "./connect.ts";
export { fdStream } from "./fd_stream.ts";
export { LineBuffer } from "./line_buffer.ts";
export { LineStream } from "./line_stream.ts";
export { type PmiAction, PmiPart, type PmiPartAction, type PmiPartOptions, type PmiPut } from "./part.ts";
export { PmiServer, type PmiServerOptions } from "./server.ts";
export { formatPmi, parsePmi, PMI_LIMITS } from "./words.ts";
