import * as pulumi from "@pulumi/pulumi";
import { endpointOf } from "./components/balancer/endpoint.ts";
import type { Site } from "./components/balancer/loadBalancer.ts";
import type { Host } from "./components/host.ts";
import type { Upstream, WasService, WasServiceArgs } from "./components/service.ts";
import { type AwsArgs, awsSource } from "./components/sources/aws/index.ts";
import { type ExistingHost, existingSource } from "./components/sources/existing.ts";
import { type Forward, localSource } from "./components/sources/local.ts";
import type { Source } from "./components/sources/source.ts";
import type { Configuration } from "./config/load.ts";
import { operatorPath } from "./config/operatorFile.ts";
import { routesTo, sitesOf } from "./config/rules/sites.ts";
import { hostsWith, type ServiceConfig, servicesOf, type Topology } from "./config/schema.ts";
import { exampleContext, javaArchive, rootImageDirectory } from "./lib/cache.ts";
import { isLossless } from "./lib/rollout.ts";

/* The parts' arguments, made from the configuration, where they are more than one of its sections. */

/** The source of the hosts. */
export function sourceOf({ topology, named }: Configuration): Source {
	const { source, hosts, local, logs } = topology;
	switch (source) {
		case "local": {
			const directory = operatorPath(local.directory);
			const imageDirectory = local.imageDirectory ? operatorPath(local.imageDirectory) : rootImageDirectory();
			return localSource({ ...local, directory, imageDirectory, hosts, logs, forwards: forwardsOf(topology) });
		}
		case "existing":
			return existingSource({ hosts: hosts.map((host, i) => ({ ...host, connection: named.connections[i] }) as ExistingHost) });
		case "aws":
			return awsSource(awsArgs(topology));
	}
}

/** HTTPS is always forwarded, so that switching it on restarts no machine. */
function forwardsOf(topology: Topology): Forward[] {
	const { local, nginx } = topology;
	return hostsWith(topology, "balancer").flatMap(({ name: host }) => [
		{ host, hostPort: local.endpointPort, guestPort: nginx.listen },
		{ host, hostPort: local.httpsPort, guestPort: nginx.tls?.httpsPort ?? 443 },
	]);
}

export function awsArgs(topology: Topology): AwsArgs {
	const { aws, hosts, logs, registry, swarm, nginx } = topology;
	const services = servicesOf(topology);
	const published = services.map(({ publish }) => publish.published);
	const peers = services.filter(isLossless).flatMap(({ publish, rollout }) => [publish.published, rollout.peerPort]);
	return {
		aws,
		hosts,
		logs: { ...logs, shipping: logs.shipping && { logGroup: `/${pulumi.getProject()}/${pulumi.getStack()}/logs`, ...logs.shipping } },
		images: { server: registry.server, repositories: [...new Set(services.map(({ image }) => image.name))] },
		ports: {
			overlay: swarm.dataPathPort,
			published,
			peers,
			web: [...new Set([80, 443, nginx.listen, ...(nginx.tls ? [nginx.tls.httpsPort] : [])])],
		},
	};
}

/** URL of a service through NGINX; without `service`, of the first site. Undefined if no route leads to it. */
export function urlOf(topology: Topology, front: Pick<Host, "reach">, service?: string): pulumi.Output<string> | undefined {
	const { nginx } = topology;
	const hasOthers = nginx.sites.length > 1;
	const routes =
		service === undefined ? sitesOf(topology).map(({ serverName }) => ({ serverName, path: "/" })) : routesTo(topology, service);
	// With several sites a wildcard site has no URL: at the host's address another site answers.
	const first = routes.find(({ serverName }) => !hasOthers || !serverName.startsWith("*"));
	if (!first) return undefined;
	const site = endpointOf(front, { ...nginx, serverName: first.serverName, hasOthers });
	return first.path === "/" ? site : pulumi.interpolate`${site}${first.path}`;
}

/** Where a service's prober sends requests: a site that leads to it, with its name if there are several sites. */
export function probeOf(topology: Topology, front: Pick<Host, "reach">, service: string): Pick<WasServiceArgs, "endpoint" | "serverName"> {
	const [first] = routesTo(topology, service);
	const isName = topology.nginx.sites.length > 1 && first !== undefined && first.serverName !== "_";
	return {
		endpoint: urlOf(topology, front, service) ?? (urlOf(topology, front) as pulumi.Output<string>),
		...(isName && { serverName: first.serverName.replace(/^\*\./, "any.") }),
	};
}

/** The sites, with the nodes of the services that they lead to. */
export function sitesFor(topology: Topology, services: Pick<WasService, "upstream">[]): Site[] {
	// The rules ensure that each exists.
	const to = (name: string) => services.find(({ upstream }) => upstream.service === name)?.upstream as Upstream;
	return sitesOf(topology).map(({ serverName, routes }) => ({
		serverName,
		routes: Object.fromEntries(Object.entries(routes).map(([path, name]) => [path, to(name)])),
	}));
}

/** The image, with the real paths of its build context and base archive. */
export function imageOf({ image }: Pick<ServiceConfig, "image">): ServiceConfig["image"] {
	const { build } = image;
	if (!build) return image;
	const context = build.context === "cache:example" ? exampleContext() : operatorPath(build.context);
	const baseArchive = build.baseArchive === "cache:java" ? javaArchive() : build.baseArchive && operatorPath(build.baseArchive);
	return { ...image, build: { ...build, context, ...(baseArchive && { baseArchive }) } };
}
