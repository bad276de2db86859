import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { lints } from "../../../config/rules/lints.ts";
import { routesTo, sitesOf } from "../../../config/rules/sites.ts";
import { servicesOf } from "../../../config/schema.ts";
import { faultsOf, labConfig, prodConfig, prodTopology, projectDirectory, type Raw, topology, was } from "../fixtures.ts";

/* Several services on the same nodes, and the sites that lead to them. */

const admin = () => ({ image: { name: "2021babble/admin" }, publish: { published: 8081 }, rollout: { peerPort: 7948 } });

/** The lab with a second service, as short as it can be. */
function withTwo(config: Raw): Raw {
	config.services.admin = admin();
	config.nginx.sites = [{ routes: { "/": "babble-was", "/admin": "admin" } }];
	return config;
}

test("a second service is a name, an image and two ports of its own", () => {
	const two = topology((config) => void withTwo(config));
	expect(servicesOf(two).map(({ name, publish }) => [name, publish.published])).toEqual([
		["admin", 8081],
		["babble-was", 8080],
	]);
	expect(lints(two)).toEqual([]);
});

test("the only service needs no routes, on any of the sites", () => {
	const one = topology((config) => {
		config.nginx.sites = [{ serverName: "was.example.org" }, { serverName: "www.example.org" }];
	});
	expect(sitesOf(one).map(({ routes }) => routes)).toEqual([{ "/": "babble-was" }, { "/": "babble-was" }]);
	expect(routesTo(one, "babble-was")[0]).toEqual({ serverName: "was.example.org", path: "/" });
});

test("a service that no route leads to is likely not meant", () => {
	const two = topology((config) => void Object.assign(withTwo(config).nginx, { sites: [{ routes: { "/": "babble-was" } }] }));
	expect(lints(two)).toEqual([{ property: "services.admin", remedy: "no route of nginx.sites leads to it" }]);
});

