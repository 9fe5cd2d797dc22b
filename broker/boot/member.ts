/** One broker as its starter sees it. */

import type { ExitStatus } from "../ports/mod.ts";
import type { LineStream } from "../pmi/mod.ts";
import type { Ending } from "./control.ts";
import type { Started } from "./fleet.ts";

/** How far a broker has come, in order. */
export const PROGRESS = ["spawned", "connected", "waiting", "joining", "joined", "up"] as const;
export type Progress = typeof PROGRESS[number];

export interface Member {
  readonly rank: number;
  readonly process: Started;
  progress: Progress;
  /** Its connection, once it has one. */
  control?: LineStream;
  /** Resolves when everything it said on its connection has been heard. */
  heard?: Promise<void>;
  /** Why it says that it could not come up. */
  failed?: string;
  /** What it said when it began to end. */
  ending?: Ending;
  exited?: ExitStatus;
  /** Its end is why the session did not come up. */
  isCulprit?: boolean;
  /** It takes the place of one that was there before. */
  readonly anew?: boolean;
  /** We have ended it: no further word about that. */
  dismissed?: boolean;
}
