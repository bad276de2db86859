import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { newKeyPair } from "../../lib/sshKeys.ts";
import { makeCertificate } from "../support/certificate.ts";
import { type ExistingHost, ExistingHosts } from "../support/existing.ts";
import { expectRefused, expectUp, httpsUrl, lab, onNginx, own, plainAgain, serial, stack, up } from "../support/labNginx.ts";
import { ask } from "../support/tls.ts";

/* What is refused, with property and remedy, while what was there before lives on. */

afterAll(closeConnections);

describe.skipIf(lab.noEngine)("a load balancer configuration that cannot work", () => {
	afterAll(plainAgain);

	const faults: [name: string, change: object, message: RegExp][] = [
		[
			"a method the host's version lacks",
			{ method: "least_time" },
			/nginx\.method = least_time: needs NGINX 1\.31\.0, the host has 1\.22\.1/,
		],
		["a port that is taken", { listen: 22 }, /bind\(\) to 0\.0\.0\.0:22 failed/],
	];
	test.each(faults)("fails the update and leaves the old one live: %s", (_name, change, message) => expectRefused(change, message));

	test("a certificate that NGINX refuses, or that is another name's, leaves the old one live", async () => {
		const site = makeCertificate(["IP:127.0.0.1", "DNS:was.lab.test"]);
		const trust = { ca: site.certificate };
		const keyLines = site.key.split("\n").filter((line) => line.length > 40);
		const tls = { certificate: site.certificate, key: { fromEnvironment: "TLS_KEY" } };
		stack.env.TLS_KEY = site.key;
		await expectUp({ tls });
		const look = async () => [await serial(trust), await onNginx(`cat /etc/nginx/conf.d/${own}-https.conf`)];
		const before = await look();

		const other = makeCertificate(["DNS:other.lab.test"]);
		const named = await up({ sites: [{ serverName: "was.lab.test" }], tls: { ...tls, certificate: other.certificate } });
		expect(named.code).not.toBe(0);
		expect(named.output).toMatch(/nginx\.tls\.key: is not the key of the first certificate/);
		expect(named.output).toMatch(/nginx\.sites\[0\]\.serverName = "was\.lab\.test": the certificate is for DNS:other\.lab\.test/);
		for (const line of keyLines) expect(named.output).not.toContain(line);
		expect((await ask(`${httpsUrl}/hello`, trust)).status).toBe(200);

		const weak = makeCertificate(["IP:127.0.0.1"], { algorithm: "rsa:1024" });
		stack.env.TLS_KEY = weak.key;
		const { code, output } = await up({ tls: { ...tls, certificate: weak.certificate } });
		stack.env.TLS_KEY = site.key;
		expect(code).not.toBe(0);
		expect(output).toMatch(/NGINX refuses the configuration; the old one stays in effect/);
		expect(output).toMatch(/ee key too small/);
		expect(await look()).toEqual(before);
		expect((await ask(`${httpsUrl}/hello`, trust)).status).toBe(200);
	});
});

describe.skipIf(lab.noEngine)("existing hosts", () => {
	const hosts = new ExistingHosts();
	const strangerFile = path.join(hosts.scratch, "stranger");
	const stranger = newKeyPair();

	beforeAll(async () => {
		fs.writeFileSync(strangerFile, stranger.private, { mode: 0o600 });
		await hosts.init();
	});

	afterAll(async () => {
		await hosts.destroy();
		hosts.remove();
	});

	const first = (all: ExistingHost[]) => all[0] as ExistingHost;
	const faults: [name: string, change: (all: ExistingHost[]) => void, message: RegExp][] = [
		[
			"nothing listens",
			(all) => Object.assign(first(all).ssh, { port: 2499 }),
			/hosts\[0\]\.ssh\.host: root@127\.0\.0\.1:2499: .*ECONNREFUSED.*: check the address/,
		],
		[
			"the private key is a stranger's",
			(all) => Object.assign(first(all).ssh, { privateKeyFile: strangerFile }),
			/hosts\[0\]\.ssh\.privateKeyFile: .* refused user "root" with this private key/,
		],
		[
			"the host key is not the pinned one",
			(all) => Object.assign(first(all).ssh, { hostKey: stranger.public.trim() }),
			/hosts\[0\]\.ssh\.hostKey: .* host key SHA256:.* is not the pinned SHA256:/,
		],
		[
			"the key file is missing",
			(all) => Object.assign(first(all).ssh, { privateKeyFile: "/nowhere/key" }),
			/hosts\[0\]\.ssh\.privateKeyFile = "\/nowhere\/key": cannot be read \(ENOENT\)/,
		],
	];
	test.each(faults)("are refused with property and remedy, in bounded time, when %s", (_name, change, message) =>
		hosts.expectRefused(change, message),
	);
});
