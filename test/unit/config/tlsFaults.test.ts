import { describe, expect, test } from "vitest";
import { lints } from "../../../config/rules/lints.ts";
import { faultsOf, labConfig, type Raw, topology } from "../fixtures.ts";

/* HTTPS and what else NGINX has for it. The certificate itself: certificate.test.ts. */

const files = { certificateFile: "/tls/chain.pem", keyFile: "/tls/key.pem" };
const acme = { email: "ops@example.org", agreeTos: true };
const named = { sites: [{ serverName: "was.example.org" }] };
const faultsWith = (nginx: Raw, change: (config: Raw) => void = () => {}) => {
	const config = labConfig();
	Object.assign(config.nginx, nginx);
	change(config);
	return faultsOf(config);
};

describe("a fault of HTTPS is told by property, value and remedy", () => {
	// biome-ignore format: one fault a row
	const rows: [fault: string, nginx: Raw, property: string, value: unknown, remedy: string][] = [
		["no certificate at all", { tls: {} }, "nginx.tls", undefined, "has no certificate: give certificateFile and keyFile"],
		["a certificate without its key", { tls: { certificateFile: "/c" } }, "nginx.tls.key", undefined, "is missing: give it here, or keyFile"],
		["a key without its certificate", { tls: { keyFile: "/k" } }, "nginx.tls.certificate", undefined, "is missing: give it here, or certificateFile"],
		["a certificate twice", { tls: { ...files, certificate: "PEM" } }, "nginx.tls.certificateFile", undefined, "nginx.tls.certificate is given as well"],
		["a key twice", { tls: { ...files, key: { fromEnvironment: "KEY" } } }, "nginx.tls.keyFile", undefined, "nginx.tls.key is given as well"],
		["a key beside ACME", { ...named, tls: { acme, keyFile: "/k" } }, "nginx.tls.keyFile", undefined, "acme gets the certificate"],
		["ACME for no name", { tls: { acme } }, "nginx.sites[0].serverName", "_", "acme needs the name of the site"],
		["ACME for a wildcard", { sites: [{ serverName: "*.example.org" }], tls: { acme } }, "nginx.sites[0].serverName", "*.example.org", "without wildcards"],
		["ACME for an address", { sites: [{ serverName: "192.0.2.1" }], tls: { acme } }, "nginx.sites[0].serverName", "192.0.2.1", "acme proves a DNS name"],
		["ACME for a name that would be an option", { sites: [{ serverName: "-d.example.org" }], tls: { acme } }, "nginx.sites[0].serverName", "-d.example.org", "use a DNS name in lower case"],
		["ACME for names without the site's own", { ...named, tls: { acme: { ...acme, domains: ["www.example.org"] } } }, "nginx.tls.acme.domains", ["www.example.org"], "lacks nginx.sites[0].serverName was.example.org"],
		["a domain that would end a command", { ...named, tls: { acme: { ...acme, domains: ["a.example.org;id"] } } }, "nginx.tls.acme.domains[0]", "a.example.org;id", "use a DNS name"],
		["an e-mail address that is none", { ...named, tls: { acme: { ...acme, email: "ops" } } }, "nginx.tls.acme.email", "ops", "e-mail"],
		["a directory without TLS", { ...named, tls: { acme: { ...acme, directoryUrl: "http://ca/dir" } } }, "nginx.tls.acme.directoryUrl", "http://ca/dir", "use the https:// URL"],
		["a directory that would end a command", { ...named, tls: { acme: { ...acme, directoryUrl: "https://ca/$(id)" } } }, "nginx.tls.acme.directoryUrl", "https://ca/$(id)", "use the https:// URL"],
		["terms not agreed to", { ...named, tls: { acme: { ...acme, agreeTos: false } } }, "nginx.tls.acme.agreeTos", false, "use one of true"],
		["HTTP and HTTPS on one port", { listen: 443, tls: files }, "nginx.tls.httpsPort", 443, "is also nginx.listen"],
		["a version that is not safe", { tls: { ...files, minVersion: "TLSv1.1" } }, "nginx.tls.minVersion", "TLSv1.1", "use one of TLSv1.2, TLSv1.3"],
		["a cookie's name with a directive", { sticky: { cookie: "a; deny all" } }, "nginx.sticky.cookie", "a; deny all", "use letters, digits"],
		["a proxy that is no address", { trustedProxies: ["10.0.0.0/8; x"] }, "nginx.trustedProxies[0]", "10.0.0.0/8; x", "IPv4"],
	];
	test.each(rows)("%s", (_fault, nginx, property, value, remedy) => {
		const found = faultsWith(nginx);
		expect(found).toEqual(
			[{ property, value, remedy: expect.stringContaining(remedy) }].map((fault) => (value === undefined ? omit(fault) : fault)),
		);
	});
	const omit = ({ value: _, ...fault }: { value: unknown; property: string }) => fault;

	test("HTTPS and the service on one port of one host", () => {
		const found = faultsWith({ tls: { ...files, httpsPort: 8080 } }, (config) => {
			config.hosts[0].roles = ["manager", "app", "balancer"];
			config.hosts.pop();
		});
		expect(found).toMatchObject([
			{ property: "nginx.tls.httpsPort", value: 8080, remedy: expect.stringContaining("service babble-was publishes") },
		]);
	});

	test.each([
		[{ httpsPort: 2402 }, 2402, "lies among the sshd ports 2400 to 2404"],
		[{ httpsPort: 8088 }, 8088, "is also local.endpointPort"],
	])("a local HTTPS port that is taken by another part: %j", (local, value, remedy) => {
		const found = faultsWith({}, (config) => {
			config.local = local;
		});
		expect(found).toMatchObject([{ property: "local.httpsPort", value, remedy: expect.stringContaining(remedy) }]);
	});
});

describe("no error repeats a key", () => {
	const planted = "planted-private-key";
	test.each<[string, Raw]>([
		["of the wrong type", { tls: { ...files, key: [planted] } }],
		["with a key too many", { tls: { ...files, key: { fromEnvironment: "A", value: planted } } }],
		["in the file's place", { tls: { certificate: "PEM", keyFile: [planted] } }],
		["in the certificate's place", { tls: { certificate: [planted], keyFile: "/k" } }],
		["under an unknown name", { tls: { ...files, privateKey: planted } }],
		["given twice", { tls: { ...files, key: planted } }],
		["beside ACME", { ...named, tls: { acme, key: planted } }],
	])("%s", (_place, nginx) => {
		const found = faultsWith(nginx);
		expect(found).not.toEqual([]);
		expect(JSON.stringify(found)).not.toContain(planted);
	});
});

test("what is valid is accepted, with its defaults", () => {
	const { tls } = topology((config) => Object.assign(config.nginx, { ...named, tls: { acme } })).nginx;
	expect(tls).toMatchObject({ httpsPort: 443, redirect: true, minVersion: "TLSv1.2", hstsSeconds: 0 });
	expect(tls?.acme).toMatchObject({ domains: [], directoryUrl: "https://acme-v02.api.letsencrypt.org/directory" });
	expect(faultsWith({ tls: { acme: { ...acme, domains: ["a.example.org"] } } })).toEqual([]);
});

test("a listener that ACME's question does not reach by itself is warned about", () => {
	const found = lints(topology((config) => Object.assign(config.nginx, { ...named, listen: 8080, tls: { acme } })));
	expect(found).toMatchObject([{ property: "nginx.listen", value: 8080, remedy: expect.stringContaining("port 80") }]);
});
