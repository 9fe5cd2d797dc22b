/**
 * The self-extracting form: a shell script, then the runtime and the program as two gzip members that together are one
 * tar archive. The second member alone is an archive too, for a machine that has unpacked this runtime before.
 */

import { concat, gzip, sha256 } from "./bytes.ts";
import { tarEnd, tarEntry, type TarFile } from "./tar.ts";
import type { Runtime } from "./runtime.ts";
import { architecture, EAGER, SMALL_HEAP, type Target, V8_FLAGS } from "./versions.ts";

/**
 * How Deno is started. `--cached-only --no-remote`: nothing is ever fetched. `--no-config`, `--no-lock`: what lies in
 * directories above the cache is not ours. See docs/decisions/0001-executable.md for what was measured.
 */
export const RUN_FLAGS = "-A --no-prompt --no-check --no-config --no-lock --cached-only --no-remote -q " +
  `--v8-flags=${V8_FLAGS},${SMALL_HEAP},${EAGER}`;

/** Variables that would change how Deno runs the program. The header puts them aside, `RESTORE` puts them back. */
const FOREIGN = [
  ..."DIR V8_FLAGS CERT COVERAGE_DIR CONDITIONS COMPAT LOG TRACE_PERMISSIONS AUDIT_PERMISSIONS PERMISSION_BROKER_PATH"
    .split(" ").map((name) => `DENO_${name}`),
  ..."NO_PACKAGE_JSON NO_UPDATE_CHECK NO_PROMPT USE_CGROUPS USR2_MEMORY_TRIM EXTRA_STDIO_FDS UNSTABLE_CONTROL_SOCK"
    .split(" ").map((name) => `DENO_${name}`),
  ..."UNSTABLE_SLOPPY_IMPORTS UNSTABLE_RAW_IMPORTS UNSTABLE_BARE_NODE_BUILTINS EMIT_CACHE_MODE"
    .split(" ").map((name) => `DENO_${name}`),
  ..."OTEL_DENO NODE_OPTIONS NODE_CHANNEL_FD NODE_V8_COVERAGE NODE_EXTRA_CA_CERTS".split(" "),
];

/**
 * At the head of main.js: gives the environment back as the user had it, for all that the program starts. What brokers, too,
 * have to give back goes on from `flux start`.
 */
const RESTORE =
  `{const e=Deno.env;for(const n of["DENO_DIR","DENO_NO_PACKAGE_JSON","DENO_NO_UPDATE_CHECK"])e.delete(n);` +
  `const k=e.get("FLUX_KEPT");if(k){for(const n of k.trim().split(" ")){e.set(n,e.get("FLUX_KEPT_"+n)??"");` +
  `e.delete("FLUX_KEPT_"+n)}e.delete("FLUX_KEPT")}` +
  `for(const v of(e.get("FLUX_KEPT_REST")??"").split("\\x1e")){const i=v.indexOf("=");if(i>0)e.set(v.slice(0,i),v.slice(i+1))}` +
  `if(Deno.args[0]!=="start")e.delete("FLUX_KEPT_REST")}\n`;

export const selfExtractingHead = RESTORE;

export interface Parts {
  readonly version: string;
  readonly target: Target;
  readonly runtime: Runtime;
  /** The program: main.js, its chunks, libzmq.node, pty.node. */
  readonly files: readonly TarFile[];
}

/** The executable's bytes. The same parts give the same bytes, and another cache directory is used for any other. */
export async function selfExtracting(parts: Parts): Promise<Uint8Array> {
  const archive = concat([...parts.files.map(tarEntry), tarEnd()]);
  const program = await gzip(archive);
  const template = await Deno.readTextFile(new URL("./header.sh", import.meta.url));
  const id = await sha256(concat([new TextEncoder().encode(template + parts.runtime.id), archive]));
  const values: Record<string, string> = {
    VERSION: parts.version,
    ARCH: architecture(parts.target),
    ID: `${parts.version}-${id.slice(0, 16)}`,
    RUNTIME: parts.runtime.id,
    MEGABYTES: String(Math.ceil((parts.runtime.size + archive.length) / 1e6)),
    FILES: ["flux", ...parts.files.map((file) => file.name)].join(" "),
    FOREIGN: FOREIGN.join(" "),
    FLAGS: RUN_FLAGS,
  };
  const filled = template.replace(/@([A-Z]+)@/g, (_, name: string) => values[name]!);
  return concat([header(filled, parts.runtime.data.length), parts.runtime.data, program]);
}

/** Puts the offsets of the two members (counted from 1, as tail does) into a script whose length depends on them. */
function header(template: string, runtimeLength: number): Uint8Array {
  const encoder = new TextEncoder();
  const fill = (start: number) =>
    encoder.encode(
      template.replace("@RUNTIME_AT@", String(start + 1)).replace("@PROGRAM_AT@", String(start + 1 + runtimeLength)),
    );
  let length = fill(0).length;
  while (fill(length).length !== length) length = fill(length).length;
  return fill(length);
}
