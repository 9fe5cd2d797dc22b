/** Whose a TCP connection of this host is, from /proc/net/tcp (proc(5)). */

const TABLE = "/proc/net/tcp";
/** Columns of a line: the two addresses, and the uid. */
const LOCAL = 1, REMOTE = 2, UID = 7;

/** The uid of the process whose end of a connection is `own`, the other end being `other`; undefined when there is none. IPv4 only. */
export function tcpOwner(
  own: Deno.NetAddr,
  other: Deno.NetAddr,
  table = Deno.readTextFileSync(TABLE),
): number | undefined {
  const [local, remote] = [hexadecimal(own), hexadecimal(other)];
  for (const line of table.split("\n")) {
    const columns = line.trim().split(/\s+/);
    if (columns[LOCAL] === local && columns[REMOTE] === remote) return Number(columns[UID]);
  }
  return undefined;
}

/** `0100007F:1F90`: the address as a number in this machine's order, the port as it is written. */
function hexadecimal({ hostname, port }: Deno.NetAddr): string {
  const bytes = hostname.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return `${bytes.reverse().join("")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}
