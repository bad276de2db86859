import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { makeCertificate } from "../support/certificate.ts";
import { expectUp, httpsUrl, lab, nginx, onNginx, own, plainAgain, serial, servesHttp, up } from "../support/labNginx.ts";
import { buildPebble, installPebble, removePebble, startPebble } from "../support/pebble.ts";
import { ask, type Trust } from "../support/tls.ts";

afterAll(async () => {
	if (!lab.noEngine) await plainAgain();
	await closeConnections();
});

describe.skipIf(lab.noEngine)("HTTPS by ACME", () => {
	const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-acme-"));
	/** Why there is no ACME server. */
	let missing: string | undefined;
	const name = "was.lab.test";
	let issued: Trust;
	let configured: object;

	beforeAll(async () => {
		const pebble = buildPebble();
		if ("missing" in pebble) {
			missing = pebble.missing;
			return;
		}
		const server = await installPebble(nginx, pebble.file);
		// The ACME server runs on the host, and finds the name there.
		await onNginx(`grep -q ${name} /etc/hosts || echo '127.0.0.1 ${name}' >> /etc/hosts`);
		const caCertificateFile = path.join(scratch, "ca.pem");
		fs.writeFileSync(caCertificateFile, server.ca);
		const acme = { email: "ops@lab.test", agreeTos: true, directoryUrl: server.directoryUrl, caCertificateFile };
		configured = { sites: [{ serverName: name }], tls: { acme } };
	});

	afterAll(async () => {
		fs.rmSync(scratch, { recursive: true });
		if (missing) return;
		await removePebble(nginx);
		await onNginx(`sed -i '/${name}/d' /etc/hosts`);
	});

	test("the certificate is got over HTTP, HTTPS serves it, and HTTP leads there but for challenges", async (context) => {
		context.skip(missing !== undefined, missing);
		await startPebble(nginx);
		await expectUp(configured);
		// Its root is a new one at each start.
		issued = { ca: await onNginx("curl -s -k https://127.0.0.1:15000/roots/0"), servername: name };
		const { status, body } = await ask(`${httpsUrl}/hello`, { ...issued, headers: { host: name } });
		expect([status, (JSON.parse(body) as { version: string }).version]).toEqual([200, expect.any(String)]);
		expect((await ask(`${lab.endpoint}/hello`)).status).toBe(308);
		expect((await ask(`${lab.endpoint}/.well-known/acme-challenge/none`)).status).toBe(404);
		expect((await onNginx("systemctl is-enabled certbot.timer")).trim()).toBe("enabled");
	});

	test("the timer's own service renews it and reloads NGINX", async (context) => {
		context.skip(missing !== undefined, missing);
		const before = await serial(issued);
		// As if its end were near.
		await onNginx(`sed -i 's/^#* *renew_before_expiry.*/renew_before_expiry = 9999 days/' /etc/letsencrypt/renewal/${own}.conf
systemctl start certbot.service`);
		await expect.poll(() => serial(issued), { timeout: 30_000, interval: 1000 }).not.toBe(before);
	});

	test("plain HTTP again leaves no certificate, and nothing to renew", async (context) => {
		context.skip(missing !== undefined, missing);
		await expectUp({});
		await servesHttp();
		const left = `ls -d /etc/letsencrypt/live/${own} /etc/letsencrypt/renewal/${own}.conf /var/www/${own}-acme /etc/systemd/system/certbot.service.d/${own}.conf`;
		expect(await onNginx(`${left} 2>/dev/null || true`)).toBe("");
	});
});

describe.skipIf(lab.noEngine)("an ACME server that does not answer", () => {
	const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-acme-"));
	afterAll(() => fs.rmSync(scratch, { recursive: true }));

	test("fails the update with certbot's own error, and HTTP goes on; without it the next up converges", async () => {
		const caCertificateFile = path.join(scratch, "ca.pem");
		fs.writeFileSync(caCertificateFile, makeCertificate(["IP:127.0.0.1"]).certificate);
		// Nothing listens at this port of the host.
		const acme = { email: "ops@lab.test", agreeTos: true, directoryUrl: "https://127.0.0.1:14999/dir", caCertificateFile };
		const { code, output } = await up({ sites: [{ serverName: "was.lab.test" }], tls: { acme } });
		expect(code).not.toBe(0);
		expect(output).toMatch(/nginx\.tls\.acme: certbot got no certificate for was\.lab\.test; what serves now goes on/);
		expect(output).toMatch(/Connection refused/);
		await servesHttp();

		await expectUp({});
		await servesHttp();
	});
});
