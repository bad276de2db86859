import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CertificateFiles, certificateFaults, certificateLints, readCertificate } from "../../../config/certificate.ts";
import { ConfigError, type Fault } from "../../../lib/fault.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { Recorder } from "../../support/mocks.ts";
import { type Raw, topology } from "../fixtures.ts";

const dayMs = 86_400_000;
/** An hour from now: the certificates below are valid from the second they are made. */
const now = new Date(Date.now() + dayMs / 24);
const inDays = (days: number) => new Date(now.getTime() + days * dayMs);

const root = makeCertificate([], { ca: true, days: 3650 });
const intermediate = makeCertificate([], { ca: true, issuer: root, days: 3650 });
const site = makeCertificate(["DNS:was.example.org", "DNS:*.apps.example.org", "IP:192.168.1.10"], { issuer: intermediate });
const other = makeCertificate(["DNS:other.example.org"]);
const chain = site.certificate + intermediate.certificate;
const encrypted = execFileSync("openssl", ["pkey", "-aes256", "-passout", "pass:planted"], { input: site.key, encoding: "utf8" });

const properties = { certificate: "nginx.tls.certificate", key: "nginx.tls.key" };
const faultsOf = (change: Partial<CertificateFiles>) =>
	certificateFaults({ chain, key: site.key, serverNames: ["was.example.org"], now, properties, ...change });

describe("a certificate that serves the site has no fault", () => {
	test.each(["was.example.org", "a.apps.example.org", "*.apps.example.org", "192.168.1.10", "_"])("for server name %s", (serverName) => {
		expect(faultsOf({ serverNames: [serverName] })).toEqual([]);
	});

	test("self-signed, and with the text that openssl prints before it", () => {
		expect(
			faultsOf({ chain: `Certificate:\n    Data:\n${other.certificate}`, key: other.key, serverNames: ["other.example.org"] }),
		).toEqual([]);
	});
});

describe("a fault of the certificate is told by property and remedy", () => {
	// biome-ignore format: one fault a row
	const rows: [fault: string, change: Partial<CertificateFiles>, property: string, remedy: string][] = [
		["no PEM", { chain: "MIIB" }, "nginx.tls.certificate", "holds no PEM certificate"],
		["PEM of nothing", { chain: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }, "nginx.tls.certificate", "cannot be read"],
		["the key beside the certificate", { chain: chain + site.key }, "nginx.tls.certificate", "holds a private key"],
		["expired", { now: inDays(91) }, "nginx.tls.certificate", "has expired"],
		["not valid yet", { now: inDays(-1) }, "nginx.tls.certificate", "is not valid yet"],
		["another certificate's key", { key: other.key }, "nginx.tls.key", "is not the key of the first certificate"],
		["the chain's order is turned round", { chain: intermediate.certificate + site.certificate, key: intermediate.key, serverNames: ["_"] }, "nginx.tls.certificate", "certificate 2 did not issue certificate 1"],
		["an intermediate is left out", { chain: site.certificate + root.certificate }, "nginx.tls.certificate", "certificate 2 did not issue certificate 1"],
		["a key that is none", { key: site.certificate }, "nginx.tls.key", "is no private key in PEM"],
		["a key with a passphrase", { key: encrypted }, "nginx.tls.key", "is protected by a passphrase"],
		["another name", { serverNames: ["www.example.org"] }, "nginx.sites[0].serverName", "DNS:was.example.org"],
		["a wildcard goes one level deep", { serverNames: ["a.b.apps.example.org"] }, "nginx.sites[0].serverName", "the certificate is for"],
		["a certificate for one name, a server name for many", { serverNames: ["*.example.org"] }, "nginx.sites[0].serverName", "the certificate is for"],
		["another address", { serverNames: ["192.168.1.11"] }, "nginx.sites[0].serverName", "IP Address:192.168.1.10"],
	];
	test.each(rows)("%s", (_fault, change, property, remedy) => {
		const found = faultsOf(change);
		expect(found).toMatchObject([{ property, remedy: expect.stringContaining(remedy) }]);
	});

	test("all of them at once, and no word of the key", () => {
		const found = faultsOf({ key: other.key, now: inDays(91), serverNames: ["www.example.org"] });
		expect(found.map(({ property }) => property)).toEqual(["nginx.tls.certificate", "nginx.tls.key", "nginx.sites[0].serverName"]);
		const body = other.key.split("\n")[1] as string;
		expect(body.length).toBeGreaterThan(40);
		expect(JSON.stringify(found)).not.toContain(body);
	});
});

