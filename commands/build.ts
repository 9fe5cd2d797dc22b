/** What this program was built from. */

import manifest from "../deno.json" with { type: "json" };

/** The version of flux. */
export const VERSION: string = manifest.version;

/** The npm package that libzmq comes from, with its version: `zeromq@6.8.0`. */
export const ZEROMQ: string = manifest.imports.zeromq.replace(/^npm:/, "");
