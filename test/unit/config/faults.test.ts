import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseTopology } from "../../../config/parse.ts";
import { lints } from "../../../config/rules/lints.ts";
import { ConfigError } from "../../../lib/fault.ts";
import { faultsOf, hostKey, labConfig, prodTopology, projectDirectory, type Raw, serviceIn, topology, was } from "../fixtures.ts";

interface Row {
	/** What is wrong, for the test's name. */
	fault: string;
	break(config: Raw): void;
	property: string;
	/** As the error shows it; absent where none is shown. */
	value?: unknown;
	remedy: string;
}

const twoNginx = { name: "nginx2", roles: ["balancer"], address: "192.168.1.11" };
const existing = (config: Raw) => {
	config.source = "existing";
	config.existing = { privateKeyFile: "/keys/operator" };
	for (const host of config.hosts) {
		delete host.memoryMiB;
		host.ssh = { hostKey };
	}
};

// biome-ignore format: one fault a row
const rows: Row[] = [
	{ fault: "a missing section", break: (c) => delete c.hosts, property: "hosts", remedy: "is missing: give a list" },
	{ fault: "an unknown section", break: (c) => { c.nginks = {}; }, property: "nginks", remedy: "unknown key: remove it, or use one of source, hosts, local" },
	{ fault: "an unknown key in a section", break: (c) => { c.nginx.metod = "hash"; }, property: "nginx.metod", remedy: "use one of method, hashKey, weights" },
	{ fault: "an unknown key in a list", break: (c) => { c.hosts[1].adress = "x"; }, property: "hosts[1].adress", remedy: "use one of name, aliases, roles, address" },
	{ fault: "a choice that does not exist", break: (c) => { c.nginx.method = "fastest"; }, property: "nginx.method", value: "fastest", remedy: "round_robin, least_conn, ip_hash" },
	{ fault: "a role that does not exist", break: (c) => { c.hosts[0].roles[1] = "boss"; }, property: "hosts[0].roles[1]", value: "boss", remedy: "manager, worker, app" },
	{ fault: "a value of another type", break: (c) => { was(c).replicas = "three"; }, property: "services.babble-was.replicas", value: "three", remedy: "use a number" },
	{ fault: "an address that is none", break: (c) => { c.hosts[2].address = "192.168.3"; }, property: "hosts[2].address", value: "192.168.3", remedy: "IPv4" },
	{ fault: "a port out of range", break: (c) => { was(c).publish.published = 70000; }, property: "services.babble-was.publish.published", value: 70000, remedy: "65535" },
	{ fault: "a host name with capitals", break: (c) => { c.hosts[0].name = "Manager"; }, property: "hosts[0].name", value: "Manager", remedy: "lower-case letters" },
	{ fault: "a mount of an unknown type", break: (c) => { was(c).mount.type = "tmpfs"; }, property: "services.babble-was.mount.type", value: "tmpfs", remedy: "use volume or bind" },
	{ fault: "a secret's name that no file can have", break: (c) => { was(c).secrets = { "A B": "x" }; }, property: "services.babble-was.secrets.A B", remedy: "this name is not possible" },
	{ fault: "an empty secret", break: (c) => { was(c).secrets = { password: "" }; }, property: "services.babble-was.secrets.password", remedy: "use a string that is not empty, or {fromEnvironment: NAME}" },
	{ fault: "a path with a shell's characters", break: (c) => { c.logs = { path: "/mnt/$(id)" }; }, property: "logs.path", value: "/mnt/$(id)", remedy: "use an absolute path" },
	{ fault: "a path that leads elsewhere", break: (c) => { c.logs = { path: "/mnt/../etc" }; }, property: "logs.path", value: "/mnt/../etc", remedy: "without . and .. as parts" },
	{ fault: "a log directory of the system's", break: (c) => { c.logs = { path: "/etc/logs" }; }, property: "logs.path", value: "/etc/logs", remedy: "name a directory of its own" },
	{ fault: "a mounted directory that holds everyone's", break: (c) => { was(c).mount = { type: "bind", source: "/home" }; }, property: "services.babble-was.mount.source", value: "/home", remedy: "name a directory of its own" },
	{ fault: "a probed path that names another server", break: (c) => { was(c).rollout = { prober: { path: "//example.org/" } }; }, property: "services.babble-was.rollout.prober.path", value: "//example.org/", remedy: "begins with one /" },
	{ fault: "a name that all JavaScript objects know", break: (c) => { c.hosts[1].name = "constructor"; }, property: "hosts[1].name", value: "constructor", remedy: "choose another" },
	{ fault: "two hosts of one name", break: (c) => { c.hosts[2].name = "worker1"; }, property: "hosts[2].name", value: "worker1", remedy: "is also hosts[1].name" },
	{ fault: "a former name that another host has", break: (c) => { c.hosts[2].aliases = ["worker1"]; }, property: "hosts[2].aliases", value: "worker1", remedy: "hosts[1] has that name, or had it" },
	{ fault: "two hosts of one address", break: (c) => { c.hosts[3].address = "192.168.2.142"; }, property: "hosts[3].address", value: "192.168.2.142", remedy: "is also hosts[1].address" },
	{ fault: "manager and worker at once", break: (c) => { c.hosts[0].roles = ["manager", "worker", "app"]; }, property: "hosts[0].roles", value: ["manager", "worker", "app"], remedy: "remove one" },
	{ fault: "an app node outside the swarm", break: (c) => { c.hosts[3].roles = ["log", "registry", "app"]; }, property: "hosts[3].roles", value: ["log", "registry", "app"], remedy: "add manager or worker" },
	{ fault: "no manager", break: (c) => { c.hosts[0].roles = ["worker", "app"]; }, property: "hosts", remedy: "no host has role manager" },
	{ fault: "no app node", break: (c) => { was(c).publish.mode = "ingress"; for (const host of c.hosts) host.roles = host.roles.filter((role: string) => role !== "app"); }, property: "hosts", remedy: "no host has role app" },
	{ fault: "no log node", break: (c) => { c.hosts[3].roles = ["registry"]; }, property: "hosts", value: 0, remedy: "0 hosts have role log" },
	{ fault: "two NGINX nodes", break: (c) => c.hosts.push(twoNginx), property: "hosts", value: 2, remedy: "2 hosts have role balancer: give it to exactly one" },
	{ fault: "two registries", break: (c) => { c.hosts[4].roles = ["balancer", "registry"]; }, property: "hosts", value: 2, remedy: "several hosts have role registry" },
	{ fault: "a push without a password", break: (c) => { c.hosts[3].roles = ["log"]; }, property: "registry.password", remedy: "is missing: pushing" },
	{ fault: "sshd ports past the last one", break: (c) => { c.local = { sshPortBase: 65533 }; }, property: "local.sshPortBase", value: 65533, remedy: "need ports up to 65537" },
	{ fault: "an endpoint port among the sshd ports", break: (c) => { c.local = { endpointPort: 2404 }; }, property: "local.endpointPort", value: 2404, remedy: "2400 to 2404" },
	{ fault: "a local machine that is lost", break: (c) => { c.hosts[2].lost = true; }, property: "hosts[2].lost", value: true, remedy: "take the host off the list" },
	{ fault: "a login for a local machine", break: (c) => { c.hosts[0].ssh = { hostKey }; }, property: "hosts[0].ssh", remedy: "is for existing hosts" },
	{ fault: "an existing host without a login", break: (c) => { existing(c); delete c.hosts[1].ssh; }, property: "hosts[1].ssh", remedy: "needs at least its hostKey" },
	{ fault: "an existing host without a host key", break: (c) => { existing(c); c.hosts[1].ssh = {}; }, property: "hosts[1].ssh.hostKey", remedy: "is missing" },
	{ fault: "a host key of a kind that @pulumi/command cannot agree on with a current sshd", break: (c) => { existing(c); c.hosts[1].ssh.hostKey = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB"; }, property: "hosts[1].ssh.hostKey", value: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB", remedy: "ssh_host_ed25519_key.pub" },
	{ fault: "a host key that is none", break: (c) => { existing(c); c.hosts[1].ssh.hostKey = "SHA256:abc"; }, property: "hosts[1].ssh.hostKey", value: "SHA256:abc", remedy: "ssh_host_ed25519_key.pub" },
	{ fault: "an address that is a pattern", break: (c) => { existing(c); c.hosts[1].ssh.host = "*"; }, property: "hosts[1].ssh.host", value: "*", remedy: "use an address or a DNS name" },
	{ fault: "a login that would be an option", break: (c) => { existing(c); c.hosts[1].ssh.user = "-oProxyCommand=id"; }, property: "hosts[1].ssh.user", value: "-oProxyCommand=id", remedy: "use a login name" },
	{ fault: "a directory that would be an option", break: (c) => { c.local = { directory: "-f" }; }, property: "local.directory", value: "-f", remedy: "not starting with -" },
	{ fault: "an existing host without a key file", break: (c) => { existing(c); delete c.existing; c.hosts.slice(1).forEach((host: Raw) => { host.ssh.privateKeyFile = "/k"; }); }, property: "hosts[0].ssh.privateKeyFile", remedy: "existing.privateKeyFile" },
	{ fault: "a bastion outside the inventory", break: (c) => { existing(c); c.hosts[0].ssh.bastion = "gate"; }, property: "hosts[0].ssh.bastion", value: "gate", remedy: "name another host" },
	{ fault: "a host that is its own bastion", break: (c) => { existing(c); c.hosts[0].ssh.bastion = "manager"; }, property: "hosts[0].ssh.bastion", value: "manager", remedy: "name another host" },
	{ fault: "more tasks than app nodes in host mode", break: (c) => { was(c).replicas = 4; }, property: "services.babble-was.replicas", value: 4, remedy: "3 hosts have role app" },
	{ fault: "an order of nodes that names no app node", break: (c) => { was(c).rollout = { order: ["nginx"] }; }, property: "services.babble-was.rollout.order[0]", value: "nginx", remedy: "no host with role app" },
	{ fault: "an order that names a node twice", break: (c) => { was(c).rollout = { order: ["worker1", "worker1"] }; }, property: "services.babble-was.rollout.order[1]", value: "worker1", remedy: "remove one" },
	{ fault: "an order that names a node without a task", break: (c) => { was(c).replicas = 2; was(c).rollout = { order: ["worker2"] }; }, property: "services.babble-was.rollout.order[0]", value: "worker2", remedy: "with services.babble-was.replicas = 2 it gets no task" },
	{ fault: "an order of nodes that nobody keeps", break: (c) => { was(c).rollout = { order: ["worker1"], strategy: "swarm" }; }, property: "services.babble-was.rollout.order", value: ["worker1"], remedy: "strategy lossless" },
	{ fault: "an order of nodes of the routing mesh", break: (c) => { was(c).publish = { mode: "ingress" }; was(c).rollout = { order: ["worker1"] }; }, property: "services.babble-was.rollout.order", value: ["worker1"], remedy: "publish.mode host" },
	{ fault: "an order of nodes that pauses at a failure", break: (c) => { was(c).rollout = { order: ["worker1"], failureAction: "pause" }; }, property: "services.babble-was.rollout.failureAction", value: "pause", remedy: "use rollback" },
	{ fault: "an order of nodes that go several at a time", break: (c) => { was(c).rollout = { order: ["worker1"], parallelism: 2 }; }, property: "services.babble-was.rollout.parallelism", value: 2, remedy: "leave the order to Swarm" },
	{ fault: "a drain and a stop longer than Swarm waits", break: (c) => { was(c).rollout = { drainLimitSeconds: 50 }; }, property: "services.babble-was.rollout.drainLimitSeconds", value: 50, remedy: "lower one of them" },
	{ fault: "as many nodes at a time as serve", break: (c) => { was(c).rollout = { parallelism: 3 }; }, property: "services.babble-was.rollout.parallelism", value: 3, remedy: "3 nodes serve, and none would during an update: use 2 or less" },
	{ fault: "more nodes at a time than serve, of all app nodes", break: (c) => { was(c).replicas = 2; was(c).rollout = { parallelism: 2 }; }, property: "services.babble-was.rollout.parallelism", value: 2, remedy: "use 1 or less" },
	{ fault: "an order whose last node waits for too short a time", break: (c) => { was(c).rollout = { turnLimitSeconds: 60, delaySeconds: 5, order: ["worker2"] }; }, property: "services.babble-was.rollout.turnLimitSeconds", value: 60, remedy: "may have to wait for 96 s" },
	{ fault: "a turn that ends before that of another node", break: (c) => { was(c).rollout = { turnLimitSeconds: 42 }; }, property: "services.babble-was.rollout.turnLimitSeconds", value: 42, remedy: "use 43 or more" },
	{ fault: "agents on the service's port", break: (c) => { was(c).rollout = { peerPort: 8080 }; }, property: "services.babble-was.rollout.peerPort", value: 8080, remedy: "is also services.babble-was.publish.published" },
	{ fault: "agents on the swarm's management port", break: (c) => { was(c).rollout = { peerPort: 2377 }; }, property: "services.babble-was.rollout.peerPort", value: 2377, remedy: "is a port of the swarm" },
	{ fault: "agents on the swarm's gossip port", break: (c) => { was(c).rollout = { peerPort: 7946 }; }, property: "services.babble-was.rollout.peerPort", value: 7946, remedy: "is a port of the swarm" },
	{ fault: "agents on the overlay's port", break: (c) => { was(c).rollout = { peerPort: 4789 }; }, property: "services.babble-was.rollout.peerPort", value: 4789, remedy: "is swarm.dataPathPort" },
	{ fault: "agents on sshd's port", break: (c) => { was(c).rollout = { peerPort: 22 }; }, property: "services.babble-was.rollout.peerPort", value: 22, remedy: "is sshd's port" },
	{ fault: "agents on the port of an app node's own sshd", break: (c) => { existing(c); c.hosts[1].ssh.port = 2222; was(c).rollout = { peerPort: 2222 }; }, property: "services.babble-was.rollout.peerPort", value: 2222, remedy: "is sshd's port" },
	{ fault: "agents on NGINX's port of the same host", break: (c) => { c.hosts[0].roles.push("balancer"); c.hosts.pop(); was(c).rollout = { peerPort: 80 }; }, property: "services.babble-was.rollout.peerPort", value: 80, remedy: "is nginx.listen on the same host" },
	{ fault: "agents on NGINX's HTTPS port of the same host", break: (c) => { c.hosts[0].roles.push("balancer"); c.hosts.pop(); c.nginx.tls = { certificateFile: "c", keyFile: "k" }; was(c).rollout = { peerPort: 443 }; }, property: "services.babble-was.rollout.peerPort", value: 443, remedy: "is nginx.tls.httpsPort on the same host" },
	{ fault: "agents on the registry's port of the same host", break: (c) => { c.hosts[3].roles = ["log"]; c.hosts[1].roles.push("registry"); was(c).rollout = { peerPort: 5000 }; }, property: "services.babble-was.rollout.peerPort", value: 5000, remedy: "is the registry's port on the same host" },
	{ fault: "the service on a port of the swarm", break: (c) => { was(c).publish.published = 7946; }, property: "services.babble-was.publish.published", value: 7946, remedy: "is a port of the swarm" },
	{ fault: "the service on the overlay's port", break: (c) => { c.swarm = { dataPathPort: 4790 }; was(c).publish.published = 4790; }, property: "services.babble-was.publish.published", value: 4790, remedy: "is swarm.dataPathPort" },
	{ fault: "the service on sshd's port", break: (c) => { was(c).publish.published = 22; }, property: "services.babble-was.publish.published", value: 22, remedy: "is sshd's port" },
	{ fault: "the service on the NFS server's port of the same host", break: (c) => { c.hosts[3].roles = ["registry"]; c.hosts[1].roles.push("log"); was(c).publish.published = 2049; }, property: "services.babble-was.publish.published", value: 2049, remedy: "is the NFS server's port" },
	{ fault: "the routing mesh on NGINX's port of a node without the service", break: (c) => { was(c).publish = { mode: "ingress", published: 80 }; c.hosts[2].roles = ["worker", "balancer"]; c.hosts.pop(); }, property: "nginx.listen", value: 80, remedy: "choose another" },
	{ fault: "the routing mesh on NGINX's HTTPS port of a node without the service", break: (c) => { was(c).publish = { mode: "ingress", published: 443 }; c.nginx.tls = { certificateFile: "c", keyFile: "k" }; c.hosts[2].roles = ["worker", "balancer"]; c.hosts.pop(); }, property: "nginx.tls.httpsPort", value: 443, remedy: "choose another" },
	{ fault: "overlays on the gossip's port", break: (c) => { c.swarm = { dataPathPort: 7946 }; }, property: "swarm.dataPathPort", value: 7946, remedy: "is the port of the nodes' gossip" },
	{ fault: "a pin that is no digest", break: (c) => { was(c).image.pin = "latest"; }, property: "services.babble-was.image.pin", value: "latest", remedy: "use sha256:" },
	{ fault: "NGINX and the service on one port of one host", break: (c) => { c.hosts[0].roles = ["manager", "app", "balancer"]; c.hosts.pop(); c.nginx.listen = 8080; }, property: "nginx.listen", value: 8080, remedy: "choose another" },
	{ fault: "an export to networks without any", break: (c) => { c.logs = { access: "network" }; }, property: "logs.clients", value: [], remedy: "such as 192.168.0.0/16" },
	{ fault: "a variable that is plain and secret", break: (c) => { was(c).env.REDIS_PASSWORD = "x"; }, property: "services.babble-was.env.REDIS_PASSWORD", remedy: "is also in services.babble-was.secretEnv" },
	{ fault: "a file to adopt that NGINX does not read as a site", break: (c) => { c.nginx.adopt = ["/etc/nginx/nginx.conf"]; }, property: "nginx.adopt[0]", value: "/etc/nginx/nginx.conf", remedy: "use files in /etc/nginx/conf.d or /etc/nginx/sites-enabled" },
	{ fault: "hash without a key", break: (c) => { c.nginx.method = "hash"; }, property: "nginx.hashKey", remedy: "is missing: method hash needs a key" },
	{ fault: "a key without hash", break: (c) => { c.nginx.hashKey = "$uri"; }, property: "nginx.hashKey", value: "$uri", remedy: "method least_conn takes none" },
	{ fault: "a slow request that would be sent to another node", break: (c) => { Object.assign(c.nginx, { requestBuffering: false, readTimeoutSeconds: 4 }); }, property: "nginx.readTimeoutSeconds", value: 4, remedy: "breaks within 4.5 s is sent to another node" },
	{ fault: "a weight for no app node", break: (c) => { c.nginx.weights = { log: 2 }; }, property: "nginx.weights.log", value: 2, remedy: "no host with role app has this name" },
];

describe("a fault in the configuration is told by property, value and remedy", () => {
	test.each(rows)("$fault: $property", ({ break: spoil, property, value, remedy }) => {
		const config = labConfig();
		spoil(config);
		const found = faultsOf(config);
		const described = found.map((fault) => `${fault.property}: ${fault.remedy}`);
		const fault = found.find((fault) => fault.property === property && fault.remedy.includes(remedy));
		expect(fault, described.join("\n")).toBeDefined();
		expect(fault?.value).toEqual(value);
		expect(described, "one mistake is one fault").toHaveLength(1);
	});

	test("all faults of a configuration come at once, each on its line", () => {
		const config = labConfig();
		config.hosts[0].roles = ["manager", "worker", "app"];
		config.hosts[2].name = "worker1";
		was(config).replicas = 9;
		config.nginx.method = "hash";
		const error = new ConfigError(faultsOf(config));
		expect(error.faults.map(({ property }) => property)).toEqual([
			"hosts[2].name",
			"hosts[0].roles",
			"services.babble-was.replicas",
			"nginx.hashKey",
		]);
		expect(error.message.split("\n")).toHaveLength(5);
		expect(error.message).toContain("the configuration has 4 faults:");
		expect(error.message).toContain("  - services.babble-was.replicas = 9: in host mode a node runs one task");
	});

	test("all faults of shape come at once, too", () => {
		const config = labConfig();
		config.hosts[2].address = "nowhere";
		was(config).replicas = 0;
		config.nginx.metod = "hash";
		expect(faultsOf(config).map(({ property }) => property)).toEqual(["hosts[2].address", "services.babble-was.replicas", "nginx.metod"]);
	});
});

describe("a remedy fits the fault", () => {
	// biome-ignore format: one fault a row
	const unfit: [string, (config: Raw) => void, string, RegExp][] = [
		["a section of the wrong type is not missing", (c) => { c.hosts = { a: 1 }; }, "hosts", /^use a list/],
		["a network that is none wants a network, not a secret", (c) => { c.logs = { access: "network", clients: ["x"] }; }, "logs.clients[0]", /^(?!.*secret)/],
		["an unknown key of a mount is told the known ones", (c) => { was(c).mount.foo = 1; }, "services.babble-was.mount.foo", /use one of \w+/],
		["a build with a base archive names its BASE_IMAGE", (c) => { was(c).image.build.args = {}; }, "services.babble-was.image.build.args.BASE_IMAGE", /is missing/],
	];
	test.each(unfit)("%s", (_what, spoil, property, remedy) => {
		const config = labConfig();
		spoil(config);
		expect(faultsOf(config)).toMatchObject([{ property, remedy: expect.stringMatching(remedy) }]);
	});
});

describe("no error repeats a secret", () => {
	const planted = "planted-secret-value";
	// biome-ignore format: one place a row
	const places: [string, (config: Raw) => void][] = [
		["a secret of the wrong type", (c) => { was(c).secrets = { "datasource-password": [planted] }; }],
		["a secret with a key too many", (c) => { was(c).secrets = { "datasource-password": { fromEnvironment: "A", value: planted } }; }],
		["a secret under an impossible name", (c) => { was(c).secrets = { "No Name": planted }; }],
		["secrets that are no map", (c) => { was(c).secrets = planted; }],
		["a secret variable under an impossible name", (c) => { was(c).secretEnv = { "9": planted }; }],
		["secret variables that are no map", (c) => { was(c).secretEnv = planted; }],
		["a variable that is plain and secret", (c) => { was(c).secretEnv = { A: planted }; was(c).env.A = planted; }],
		["a registry's password of the wrong type", (c) => { c.registry = { password: [planted] }; }],
		["a password under an unknown key", (c) => { c.registry = { pasword: planted }; }],
		["a private key in the inventory", (c) => { existing(c); c.hosts[0].ssh.privateKey = planted; }],
		["secrets in a section with other faults", (c) => { c.registry = { password: planted, username: 3 }; was(c).secretEnv = { A: planted }; was(c).replicas = 0; }],
	];
	test.each(places)("%s", (_place, plant) => {
		const config = labConfig();
		plant(config);
		const found = faultsOf(config);
		expect(found).not.toEqual([]);
		expect(`${new ConfigError(found).message} ${JSON.stringify(found)}`).not.toContain(planted);
	});
});

describe("what is valid is accepted", () => {
	test("the lab stack's own configuration", () => {
		const parsed = topology();
		expect(parsed.hosts.map(({ address }) => address)).toEqual([
			"192.168.2.137",
			"192.168.2.142",
			"192.168.3.5",
			"192.168.1.20",
			"192.168.1.10",
		]);
		expect(serviceIn(parsed).publish).toEqual({ mode: "host", target: 8080, published: 8080 });
		expect(parsed.logs.path).toBe("/mnt/main-was-logs");
		expect(lints(parsed)).toEqual([]);
	});

	// biome-ignore format: one configuration a row
	const accepted: [string, (config: Raw) => void][] = [
		["a single app node, whose update is an interruption", (c) => { was(c).replicas = 1; was(c).rollout = { parallelism: 5, turnLimitSeconds: 0 }; }],
		["NGINX on an app node", (c) => { c.hosts[0].roles.push("balancer"); c.hosts.pop(); }],
		["NGINX's port for the agents of other hosts", (c) => { was(c).rollout = { peerPort: 80 }; }],
		["all nodes at a time where requests may fail anyway", (c) => { was(c).rollout = { strategy: "swarm", parallelism: 3, peerPort: 8080 }; }],
		["a forwarded sshd's port, which is none of the node's", (c) => { existing(c); Object.assign(c.hosts[1].ssh, { host: "192.0.2.1", port: 7947 }); }],
	];
	test.each(accepted)("%s", (_what, change) => {
		const config = labConfig();
		change(config);
		expect(faultsOf(config)).toEqual([]);
	});

	test("secrets named as Spring's properties", () => {
		const secrets = { "spring.datasource.password": "x", "spring.datasource.hikari.dataSourceProperties": "x", "my-app.key_1": "x" };
		expect(Object.keys(serviceIn(topology((config) => Object.assign(was(config), { secrets }))).secrets)).toEqual(Object.keys(secrets));
	});

	test("existing hosts behind a bastion, with one key file for all", () => {
		const parsed = topology((config) => {
			existing(config);
			config.hosts[1].ssh.bastion = "manager";
		});
		expect(parsed.hosts[1]?.ssh).toEqual({ hostKey, bastion: "manager", port: 22, user: "root" });
	});

	test("the example of existing hosts in the documentation", () => {
		const text = fs.readFileSync(path.join(projectDirectory, "docs", "existing.md"), "utf8");
		const { config } = parse(text.match(/```yaml\n(.*?)```/s)?.[1] ?? "") as { config: Raw };
		const raw = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("swarm-scaleout:", ""), value]));
		expect(faultsOf(raw)).toEqual([]);
		expect(parseTopology(raw)).toMatchObject({
			source: "existing",
			hosts: prodTopology().hosts.map(({ name, roles }) => ({ name, roles })),
		});
	});

	test("whatever JSON it is given, parsing returns or throws ConfigError", () => {
		const section = fc.constantFrom(...Object.keys(labConfig()), "local", "existing", "aws", "swarm", "logs", "registry");
		const keys = fc.constantFrom("name", "roles", "address", "ssh", "password", "mount", "type", "secrets", "publish", "build", "weights");
		const value = fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue()), fc.array(fc.dictionary(keys, fc.jsonValue())));
		const config = fc.oneof(
			fc.jsonValue(),
			fc.dictionary(section, value),
			fc.dictionary(section, value).map((odd) => ({ ...labConfig(), ...odd })),
		);
		const parses = (raw: unknown) => {
			try {
				parseTopology(raw as Raw);
			} catch (error) {
				if (!(error instanceof ConfigError)) throw error;
				expect(error.faults.length).toBeGreaterThan(0);
				for (const fault of error.faults) expect(fault.remedy).not.toBe("");
			}
		};
		fc.assert(fc.property(config, parses), { numRuns: 300 });
	});
});

