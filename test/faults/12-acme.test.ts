import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { makeCertificate } from "../support/certificate.ts";
import { labStack } from "../support/lab.ts";

const lab = inject("lab");
const stack = labStack();
const plain = { method: "least_conn" };

afterAll(closeConnections);

describe.skipIf(lab.noEngine)("an ACME server that does not answer", () => {
	const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-acme-"));
	afterAll(() => fs.rmSync(scratch, { recursive: true }));

	test("fails the update with certbot's own error, and HTTP goes on; without it the next up converges", async () => {
		const caCertificateFile = path.join(scratch, "ca.pem");
		fs.writeFileSync(caCertificateFile, makeCertificate(["IP:127.0.0.1"]).certificate);
		// Nothing listens at this port of the host.
		const acme = { email: "ops@lab.test", agreeTos: true, directoryUrl: "https://127.0.0.1:14999/dir", caCertificateFile };
		stack.config["swarm-scaleout:nginx"] = { ...plain, serverName: "was.lab.test", tls: { acme } };
		const { code, output } = await stack.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(/nginx\.tls\.acme: certbot got no certificate for was\.lab\.test; what serves now goes on/);
		expect(output).toMatch(/Connection refused/);
		expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);

		stack.config["swarm-scaleout:nginx"] = plain;
		const after = await stack.up();
		expect(after.code, after.output).toBe(0);
		expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);
	});
});
