import type { Fault } from "../../lib/fault.ts";
import { tlsUpstream, upstreamName } from "../../lib/nginx.ts";
import { type ServiceConfig, servicesOf, type Topology } from "../schema.ts";
import { upstreamName as upstreamForm } from "../sections/values.ts";

type Site = Topology["nginx"]["sites"][number];

/** The sites with their routes. A site without any leads to the stack's only service. */
export function sitesOf(topology: Topology): Site[] {
	const [only, ...others] = servicesOf(topology);
	const routes: Site["routes"] = only && others.length === 0 ? { "/": only.name } : {};
	return topology.nginx.sites.map((site) => (Object.keys(site.routes).length > 0 ? site : { ...site, routes }));
}

/** A route to a service: a site and a path prefix. */
export interface RouteTo {
	serverName: string;
	path: string;
}

/** All routes to a service, in the order of the sites. */
export function routesTo(topology: Topology, service: string): RouteTo[] {
	return sitesOf(topology).flatMap(({ serverName, routes }) =>
		Object.entries(routes).flatMap(([path, name]) => (name === service ? [{ serverName, path }] : [])),
	);
}

/** With several sites, NGINX puts names into a table with rows of 64 bytes (server_names_hash_bucket_size). */
const longestName = 46;

/** Rules for the sites. */
export function siteFaults(topology: Topology): Fault[] {
	// A stack without services is already a fault.
	if (servicesOf(topology).length === 0) return [];
	return [
		...routeFaults(topology),
		...adoptionFaults(topology),
		...upstreamFaults(topology),
		...servicesOf(topology).flatMap((service) => proberFaults(topology, service)),
	];
}

function routeFaults(topology: Topology): Fault[] {
	const { services, nginx } = topology;
	const { sites } = nginx;
	const names = servicesOf(topology).map(({ name }) => name);
	const faults: Fault[] = [];
	sitesOf(topology).forEach(({ serverName, routes }, i) => {
		const at = `nginx.sites[${i}]`;
		const earlier = sites.findIndex((site) => site.serverName === serverName);
		if (earlier < i)
			faults.push({
				property: `${at}.serverName`,
				value: serverName,
				remedy: `is also nginx.sites[${earlier}].serverName: each site has its own`,
			});
		if (sites.length > 1 && serverName.length > longestName)
			faults.push({
				property: `${at}.serverName`,
				value: serverName,
				remedy: `beside other sites NGINX takes names of at most ${longestName} characters: use a shorter one`,
			});
		if (Object.keys(routes).length === 0)
			faults.push({ property: `${at}.routes`, remedy: `is missing: with several services say where it leads, such as {/: ${names[0]}}` });
		for (const [path, name] of Object.entries(routes))
			if (!Object.hasOwn(services, name))
				faults.push({ property: `${at}.routes.${path}`, value: name, remedy: `is no service: use one of ${names.join(", ")}` });
	});
	return faults;
}

/** Files made by other means are compared as a whole with the stack's own, which does not show which of several sites leads where. */
function adoptionFaults(topology: Topology): Fault[] {
	const { adopt } = topology.nginx;
	const sites = sitesOf(topology);
	if (adopt.length === 0 || (sites.length === 1 && Object.keys(sites[0]?.routes ?? {}).length <= 1)) return [];
	return [
		{
			property: "nginx.adopt",
			value: adopt,
			remedy: "files of NGINX are taken over for one site with one route: add the others in an up after that",
		},
	];
}

function upstreamFaults(topology: Topology): Fault[] {
	const { services, nginx } = topology;
	const { upstreams } = nginx;
	const names = servicesOf(topology).map(({ name }) => name);
	const faults: Fault[] = [];
	const taken = new Map<string, string>();
	for (const name of names) {
		const upstream = upstreamName(upstreams, name);
		const other = taken.get(upstream);
		if (other)
			faults.push({
				property: `nginx.upstreams.${name}`,
				value: upstream,
				remedy: `is also the upstream of service ${other}: choose another`,
			});
		else if (!upstreamForm.safeParse(upstream).success)
			faults.push({
				property: `nginx.upstreams.${name}`,
				remedy: "is missing: the service's name is too long for that of its upstream, at most 31 characters",
			});
		taken.set(upstream, name);
		if (nginx.tls) taken.set(tlsUpstream(upstream), name);
	}
	for (const name of Object.keys(upstreams))
		if (!Object.hasOwn(services, name))
			faults.push({ property: `nginx.upstreams.${name}`, remedy: `is no service: use one of ${names.join(", ")}` });
	return faults;
}

/** The prober sends requests through NGINX, so its path must lead to the service. */
function proberFaults(topology: Topology, { name, rollout }: ServiceConfig): Fault[] {
	const { ratePerSecond, path } = rollout.prober;
	const at = `services.${name}.rollout.prober`;
	if (ratePerSecond === 0) return [];
	const [first] = routesTo(topology, name);
	if (!first)
		return [
			{ property: `${at}.ratePerSecond`, value: ratePerSecond, remedy: "no route of nginx.sites leads to the service: use 0, or add one" },
		];
	const { routes = {} } = sitesOf(topology).find(({ serverName }) => serverName === first.serverName) ?? {};
	const leads = Object.keys(routes)
		.filter((route) => route === "/" || `${path.replace(/\?.*/, "")}/`.startsWith(`${route}/`))
		.toSorted((a, b) => b.length - a.length)[0];
	if (leads !== undefined && routes[leads] === name) return [];
	return [
		{
			property: `${at}.path`,
			value: path,
			remedy: `does not lead to the service, which nginx.sites routes ${first.path} to: use that, or a path below it`,
		},
	];
}
