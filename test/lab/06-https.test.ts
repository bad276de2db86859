import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { makeCertificate } from "../support/certificate.ts";
import { expectUp, httpsPort, httpsUrl, lab, onNginx, own, plainAgain, servesHttp, stack } from "../support/labNginx.ts";
import { ask, handshake } from "../support/tls.ts";

// By ACME, and what is refused: test/faults. One that cannot serve at all never comes here: test/engine/preview.
describe.skipIf(lab.noEngine)("HTTPS", () => {
	afterAll(async () => {
		await plainAgain();
		await closeConnections();
	});

	describe("with a certificate of the configuration", () => {
		const site = makeCertificate(["IP:127.0.0.1", "DNS:was.lab.test"]);
		const trust = { ca: site.certificate };
		const tls = { certificate: site.certificate, key: { fromEnvironment: "TLS_KEY" }, hstsSeconds: 60 };
		/** The key's base64 text, without its lines. */
		const keyLines = site.key.split("\n").filter((line) => line.length > 40);

		beforeAll(async () => {
			stack.env.TLS_KEY = site.key;
			const output = await expectUp({ tls });
			for (const line of keyLines) expect(output).not.toContain(line);
		});

		test("is served by all nodes, in TLS 1.2 and 1.3 and nothing older", async () => {
			const answers = await Promise.all(Array.from({ length: 12 }, () => ask(`${httpsUrl}/hello`, trust)));
			expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
			const hosts = new Set(answers.map(({ body }) => (JSON.parse(body) as { host: string }).host));
			expect([...hosts].sort()).toEqual(["manager", "worker1", "worker2"]);
			expect(answers[0]?.headers["strict-transport-security"]).toBe("max-age=60");
			for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
				expect(await handshake(httpsPort, trust, version)).toMatchObject({ protocol: version });
			}
			await expect(handshake(httpsPort, trust, "TLSv1.1")).rejects.toThrow(/protocol version/);
		});

		test("HTTP leads to it, by the port that clients know", async () => {
			const { status, headers } = await ask(`${lab.endpoint}/a?b=c`, { method: "POST", body: "x" });
			expect([status, headers.location]).toEqual([308, `${httpsUrl}/a?b=c`]);
			const root = (await stack.resources()).find(({ type }) => type === "pulumi:pulumi:Stack");
			expect(root?.outputs.endpoint).toBe(httpsUrl);
		});

		test("its key is for root alone on the host, and nowhere in the state in plain text", async () => {
			const modes = await onNginx(`stat -c '%a %U' /etc/nginx/${own}-tls /etc/nginx/${own}-tls/*.pem`);
			expect(modes.trim().split("\n")).toEqual(["700 root", "600 root"]);
			expect(keyLines.length).toBeGreaterThan(1);
			const state = stack.stateFiles();
			const config = await onNginx("nginx -T 2>/dev/null");
			for (const line of keyLines) {
				expect(state).not.toContain(line);
				expect(config).not.toContain(line);
			}
			expect(config).toContain(`ssl_certificate_key /etc/nginx/${own}-tls/`);
		});

		test("another one takes its place, and plain HTTP that of both", async () => {
			const next = makeCertificate(["IP:127.0.0.1"]);
			stack.env.TLS_KEY = next.key;
			await expectUp({ tls: { ...tls, certificate: next.certificate } });
			expect((await ask(`${httpsUrl}/hello`, { ca: next.certificate })).status).toBe(200);
			expect((await onNginx(`ls /etc/nginx/${own}-tls | wc -l`)).trim()).toBe("1");

			await expectUp({});
			await servesHttp();
			await expect(ask(`${httpsUrl}/hello`, { ca: next.certificate })).rejects.toThrow();
			expect(await onNginx("ls -A /etc/nginx | grep -E 'scaleout.*(tls|https)|staged' || true")).toBe("");
			expect(await onNginx("ls /etc/nginx/conf.d")).toBe(`${own}.conf\n`);
		});
	});
});
