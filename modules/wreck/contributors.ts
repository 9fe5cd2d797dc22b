/** Who contributes to the tasks of every job, in order: what a later one says of a variable holds. */

import type { Contributor } from "./contribution.ts";

export const contributors: readonly Contributor[] = [];
