/** Twins of the doors to the outside: time, chance and network of a world that one printed seed repeats exactly. */
export { type NetworkOptions, type NetworkStatistics, type SimNetwork, simNetwork } from "./network.ts";
export { type SeededRandom, seededRandom } from "./seeded_random.ts";
export { type VirtualClock, virtualClock } from "./virtual_clock.ts";
