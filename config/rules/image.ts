import { ecrRegistry } from "../../lib/ecr.ts";
import type { Fault } from "../../lib/fault.ts";
import { hostsWith, type Topology } from "../schema.ts";

/** Rules of the registry and of the image in it. */
export function imageFaults({ hosts, registry, image }: Topology): Fault[] {
	const faults: Fault[] = [];
	const own = hostsWith({ hosts }, "registry")[0];
	if (image.build?.baseArchive) faults.push(...baseFaults(image.build.args.BASE_IMAGE));
	if (own && image.resolve === "operator") {
		faults.push({
			property: "image.resolve",
			value: image.resolve,
			remedy: `the registry on host ${own.name} is for the swarm's nodes: use manager`,
		});
	}
	return [
		...faults,
		...(own ? ownRegistryFaults(registry, own.name) : ecrRegistry(registry.server) ? ecrFaults(registry) : otherFaults(registry, image)),
	];
}

function baseFaults(name: string | undefined): Fault[] {
	const property = "image.build.args.BASE_IMAGE";
	if (!name) return [{ property, remedy: "is missing: baseArchive is imported under this name" }];
	if (/^\w[\w./:-]*$/.test(name)) return [];
	return [{ property, value: name, remedy: "is no name of an image, under which baseArchive could be imported: use name:tag" }];
}

type Registry = Topology["registry"];

function ownRegistryFaults(registry: Registry, host: string): Fault[] {
	return (["server", "ca", "caFile"] as const)
		.filter((key) => registry[key] !== undefined)
		.map((key) => ({
			property: `registry.${key}`,
			value: key === "ca" ? undefined : registry[key],
			remedy: `host ${host} has role registry and is the registry: remove this, or that role`,
		}));
}

function ecrFaults(registry: Registry): Fault[] {
	return (["username", "password", "ca", "caFile"] as const)
		.filter((key) => registry[key] !== undefined)
		.map((key) => ({
			property: `registry.${key}`,
			remedy: `ECR takes tokens that AWS gives to who runs pulumi and to the managers' role: remove it`,
		}));
}

function otherFaults(registry: Registry, image: Topology["image"]): Fault[] {
	const faults: Fault[] = [];
	if (image.build && !registry.password)
		faults.push({ property: "registry.password", remedy: "is missing: pushing to a registry outside this stack needs it" });
	if (registry.password && !registry.username)
		faults.push({ property: "registry.username", remedy: "is missing: the password of a registry outside this stack needs its user" });
	if (registry.username && !registry.password)
		faults.push({ property: "registry.password", remedy: "is missing: without it registry.username has no effect" });
	for (const key of ["ca", "caFile"] as const) {
		if (registry[key] !== undefined && !registry.server)
			faults.push({ property: `registry.${key}`, remedy: "is for a registry of your own: name it in registry.server" });
	}
	if (registry.ca !== undefined && registry.caFile !== undefined)
		faults.push({ property: "registry.caFile", value: registry.caFile, remedy: "is also given in registry.ca: keep one" });
	return faults;
}