describe("a fault is told by property, value and remedy", () => {
	// biome-ignore format: one fault a row
	const rows: [fault: string, change: (config: Raw) => void, property: string, value: unknown, remedy: string][] = [
		["no service at all", (c) => { c.services = {}; delete c.nginx.upstreams; }, "services", undefined, "names no service"],
		["a name that Swarm does not take", (c) => { c.services.Admin_1 = admin(); }, "services.Admin_1", undefined, "this name is not possible: use at most 63"],
		["a name that ends with a hyphen", (c) => { c.services["admin-"] = admin(); }, "services.admin-", undefined, "inner hyphens"],
		["a name that all JavaScript objects know", (c) => { Object.assign(c.services, { constructor: admin() }); }, "services.constructor", undefined, "this name cannot be used"],
		["a service without an image", (c) => { delete c.services.admin.image; }, "services.admin.image", undefined, "is missing"],
		["an image without a name", (c) => { c.services.admin.image = {}; }, "services.admin.image.name", undefined, "is missing: give a text"],
		["two services on one port", (c) => { c.services.admin.publish.published = 8080; }, "services.babble-was.publish.published", 8080, "is also services.admin.publish.published"],
		["two services whose agents would have one port", (c) => { delete c.services.admin.rollout; }, "services.babble-was.rollout.peerPort", 7947, "is also services.admin.rollout.peerPort: choose another"],
		["agents at another service's port", (c) => { c.services.admin.rollout.peerPort = 8080; }, "services.babble-was.publish.published", 8080, "is also services.admin.rollout.peerPort"],
		["several services and no routes", (c) => { c.nginx.sites = [{}]; }, "nginx.sites[0].routes", undefined, "is missing: with several services say where it leads, such as {/: admin}"],
		["a route to no service", (c) => { c.nginx.sites[0].routes["/x"] = "nobody"; }, "nginx.sites[0].routes./x", "nobody", "is no service: use one of admin, babble-was"],
		["a route that is no path", (c) => { c.nginx.sites[0].routes["/x/"] = "admin"; }, "nginx.sites[0].routes./x/", undefined, "use / or a path such as /admin"],
		["a name of a site in capitals", (c) => { c.nginx.sites[0].serverName = "WAS.example.org"; }, "nginx.sites[0].serverName", "WAS.example.org", "use a DNS name in lower case"],
		["a wildcard in the middle", (c) => { c.nginx.sites[0].serverName = "a.*.org"; }, "nginx.sites[0].serverName", "a.*.org", "with *. before it"],
		["a name too long beside another one", (c) => { const serverName = `${"a".repeat(35)}.example.org`; c.nginx.sites = [{ ...c.nginx.sites[0], serverName }, c.nginx.sites[0]]; }, "nginx.sites[0].serverName", `${"a".repeat(35)}.example.org`, "takes names of at most 46 characters"],
		["two sites of one name", (c) => { c.nginx.sites.push(structuredClone(c.nginx.sites[0])); }, "nginx.sites[1].serverName", "_", "is also nginx.sites[0].serverName"],
		["an upstream that another one has for HTTPS", (c) => { c.nginx.tls = { certificateFile: "c", keyFile: "k" }; c.nginx.upstreams = { admin: "app", "babble-was": "app_tls" }; }, "nginx.upstreams.babble-was", "app_tls", "is also the upstream of service admin"],
		["an upstream of no service", (c) => { c.nginx.upstreams.nobody = "x"; }, "nginx.upstreams.nobody", undefined, "is no service: use one of admin, babble-was"],
		["two services of one upstream", (c) => { c.nginx.upstreams.admin = "app"; }, "nginx.upstreams.babble-was", "app", "is also the upstream of service admin"],
		["a name too long for an upstream", (c) => { const name = "a".repeat(32); c.services[name] = c.services.admin; delete c.services.admin; c.nginx.sites[0].routes["/admin"] = name; }, `nginx.upstreams.${"a".repeat(32)}`, undefined, "at most 31 characters"],
		["a prober that another service answers", (c) => { c.services.admin.rollout.prober = { ratePerSecond: 1 }; }, "services.admin.rollout.prober.path", "/", "nginx.sites routes /admin to: use that"],
		["a prober of a service that no route leads to", (c) => { c.nginx.sites = [{ routes: { "/": "babble-was" } }]; c.services.admin.rollout.prober = { ratePerSecond: 1 }; }, "services.admin.rollout.prober.ratePerSecond", 1, "no route of nginx.sites leads to the service"],
		["two builds of one tag", (c) => { c.services.admin.image = structuredClone(was(c).image); }, "services.babble-was.image.tag", "latest", "service admin builds 2021babble/babble-was with this tag as well"],
		["an image that another service builds", (c) => { c.services.admin.image = { name: was(c).image.name, tag: was(c).image.tag }; }, "services.admin.image.tag", "latest", "service babble-was builds this image"],
		["two bases of one name", (c) => { c.services.admin.image = { ...structuredClone(was(c).image), tag: "2" }; c.services.admin.image.build.baseArchive = "other.tar.gz"; }, "services.babble-was.image.build.baseArchive", "cache:java", "service admin imports another archive as babble/java:17"],
		["secrets that would be one resource", (c) => { c.services.admin.secrets = { "x-key": "1" }; c.services["admin-x"] = { ...admin(), publish: { published: 8082 }, rollout: { peerPort: 7949 }, secrets: { key: "1" } }; c.nginx.sites[0].routes["/x"] = "admin-x"; }, "services.admin-x", undefined, "would be named as for service admin"],
		["the former section of the service", (c) => { c.service = { name: "babble-was" }; }, "service", undefined, "services.<name>"],
		["the former section of the image", (c) => { c.image = { tag: "1" }; }, "image", undefined, "services.<name>.image"],
		["the former name of a site", (c) => { c.nginx.serverName = "was.example.org"; }, "nginx.serverName", undefined, "nginx.sites[0].serverName"],
		["the former name of the upstream", (c) => { c.nginx.upstream = "app"; }, "nginx.upstream", undefined, "nginx.upstreams.<name>"],
		["the former name of the role", (c) => { c.hosts[4].roles = ["nginx"]; }, "hosts[4].roles[0]", "nginx", "is called balancer now"],
	];
	test.each(rows)("%s", (_fault, change, property, value, remedy) => {
		const config = withTwo(labConfig());
		change(config);
		const found = faultsOf(config);
		expect(found).toMatchObject([{ property, remedy: expect.stringContaining(remedy) }]);
		expect(found[0]?.value).toEqual(value);
	});
});

test("the example in the documentation is valid", () => {
	const text = fs.readFileSync(path.join(projectDirectory, "docs", "services.md"), "utf8");
	const { config } = parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? "") as { config: Raw };
	const example = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("swarm-scaleout:", ""), value]));
	expect(Object.keys(example)).toEqual(["services", "nginx"]);
	expect(faultsOf({ ...prodConfig(), ...example })).toEqual([]);
	expect(lints(prodTopology((all) => void Object.assign(all, example)))).toEqual([]);
});

test("two services may be built on one base, and their prober may ask below its route", () => {
	const config = withTwo(labConfig());
	config.services.admin.image = { ...structuredClone(was(config).image), tag: "2" };
	config.services.admin.rollout.prober = { ratePerSecond: 1, path: "/admin/health?x=1" };
	expect(faultsOf(config)).toEqual([]);
});
