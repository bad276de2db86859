import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpConfig, httpsConfig, type NginxFiles } from "../../../../components/balancer/nginx/config.ts";
import { makeCertificate } from "../../../support/certificate.ts";
import { forVersion, nginxVersion, testNginx } from "../../../support/nginx.ts";
import { type Raw, topology } from "../../fixtures.ts";

/* HTTP and HTTPS are put into effect one after the other, each tested by the real NGINX beside the other one as it was before. */

const scratch = fs.mkdtempSync("/tmp/scaleout-files-");
const pair = path.join(scratch, "pair.pem");
const was = { service: "was", hosts: 3 };
const admin = { service: "admin", hosts: 2 };

beforeAll(() => {
	const { certificate, key } = makeCertificate(["DNS:was.example.org"]);
	fs.writeFileSync(pair, certificate + key);
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

interface Front {
	/** Services, the first one at `/`, each other below its name. */
	services: { service: string; hosts: number }[];
	nginx?: Raw;
	names?: string[];
}

/** Testing binds the ports: free ones, and only on the loopback interface. */
function filesOf({ services, nginx: change = {}, names = ["was.example.org"] }: Front): NginxFiles {
	const tls = { certificateFile: "c", keyFile: "k", httpsPort: 18_444 };
	const {
		sites: _sites,
		upstreams: _upstreams,
		...nginx
	} = topology((all) => Object.assign(all.nginx, { bind: "127.0.0.1", listen: 18_443, tls, ...change })).nginx;
	return {
		nginx,
		upstreams: services.map(({ service, hosts }, i) => ({
			name: service,
			port: 8080 + i,
			servers: Array.from({ length: hosts }, (_, host) => ({ name: `n${host}`, address: `192.168.2.${host + 1}` })),
		})),
		sites: names.map((serverName) => ({
			serverName,
			routes: services.map(({ service }, i) => ({ path: i === 0 ? "/" : `/${service}`, upstream: service })),
		})),
		httpsPort: 443,
		paths: { maintenance: "/m", httpsUp: "/u", challenges: "/c", certificate: pair, key: pair },
	};
}

/** What NGINX says of both files together; empty when it takes them. */
function refusal(http: Front, https: Front): string {
	const text = httpsConfig(filesOf(https)) + httpConfig(filesOf(http));
	const { status, stderr } = testNginx(forVersion(text, nginxVersion as string));
	return status === 0 ? "" : (stderr.match(/\[emerg\].*/)?.[0] ?? stderr);
}

describe.skipIf(!nginxVersion)("each file goes with the other one of before", () => {
	const proxies = { trustedProxies: ["10.0.0.0/8"] };
	test.each<[what: string, before: Front, after: Front]>([
		["a service that goes", { services: [was, admin] }, { services: [was] }],
		["a service that comes before the others", { services: [was] }, { services: [admin, was] }],
		["another name of the upstream", { services: [was] }, { services: [{ ...was, service: "app" }] }],
		["bodies that are passed on as they come", { services: [was] }, { services: [was], nginx: { requestBuffering: false } }],
		["one node instead of several", { services: [was] }, { services: [{ ...was, hosts: 1 }] }],
		["proxies that are trusted no more", { services: [was], nginx: proxies }, { services: [was] }],
		["a site that goes", { services: [was], names: ["was.example.org", "www.example.org"] }, { services: [was] }],
	])("%s", (_what, before, after) => {
		expect(refusal(before, before)).toBe("");
		expect(refusal(after, before)).toBe("");
		expect(refusal(before, after)).toBe("");
		expect(refusal(after, after)).toBe("");
	});

	test("the longest name of an upstream fits, with all that is named after it", () => {
		const longest = { ...was, service: "a".repeat(31) };
		const front = { services: [longest, admin], nginx: proxies };
		expect(refusal(front, front)).toBe("");
	});

	test("an upstream of one of NGINX's own names hides none of its variables", () => {
		const text = httpConfig(filesOf({ services: [{ ...was, service: "http" }] }));
		expect(text.match(/map \S+ \$(http|upstream)_\w+/g)).toBeNull();
	});

	test("the longest names of sites that are taken fit beside one another", () => {
		const front = { services: [was], names: [`${"a".repeat(34)}.example.org`, `${"b".repeat(34)}.example.org`] };
		expect(front.names[0]).toHaveLength(46);
		expect(refusal(front, front)).toBe("");
	});
});
