/**
 * The addresses that other hosts reach this one by, chosen as `tbon.interface-hint` says: `default-route`, the name of an
 * interface (`eth0`, `ib*`), or a network (`10.1.0.0/16`). Pure; the shell at the end asks the system.
 */

import { FluxError } from "../message/mod.ts";

export interface Interface {
  readonly name: string;
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

/** The hint when none is given. */
export const DEFAULT_HINT = "default-route";

/**
 * Addresses of one interface, at most one of each family, IPv4 first. `routed` is the interface of the default route, if
 * there is one. Without a hint there is always an answer: the loopback's at last. Throws EINVAL when no interface is as
 * the hint says, naming those there are.
 */
export function chooseAddresses(all: readonly Interface[], hint: string | undefined, routed?: string): string[] {
  const usable = all.filter(({ address }) => !/^fe80:/i.test(address));
  const outward = usable.filter(({ address }) => !isLoopback(address));
  if (hint === undefined || hint === DEFAULT_HINT) {
    const name = routed ?? outward[0]?.name;
    const chosen = usable.filter((one) => one.name === name);
    return bestOf(chosen.length > 0 ? chosen : outward.length > 0 ? outward : usable);
  }
  const pattern = new RegExp(`^${hint.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
  const matching = hint.includes("/")
    ? usable.filter(({ address }) => isWithin(address, hint))
    : usable.filter(({ name }) => pattern.test(name));
  if (matching.length > 0) return bestOf(matching.filter(({ name }) => name === matching[0]!.name));
  const there = usable.map(({ name, address }) => `${name} ${address}`).join(", ");
  throw new FluxError("EINVAL", `no interface matches "${hint}"; there are ${there || "none"}`);
}

/** An address as a part of an endpoint. */
export function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** The interface of the default route in `/proc/net/route`, or else in `/proc/net/ipv6_route`. */
export function defaultRoute(v4: string, v6: string): string | undefined {
  const UP = 1, REJECT = 0x200;
  const rows = v4.split("\n").slice(1).map((line) => line.split("\t"));
  const byMetric = (a: string[], b: string[]) => Number(a[6]) - Number(b[6]);
  const best =
    rows.filter(([, to, , flags, , , , mask]) =>
      to === "00000000" && mask === "00000000" && (parseInt(flags!, 16) & UP) !== 0
    ).sort(byMetric)[0];
  if (best) return best[0];
  return v6.split("\n").map((line) => line.trim().split(/\s+/)).find((fields) =>
    /^0{32}$/.test(fields[0] ?? "") && fields[1] === "00" && fields[9] !== "lo" &&
    (parseInt(fields[8] ?? "", 16) & (UP | REJECT)) === UP
  )?.[9];
}

/** The addresses of this host. Throws as {@link chooseAddresses} does. */
export function ownAddresses(hint: string | undefined): string[] {
  return chooseAddresses(
    Deno.networkInterfaces(),
    hint,
    defaultRoute(readText("/proc/net/route"), readText("/proc/net/ipv6_route")),
  );
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // no such family here
  }
}

function bestOf(interfaces: readonly Interface[]): string[] {
  const first = (family: string) => interfaces.find((one) => one.family === family)?.address;
  return [first("IPv4"), first("IPv6")].filter((address) => address !== undefined);
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function isWithin(address: string, network: string): boolean {
  const [base = "", length = ""] = network.split("/");
  const [own, other] = [bitsOf(address), bitsOf(base)];
  if (!own || !other || !/^\d+$/.test(length) || Number(length) > other.length) {
    if (!other || !/^\d+$/.test(length)) throw new FluxError("EINVAL", `"${network}" is no network: 10.1.0.0/16`);
    return false;
  }
  return own.length === other.length && own.slice(0, Number(length)) === other.slice(0, Number(length));
}

/** The bits of an address, `0` and `1`; undefined for what is none. */
function bitsOf(address: string): string | undefined {
  const binary = (value: number, bits: number) => value.toString(2).padStart(bits, "0");
  if (/^\d+(\.\d+){3}$/.test(address)) return address.split(".").map((part) => binary(Number(part), 8)).join("");
  if (!/^[\da-f:]+$/i.test(address) || !address.includes(":")) return undefined;
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  if (zeros < 0 || before.length + after.length + zeros !== 8) return undefined;
  return [...before, ...Array(zeros).fill("0"), ...after].map((group) => binary(parseInt(group, 16), 16)).join("");
}
