/** The way in: what a client, a module or a native service uses to talk to a session. */
export { type Channel, type ChannelEvents } from "./channel.ts";
export { Event, Handle, type HandleOptions, type RpcOptions } from "./handle.ts";
export { type ByteStream, connectionLost, isBroken, MessageStream } from "./message_stream.ts";
export { open } from "./open.ts";
export { Queue } from "./queue.ts";
export {
  LOG_LEVELS,
  type LogLevel,
  type Module,
  type ModuleContext,
  type ModulePorts,
  type Running,
} from "./module.ts";
export { type Access, anyone, type Handler, type Method, type Methods, type Reply, Request, user } from "./request.ts";
