/**
 * What keeper and attached say to each other, over the service that the keeper registers at its broker, and what both know of
 * the keys under KEY: `stdout` and `stderr` (streams of what the program wrote), `stdin` (a stream that anyone may write, read by
 * the program), `live` (where the keeper is, while there is one) and `exit_status`.
 *
 *     SERVICE.attach {"credit":N,"size"?:{…}}    a stream of News; N bytes of each stream may come before more is granted
 *     SERVICE.grant {"matchtag":i,"stream":s,"bytes":N}      SERVICE.write {"matchtag":i,"io":Io}
 *     SERVICE.resize {"columns":N,"rows":N}                  SERVICE.signal {"signum":N}        none of them is answered
 */

import type { Io } from "../../broker/message/mod.ts";

export type OutputName = "stdout" | "stderr";

/** The value of `KEY.live`. */
export type Live = { readonly service: string; readonly rank: number };

export type News =
  /** The first: its command, whether it has a terminal, what may be written to it, the blocks to be read from the store first. */
  | {
    readonly type: "attached";
    readonly command: string;
    readonly terminal: boolean;
    readonly window: number;
    readonly blocks: Readonly<Partial<Record<OutputName, number>>>;
  }
  | { readonly type: "output"; readonly io: Io }
  /** So many bytes more may be written to it. */
  | { readonly type: "taken"; readonly bytes: number }
  /** The last; the word of wait(2). */
  | { readonly type: "exited"; readonly status: number };

/** What may be written to the program before it has read any, bytes. */
export const INPUT_WINDOW = 1 << 18;
