import { type AwsArgs, awsSource } from "./components/sources/aws/index.ts";
import { type ExistingHost, existingSource } from "./components/sources/existing.ts";
import { type Forward, localSource } from "./components/sources/local.ts";
import type { Source } from "./components/sources/source.ts";
import type { Configuration } from "./config/load.ts";
import { operatorPath } from "./config/operatorFile.ts";
import { hostsWith, type Topology } from "./config/schema.ts";
import { exampleContext, javaArchive, rootImageDirectory } from "./lib/cache.ts";
import { isLossless } from "./providers/service/spec.ts";

/* What parts are told of the configuration, where it is more than a section of it. */

/** Where the hosts come from. */
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

/** HTTPS is always forwarded: to switch it on restarts no machine. */
function forwardsOf(topology: Topology): Forward[] {
	const { local, nginx } = topology;
	return hostsWith(topology, "nginx").flatMap(({ name: host }) => [
		{ host, hostPort: local.endpointPort, guestPort: nginx.listen },
		{ host, hostPort: local.httpsPort, guestPort: nginx.tls?.httpsPort ?? 443 },
	]);
}

export function awsArgs({ aws, hosts, logs, registry, image, swarm, service, nginx }: Topology): AwsArgs {
	const { published } = service.publish;
	return {
		aws,
		hosts,
		logs,
		images: { server: registry.server, repository: image.name },
		ports: {
			overlay: swarm.dataPathPort,
			published: [published],
			peers: isLossless(service) ? [published, service.rollout.peerPort] : [],
			web: [...new Set([80, 443, nginx.listen, ...(nginx.tls ? [nginx.tls.httpsPort] : [])])],
		},
	};
}

/** The image, with what it is built from where that lies. */
export function imageOf({ image }: Topology): Topology["image"] {
	const { build } = image;
	if (!build) return image;
	const context = build.context === "cache:example" ? exampleContext() : operatorPath(build.context);
	const baseArchive = build.baseArchive === "cache:java" ? javaArchive() : build.baseArchive && operatorPath(build.baseArchive);
	return { ...image, build: { ...build, context, ...(baseArchive && { baseArchive }) } };
}
