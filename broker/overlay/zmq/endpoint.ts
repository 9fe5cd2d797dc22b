import { FluxError } from "../../message/mod.ts";
import { ipcPath } from "./unix_socket.ts";

/** `[HOST]:PORT`, `HOST:PORT`; an IPv6 address is in brackets. */
const TCP = /^tcp:\/\/(?:\[([\da-fA-F:.%\w]+)\]|([^:/[\]]+)):(\d+|\*)$/;

/**
 * The places an endpoint consists of, in the order in which they are tried. Throws EINVAL for what is neither `ipc://PATH`,
 * with a path that fits a socket address, nor `tcp://HOST:PORT`.
 */
export function placesOf(endpoint: string): string[] {
  const places = endpoint.split(/,(?=(?:ipc|tcp):\/\/)/);
  for (const place of places) {
    if (place.startsWith("ipc://")) ipcPath(place);
    else if (!TCP.test(place)) {
      throw new FluxError("EINVAL", `${place}: an endpoint is ipc://PATH or tcp://HOST:PORT, or several with commas`);
    }
  }
  return places;
}

/** Those of `places` that may answer here: a UNIX socket must be there. All of them when none is. */
export function placesHere(places: readonly string[]): readonly string[] {
  const here = places.filter((place) => !place.startsWith("ipc://") || isThere(ipcPath(place)));
  return here.length > 0 ? here : places;
}

/** Host and port of a TCP place; undefined for another. */
export function tcpParts(place: string): { host: string; port: string } | undefined {
  const [, address, name, port] = TCP.exec(place) ?? [];
  return port === undefined ? undefined : { host: address ?? name!, port };
}

/** True when libzmq must be told that this is IPv6. */
export function isIpv6(place: string): boolean {
  return place.startsWith("tcp://[");
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
