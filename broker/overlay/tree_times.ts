/** How long things take in the tree, ms. */

/** Changes of the ranks behind us are gathered this long, ms, before the parent hears of them. */
export const GATHER_RANKS = 1;
/**
 * What was asked over the link to a former parent has this long to be answered, ms. Halfway it is told that we have moved,
 * since everyone must know the new way before the old one is gone.
 */
export const LINGER = 200;
/** A parent has this long to take note that we leave, ms; it may be stopped. */
export const FAREWELL = 2000;
/** A child that announces our own rank this long, ms, is not just out of date. */
export const CYCLE = 2000;