describe("a certificate near its end is warned about", () => {
	test.each<[after: number, remedies: RegExp[]]>([
		[75, []],
		[77, [/ends in 12 days/]],
		[89.5, [/ends in 0 days/]],
		[91, []],
	])("after %d of 90 days: %j", (after, remedies) => {
		const found = certificateLints(chain, "nginx.tls.certificate", inDays(after));
		expect(found).toMatchObject(remedies.map((remedy) => ({ property: "nginx.tls.certificate", remedy: expect.stringMatching(remedy) })));
		expect(found).toHaveLength(remedies.length);
	});
});

describe("the certificate of the configuration", () => {
	const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-tls-"));
	const file = (name: string, content: string) => {
		fs.writeFileSync(path.join(scratch, name), content);
		return path.join(scratch, name);
	};
	const load = (tls: Raw, at = now) => {
		const faults: Fault[] = [];
		const { nginx } = topology((config) => Object.assign(config.nginx, { tls, sites: [{ serverName: "was.example.org" }] }));
		const certificate = readCertificate(nginx, faults, [], at);
		if (faults.length > 0) throw new ConfigError(faults);
		return certificate;
	};
	const plainOf = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => void output.apply(resolve));

	beforeEach(() => new Recorder().start());
	afterEach(async () => {
		await pulumi.runtime.disconnect();
		vi.unstubAllEnvs();
	});
	afterAll(() => fs.rmSync(scratch, { recursive: true }));

	test("is absent without tls", () => {
		expect(readCertificate(topology().nginx, [], [])).toBeUndefined();
	});

	test("comes as text with a secret key, or from files, alike and as a secret", async () => {
		vi.stubEnv("TLS_KEY", site.key);
		const text = load({ certificate: chain, key: { fromEnvironment: "TLS_KEY" } });
		const files = load({ certificateFile: file("chain.pem", chain), keyFile: file("key.pem", site.key) });
		for (const certificate of [text, files]) {
			if (!certificate || certificate.acme) throw new Error("no certificate");
			expect(certificate.id).toMatch(/^[0-9a-f]{12}$/);
			const pem = pulumi.output(certificate.pem);
			expect(await pulumi.isSecret(pem)).toBe(true);
			expect(await plainOf(pem)).toBe(`${chain.trim()}\n${site.key.trim()}\n`);
		}
		expect(text).toMatchObject({ id: (files as { id: string }).id });
	});

	test("has another id when it is another one", () => {
		const renewed = makeCertificate(["DNS:was.example.org"]);
		expect(load({ certificate: renewed.certificate, key: renewed.key })).not.toMatchObject({
			id: (load({ certificate: chain, key: site.key }) as { id: string }).id,
		});
	});

	test("faults are told with the keys that were used, all at once", () => {
		const broken = () => load({ certificateFile: file("chain.pem", chain), keyFile: file("other.pem", other.key) }, inDays(91));
		expect(broken).toThrow(ConfigError);
		expect(broken).toThrow(/nginx\.tls\.certificateFile = .*expired[\s\S]*nginx\.tls\.keyFile: is not the key/);
	});

	test("files that are not there are named, both", () => {
		const missing = () => load({ certificateFile: "/nowhere/chain.pem", keyFile: "/nowhere/key.pem" });
		expect(missing).toThrow(/2 faults[\s\S]*certificateFile = "\/nowhere\/chain.pem": cannot be read \(ENOENT\)[\s\S]*keyFile = /);
	});

	test("by ACME brings the CA of the server, which must be a certificate", () => {
		const acme = { email: "ops@example.org", agreeTos: true, caCertificateFile: file("ca.pem", root.certificate) };
		expect(load({ acme })).toMatchObject({ ca: root.certificate, acme: { email: "ops@example.org" } });
		expect(() => load({ acme: { ...acme, caCertificateFile: file("no.pem", "no") } })).toThrow(/acme\.caCertificateFile: holds no PEM/);
	});
});
