/*
 * The parts, for use in other programs: `import { Hosts, Swarm } from "swarm-scaleout"`. The project's index.ts shows how they fit together.
 */

export { endpointOf } from "./components/balancer/endpoint.ts";
export { type BalancerKind, type Front, LoadBalancer, type LoadBalancerArgs, type Site } from "./components/balancer/loadBalancer.ts";
export { type NginxArgs, nginx } from "./components/balancer/nginx/index.ts";
export type { Host } from "./components/host.ts";
export { Hosts, type HostsArgs } from "./components/hosts.ts";
export { dockerProvider, WasImage, type WasImageArgs } from "./components/image.ts";
export type { LogShipping } from "./components/logShipping.ts";
export { NfsExport, type NfsExportArgs } from "./components/nfs.ts";
export { requireOutput, requireService, type ScaleoutOutputs, type ServiceOutputs } from "./components/outputs.ts";
export { Registry, type RegistryArgs } from "./components/registry.ts";
export { servingMembers, type Upstream, WasService, type WasServiceArgs } from "./components/service.ts";
export { type AwsArgs, awsSource } from "./components/sources/aws/index.ts";
export { type ExistingHost, existingSource } from "./components/sources/existing.ts";
export { type Forward, type LocalArgs, localSource } from "./components/sources/local.ts";
export type { Source } from "./components/sources/source.ts";
export { Swarm, type SwarmArgs, type SwarmMember } from "./components/swarm.ts";
export { type Configuration, loadConfiguration } from "./config/load.ts";
export { parseTopology } from "./config/parse.ts";
export { type Named, readNamed } from "./config/read.ts";
export { type ServiceConfig, servicesOf, type Topology } from "./config/schema.ts";
export { settings } from "./config/settings.ts";
export type { Connection } from "./lib/connection.ts";
export { ConfigError, type Fault } from "./lib/fault.ts";
export type { Certificate } from "./lib/nginx.ts";
export type { Role } from "./lib/roles.ts";
export { imageOf, sitesFor, sourceOf } from "./settings.ts";
