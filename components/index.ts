/*
 * The components for another program: `import { Hosts, Swarm } from "swarm-scaleout"`. index.ts of the project shows how they fit together.
 */

export { ConfigError, type Fault } from "../config/fault.ts";
export { loadTopology } from "../config/load.ts";
export { parseTopology } from "../config/parse.ts";
export type { Role, Topology } from "../config/schema.ts";
export type { Connection } from "../lib/connection.ts";
export type { Host } from "./host.ts";
export { Hosts } from "./hosts.ts";
export { dockerProvider, WasImage } from "./image.ts";
export { LoadBalancer } from "./loadBalancer.ts";
export { NfsExport } from "./nfs.ts";
export { type RequiredOutput, requireOutput, type ScaleoutOutputs } from "./outputs.ts";
export { Registry } from "./registry.ts";
export { servingMembers, WasService, type WasServiceArgs } from "./service.ts";
export { Swarm, type SwarmMember } from "./swarm.ts";
