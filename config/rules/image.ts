import { ecrRegistry } from "../../lib/ecr.ts";
import type { Fault } from "../../lib/fault.ts";
import { hostsWith, type ServiceConfig, servicesOf, type Topology } from "../schema.ts";

/** Rules for the registry and its images. */
export function imageFaults(topology: Topology): Fault[] {
	const { registry } = topology;
	const services = servicesOf(topology);
	const own = hostsWith(topology, "registry")[0];
	const faults = [...services.flatMap((service) => ofImage(service, own?.name)), ...sharedFaults(services)];
	if (own) return [...faults, ...ownRegistryFaults(registry, own.name)];
	if (ecrRegistry(registry.server)) return [...faults, ...ecrFaults(registry)];
	const isBuilt = services.some(({ image }) => image.build);
	return [...faults, ...otherFaults(registry, isBuilt)];
}

function ofImage({ name, image }: ServiceConfig, registryHost: string | undefined): Fault[] {
	const faults = image.build?.baseArchive ? baseFaults(`services.${name}.image.build.args.BASE_IMAGE`, image.build.args.BASE_IMAGE) : [];
	if (!registryHost || image.resolve !== "operator") return faults;
	const remedy = `the registry on host ${registryHost} is for the swarm's nodes: use manager`;
	return [...faults, { property: `services.${name}.image.resolve`, value: image.resolve, remedy }];
}

const isSame =
	({ name, tag }: ServiceConfig["image"]) =>
	({ image }: ServiceConfig) =>
		image.name === name && image.tag === tag;

/** Two services must not share a built image: each build would move the other's tag, and the last one would run in both. */
function sharedFaults(services: ServiceConfig[]): Fault[] {
	const faults: Fault[] = [];
	const built = services.filter(({ image }) => image.build);
	for (const { name, image } of services) {
		const builder = built.find(isSame(image));
		if (builder && !image.build && !image.pin)
			faults.push({
				property: `services.${name}.image.tag`,
				value: image.tag,
				remedy: `service ${builder.name} builds this image, and this one might run it as it was before: build it under another tag, or pin it`,
			});
	}
	built.forEach(({ name, image }, i) => {
		const earlier = built.slice(0, i);
		const same = earlier.find(isSame(image));
		if (same)
			faults.push({
				property: `services.${name}.image.tag`,
				value: image.tag,
				remedy: `service ${same.name} builds ${image.name} with this tag as well: give one another tag or name`,
			});
		const base = image.build?.args.BASE_IMAGE;
		const archive = image.build?.baseArchive;
		const others = earlier.filter((other) => other.image.build?.args.BASE_IMAGE === base && other.image.build?.baseArchive);
		const first = archive && others.find((other) => other.image.build?.baseArchive !== archive);
		if (first)
			faults.push({
				property: `services.${name}.image.build.baseArchive`,
				value: archive,
				remedy: `service ${first.name} imports another archive as ${base}: use the same one, or another args.BASE_IMAGE`,
			});
	});
	return faults;
}

function baseFaults(property: string, name: string | undefined): Fault[] {
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

function otherFaults(registry: Registry, isBuilt: boolean): Fault[] {
	const faults: Fault[] = [];
	if (isBuilt && !registry.password)
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