describe("what is likely not meant is warned about", () => {
	// biome-ignore format: one remark a row
	const remarks: [string, (config: Raw) => void, string, string][] = [
		["two managers", (c) => { c.hosts[1].roles = ["manager", "app"]; }, "hosts", "use an odd number"],
		["a stop grace of a minute", (c) => { was(c).publish.mode = "ingress"; was(c).stopGraceSeconds = 60; }, "services.babble-was.stopGraceSeconds", "use less than 60"],
		["a single app node", (c) => { was(c).replicas = 1; c.hosts[1].roles = ["worker"]; c.hosts[2].roles = ["worker"]; }, "hosts", "interrupts the service"],
		["a monitor that ends before the next health check", (c) => { was(c).rollout = { monitorSeconds: 9 }; was(c).health = { intervalSeconds: 10 }; }, "services.babble-was.rollout.monitorSeconds", "health.intervalSeconds = 10"],
		["turns that take longer than a node waits", (c) => { was(c).rollout = { turnLimitSeconds: 60, delaySeconds: 5 }; }, "services.babble-was.rollout.turnLimitSeconds", "3 nodes that are asked to stop at once take up to 96 s"],
		["a limit that a good rollout passes", (c) => { was(c).convergeSeconds = 30; }, "services.babble-was.convergeSeconds", "a good rollout of 3 nodes may take "],
		["host mode without draining", (c) => { was(c).rollout = { strategy: "swarm" }; }, "services.babble-was.rollout.strategy", "requests fail"],
	];
	test.each(remarks)("%s", (_what, change, property, remedy) => {
		expect(lints(topology(change))).toMatchObject([{ property, remedy: expect.stringContaining(remedy) }]);
	});
});
