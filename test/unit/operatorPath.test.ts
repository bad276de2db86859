import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { Recorder } from "../support/mocks.ts";
import { runProgram } from "../support/program.ts";
import { labConfig, type Raw, was } from "./fixtures.ts";

/* Files of the machine that runs `pulumi`, named below the home directory. */

const home = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-home-"));
const { certificate, key } = makeCertificate(["DNS:was.example.org"], { ca: true });

beforeAll(() => {
	vi.stubEnv("HOME", home);
	vi.stubEnv("DATASOURCE_PASSWORD", "a");
	vi.stubEnv("REDIS_PASSWORD", "b");
	for (const [name, content] of Object.entries({ "ca.crt": certificate, "site.crt": certificate, key, "base.tar.gz": "" }))
		fs.writeFileSync(path.join(home, name), content);
});
afterAll(() => {
	vi.unstubAllEnvs();
	fs.rmSync(home, { recursive: true });
});

test("~/ is the home directory in every key that names a file or a directory", async () => {
	const config: Raw = {
		...labConfig(),
		registry: { server: "registry.example.org:5000", username: "me", password: "secret", caFile: "~/ca.crt" },
		nginx: { sites: [{ serverName: "was.example.org" }], tls: { certificateFile: "~/site.crt", keyFile: "~/key" } },
	};
	for (const host of config.hosts) host.roles = host.roles.filter((role: string) => role !== "registry");
	Object.assign(was(config).image.build, { context: "~/context", baseArchive: "~/base.tar.gz" });
	config.local = { directory: "~/machines", imageDirectory: "~/image" };
	const recorder = new Recorder();
	await runProgram(recorder, Object.fromEntries(Object.entries(config).map(([name, value]) => [`swarm-scaleout:${name}`, value])), "lab");
	const find = recorder.find.bind(recorder);
	expect(find("hosts-manager", ":Machine").inputs).toMatchObject({
		directory: `${home}/machines/manager`,
		imageDirectory: `${home}/image`,
	});
	expect(find("hosts-log-disk").inputs.file).toBe(`${home}/machines/log-disk.ext4`);
	expect(find("babble-was", ":Image").inputs.build).toMatchObject({ context: `${home}/context`, dockerfile: `${home}/context/Dockerfile` });
	expect(await find("base-image-babble-java-17-archive").inputs.source.path).toBe(`${home}/base.tar.gz`);
	expect(find("registry-trust-manager").inputs.stdin).toContain("BEGIN CERTIFICATE");
	expect(find("nginx-certificate").inputs.stdin).toContain("PRIVATE KEY");
});
