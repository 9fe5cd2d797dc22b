/**
 * Starting and ending a session: the wire-up, the processes of `flux start` and `flux broker`. Certificates
 * (certificate.ts) are not here: they need tweetnacl, which costs every start.
 */
export { decodeZ85, encodeZ85 } from "./z85.ts";
export { type CardSeal, exchange, type Neighbours } from "./exchange.ts";
export { certifiedKey, checkPrivate, readUserKey, sessionKey } from "./key_directory.ts";
export { nodeAddress } from "./slurm_node.ts";
export { ownRank, readBootstrap } from "./bootstrap_config.ts";
export { type BootMethod, bootMethod, configuredMethod, hostnameOf } from "./method.ts";
export { runRank } from "./rank.ts";
export type { RankOptions } from "./rank_options.ts";
export { Launch, type LaunchOptions } from "./launch.ts";
export { pushCommand, pushProgram } from "./push.ts";
export { LocalFleet } from "./local_fleet.ts";
export { quote } from "./quote.ts";
export { START_HOST } from "./control.ts";
export { firstHostCommand, startOnFirstHost } from "./first_host.ts";
export { RemoteFleet, SSH } from "./remote_fleet.ts";
export { isThisHost } from "./this_host.ts";
export { programEnvironment } from "./initial_program.ts";
export { saveTerminal } from "./terminal.ts";
