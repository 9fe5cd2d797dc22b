import { FluxError } from "../../message/mod.ts";
import { ipcPath } from "./unix_socket.ts";

/** Throws EINVAL for what is neither `ipc://PATH`, with a path that fits a socket address, nor `tcp://HOST:PORT`. */
export function checkEndpoint(endpoint: string): void {
  if (endpoint.startsWith("ipc://")) return void ipcPath(endpoint);
  if (/^tcp:\/\/.+:(\d+|\*)$/.test(endpoint)) return;
  throw new FluxError("EINVAL", `${endpoint}: an endpoint is ipc://PATH or tcp://HOST:PORT`);
}
