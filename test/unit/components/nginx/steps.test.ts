import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LoadBalancer } from "../../../../components/balancer/loadBalancer.ts";
import { nginx as nginxKind } from "../../../../components/balancer/nginx/index.ts";
import type { Host } from "../../../../components/host.ts";
import type { Drift } from "../../../../lib/drift.ts";
import type { Certificate } from "../../../../lib/nginx.ts";
import { Recorder, type Registered, withoutSecrets } from "../../../support/mocks.ts";
import { connection, type Raw, topology } from "../../fixtures.ts";

const planted = "planted-certificate-key";
const given: Certificate = { id: "0123456789ab", pem: undefined as unknown as pulumi.Output<string> };
const acme = { email: "ops@example.org", agreeTos: true };
let recorder: Recorder;

beforeEach(async () => {
	recorder = new Recorder();
	await recorder.start();
});
afterEach(() => pulumi.runtime.disconnect());

async function make(
	nginx: Raw,
	certificate?: Certificate,
	reach = (_port: number) => ({ address: "127.0.0.1", port: 8443 }),
	node: Partial<Host> = {},
): Promise<Record<string, Registered>> {
	const hostOf = (name: string): Host => ({
		name,
		aliases: [],
		roles: [],
		address: "192.168.2.137",
		reach,
		connection: pulumi.secret(connection()),
		user: "root",
		ready: new pulumi.ComponentResource("test:index:Ready", name),
		drift: pulumi.output<Drift>({}),
	});
	const to = { service: "babble-was", port: 8080, hosts: [{ ...hostOf("manager"), ...node }] };
	const all = topology((config) => {
		Object.assign(config.nginx, nginx);
		Object.assign(config.hosts[0], node);
	});
	const sites = all.nginx.sites.map(({ serverName }) => ({ serverName, routes: { "/": to } }));
	new LoadBalancer("nginx", { kind: nginxKind({ ...all.nginx, certificate }), host: hostOf("nginx"), sites });
	await pulumi.runtime.disconnect();
	return Object.fromEntries(recorder.ofType("remote:Command").map((step) => [step.name, step]));
}

const inOrder = (steps: Record<string, Registered>, ...names: string[]) => {
	for (let i = 1; i < names.length; i++) {
		expect(recorder.isAfter(steps[names[i] as string] as Registered, steps[names[i - 1] as string] as Registered), names[i]).toBe(true);
	}
};

describe("the steps on the host", () => {
	test("without TLS: the site, that NGINX is kept running, and maintenance", async () => {
		const steps = await make({});
		expect(Object.keys(steps).sort()).toEqual(["nginx", "nginx-keep-running", "nginx-maintenance"]);
	});

	test("an app node is asked at its private address, on the node itself too: there its published port is refused while it is closed", async () => {
		const steps = await make({});
		expect(steps.nginx?.inputs.stdin).toMatch(/^ *server 192\.168\.2\.137:8080 /m);
		expect(steps.nginx?.inputs.stdin).not.toMatch(/^ *server 127\./m);
	});

	test("a node under another name keeps its weight, and its line does not change but for that", async () => {
		const named = async (name: string, aliases: string[]) => {
			const steps = await make({ weights: { [name]: 5 } }, undefined, undefined, { name, aliases });
			return /^ *server 192.*$/m.exec(steps.nginx?.inputs.stdin)?.[0].trim();
		};
		const line = await named("manager", []);
		expect(line).toMatch(/^server 192\.168\.2\.137:8080 weight=5 .*; # manager$/);
		recorder = new Recorder();
		await recorder.start();
		expect(await named("blue", ["manager"])).toBe(line);
	});

	test("with a certificate: HTTPS after HTTP and the certificate, which only root can read", async () => {
		const pem = pulumi.secret(planted);
		const steps = await make({ tls: { certificateFile: "c", keyFile: "k" } }, { ...given, pem } as Certificate);
		expect(Object.keys(steps).sort()).toEqual(["nginx", "nginx-certificate", "nginx-https", "nginx-keep-running", "nginx-maintenance"]);
		inOrder(steps, "nginx", "nginx-https");
		inOrder(steps, "nginx-certificate", "nginx-https");
		const file = "/etc/nginx/swarm-scaleout-lab-nginx-tls/0123456789ab.pem";
		expect(steps["nginx-certificate"]?.inputs.stdin).toContain(`\n@file 0600 root:root ${file}\n  ${planted}\n`);
		expect(steps["nginx-https"]?.inputs.stdin).toContain(`ssl_certificate ${file};\n      ssl_certificate_key ${file};`);
		expect(steps.nginx?.inputs.stdin).toContain("return 308 https://$host:8443$request_uri;");
	});

	test("the key is in nothing that is shown", async () => {
		const steps = await make({ tls: { certificateFile: "c", keyFile: "k" } }, { ...given, pem: pulumi.secret(planted) } as Certificate);
		for (const { name, marked, inputs } of Object.values(steps)) {
			expect(JSON.stringify(withoutSecrets(marked)), name).not.toContain(planted);
			expect(`${inputs.create}${inputs.delete}`, name).not.toContain(planted);
		}
	});

	test("by ACME: HTTP, which serves the challenges, then the certificate, then HTTPS", async () => {
		const nginx = { sites: [{ serverName: "was.example.org" }], tls: { acme } };
		const certificate: Certificate = {
			acme: { email: acme.email, directoryUrl: "https://ca.example.org/dir" },
			ca: "CA",
		};
		const steps = await make(nginx, certificate, (port) => ({ address: "198.51.100.10", port }));
		expect(Object.keys(steps).sort()).toEqual(["nginx", "nginx-acme", "nginx-https", "nginx-keep-running", "nginx-maintenance"]);
		inOrder(steps, "nginx", "nginx-acme", "nginx-https");
		expect(steps["nginx-acme"]?.inputs.stdin).toContain(
			"\n@staged 0644 root:root /etc/letsencrypt/swarm-scaleout-lab-nginx-ca.pem\n  CA\n",
		);
		expect(steps["nginx-https"]?.inputs.stdin).toContain("ssl_certificate /etc/letsencrypt/live/swarm-scaleout-lab-nginx/fullchain.pem;");
		expect(steps.nginx?.inputs.stdin).toContain("return 308 https://$host$request_uri;");
	});

	test("going back to plain HTTP takes HTTPS out before its certificate", async () => {
		const steps = await make({ tls: { certificateFile: "c", keyFile: "k" } }, { ...given, pem: pulumi.secret(planted) } as Certificate);
		// The engine deletes in the reverse order of dependencies.
		inOrder(steps, "nginx-certificate", "nginx-https");
	});
});
