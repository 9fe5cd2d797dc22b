/** The three overlays of one broker: tree, events, ring. */
export { Events } from "./events.ts";
export { Ring } from "./ring.ts";
export { Topology } from "./topology.ts";
export { type Child, type ChildChange } from "./children.ts";
export { Tree } from "./tree.ts";
export { type JoinOptions } from "./tree_options.ts";
