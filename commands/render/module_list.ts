/** The table of `flux module list` (cli.md §4.3). */

export interface ModuleRow {
  readonly name: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly digest: string;
  /** Heartbeats since it last sent something. */
  idle: number;
  readonly status: number;
  readonly path: string;
  readonly services: readonly string[];
  /** The ranks that have it. */
  readonly ranks: string;
}

const NAME_CHARS = 20;
const DIGEST_CHARS = 7;
/** Beyond this a module is just idle. */
const IDLE_LIMIT = 99;
/** Starting, running, ending, gone. */
const LETTERS = ["I", "R", "F", "X"];

export function moduleTitle(long: boolean): string {
  const line = columns("Module", "Size", "Digest", "Idle");
  return long ? `${line} S Nodeset Path Services` : `${line} Nodeset`;
}

export function moduleRow(
  { name, size, digest, idle, status, path, services, ranks }: ModuleRow,
  long: boolean,
): string {
  const shown = idle > IDLE_LIMIT ? "idle" : `${idle}`;
  const line = columns(name.slice(0, NAME_CHARS), `${size}`, digest.slice(-DIGEST_CHARS).toUpperCase(), shown);
  return long ? `${line} ${LETTERS[status] ?? "?"} ${ranks} ${path} ${services.join(",")}` : `${line} ${ranks}`;
}

function columns(name: string, size: string, digest: string, idle: string): string {
  return `${name.padEnd(NAME_CHARS)} ${size.padStart(6)} ${digest.padStart(DIGEST_CHARS)} ${idle.padStart(4)}`;
}
