import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { acmeStep } from "../../components/balancer/nginx/steps.ts";
import { shippingStep } from "../../components/logShipping.ts";
import { loginStep } from "../../components/registryLogin.ts";
import { mountStep } from "../../components/sources/aws/dataVolume.ts";
import { kitArchive, kitDirectory, scriptText } from "../../host/kit.ts";
import { allWritten } from "../../host/steps.ts";
import { asRoot } from "../../lib/connection.ts";
import { provider as disk } from "../../providers/disk/provider.ts";
import { firstSteps } from "../../providers/host/provider.ts";
import { ensureHostKey, writeSeed } from "../../providers/machine/seed.ts";
import { makeCertificate } from "../support/certificate.ts";
import { Recorder } from "../support/mocks.ts";
import { runProgram } from "../support/program.ts";
import { type HostFile, StandInHost } from "../support/standInHost.ts";
import { commandsOf } from "../support/step.ts";
import { labConfig, type Raw, topology, was } from "./fixtures.ts";

/*
 * The modes of all that is written, on hosts and where `pulumi` runs, as host/steps.ts and docs/security.md say them. Every step of the program runs in the root of a
 * stand-in of a host whose umask keeps nothing from anyone, and on one whose umask keeps everything from everyone.
 */

interface Step {
	name: string;
	command: string;
	stdin?: string;
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-modes-"));
const owner = "swarm-scaleout/lab";
let archive: Buffer;
let steps: Step[];
const umask = process.umask();

beforeAll(async () => {
	process.umask(0);
	archive = await kitArchive();
	vi.stubEnv("HOME", scratch);
	vi.stubEnv("DATASOURCE_PASSWORD", "planted-datasource-password");
	vi.stubEnv("REDIS_PASSWORD", "planted-redis-password");
	const { certificate, key } = makeCertificate(["DNS:was.example.org"]);
	const config: Raw = {
		...labConfig(),
		nginx: { sites: [{ serverName: "was.example.org" }], tls: { certificate, key }, maintenance: true },
	};
	was(config).mount = { type: "bind", source: "/srv/was-logs" };
	const recorder = new Recorder();
	const named = Object.fromEntries(Object.entries(config).map(([name, value]) => [`swarm-scaleout:${name}`, value]));
	await runProgram(recorder, named, "lab");
	steps = [
		...recorder.ofType(":HostBootstrap").flatMap(({ name, inputs }) => firstSteps(inputs as never).map((step) => ({ name, ...step }))),
		...recorder.ofType("command:remote:Command").map(({ name, inputs }) => ({ name, command: inputs.create, stdin: inputs.stdin })),
		...others(),
	];
});
afterAll(() => {
	process.umask(umask);
	vi.unstubAllEnvs();
	fs.rmSync(scratch, { recursive: true });
});

/** Steps of hosts that the lab has none of. */
function others(): Step[] {
	const { nginx } = topology((config) => {
		config.nginx = { sites: [{ serverName: "was.example.org" }], tls: { acme: { email: "ops@example.org", agreeTos: true } } };
	});
	const acme = nginx.tls?.acme as NonNullable<NonNullable<typeof nginx.tls>["acme"]>;
	const paths = {
		name: "own",
		challenges: "/var/www/own-acme",
		caBundle: "/etc/letsencrypt/own-ca.pem",
		dropIn: "/etc/systemd/system/certbot.service.d/own.conf",
	};
	return [
		acmeStep(["was.example.org"], { acme, ca: "a CA\n" }, paths),
		loginStep("babble-was", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
		shippingStep("eu-central-1", "{}\n"),
		mountStep("id-of-hosts-log-volume", "/mnt/main-was-logs", "50GiB"),
	].map((step) => {
		const { create, stdin } = commandsOf(step);
		return { name: step.step, command: create, stdin };
	});
}

/** What the steps leave on hosts, all on one, with a umask. */
function written(hostUmask: string): { files: HostFile[]; owners: string[][] } {
	const scripts = installed(hostUmask);
	const host = new StandInHost();
	const before = [...host.files(), ...scripts];
	for (const { name, command, stdin } of steps) {
		const { status, stderr } = host.run(command, stdin, hostUmask);
		expect(status, `${name}: ${stderr}`).toBe(0);
	}
	expect(host.faults).toEqual([]);
	const result = {
		files: [...host.files(before), ...scripts],
		owners: host
			.calls("chown")
			.map((words) => words.slice(1).map((word) => word.replace(host.root, "")))
			.filter(([owner]) => owner !== "root:root"),
	};
	host.remove();
	return result;
}

/** What is on a host once it has the scripts: one of their own, where no path in them is led into its root. */
function installed(hostUmask: string): HostFile[] {
	const host = new StandInHost();
	const before = host.files();
	const { status, stderr } = host.run(asRoot("root", scriptText("host/install", { kit: kitDirectory(owner) })), archive, hostUmask);
	expect([status, stderr, host.faults]).toEqual([0, "", []]);
	const files = host.files(before);
	host.remove();
	return files;
}

/** The places on hosts that steps say they write, with their modes. */
const documented = allWritten().map(({ place, mode }) => ({
	place: new RegExp(`^${place.replace(/[.+]/g, "\\$&").replace(/<\w+>/g, "[^/]+")}$`),
	mode,
}));

describe.each(["000", "077"])("on a host with umask %s", (hostUmask) => {
	test("each file and directory has the mode that is documented, and there is no other one", () => {
		const { files, owners } = written(hostUmask);
		expect(documented.length).toBeGreaterThan(20);
		const isOnTheWay = (file: HostFile) =>
			file.isDirectory && file.mode === "755" && files.some(({ path }) => path.startsWith(`${file.path}/`));
		const unexpected = files.filter((file) => {
			const modes = documented.filter(({ place }) => place.test(file.path)).map(({ mode }) => mode);
			return modes.length > 0 ? !modes.includes(file.mode) : !isOnTheWay(file);
		});
		expect(unexpected).toEqual([]);
		for (const { place } of documented)
			expect(
				files.some((file) => place.test(file.path)),
				`${place} is written`,
			).toBe(true);
		// All else belongs to root, who runs the steps.
		expect(owners).toEqual([
			["10001:10001", "/mnt/main-was-logs"],
			["docker-registry:docker-registry", "/var/lib/docker-registry"],
			["docker-registry", "/etc/docker/registry/tls.key", "/etc/docker/registry/htpasswd"],
		]);
	});
});

describe("where pulumi runs, with umask 000", () => {
	const modeOf = (...names: string[]) => (fs.statSync(path.join(scratch, ...names)).mode & 0o777).toString(8);

	test("keys and known hosts of the ssh program are their owner's alone", () => {
		const directory = [".cache", "swarm-scaleout", "ssh"];
		const files = fs.readdirSync(path.join(scratch, ...directory));
		expect(modeOf(...directory)).toBe("700");
		expect(files).toHaveLength(2);
		for (const file of files) expect(modeOf(...directory, file)).toBe("600");
	});

	test("what a local machine is made from is its owner's alone, host key and authorized key included", async () => {
		const machine = path.join(scratch, "machine");
		fs.mkdirSync(machine, { mode: 0o700 });
		await ensureHostKey(machine);
		await writeSeed(machine, { "etc/hostname": "x\n" });
		expect([modeOf("machine", "host-key.json"), modeOf("machine", "seed.tar")]).toEqual(["600", "600"]);
	});

	test("the directory of the collected logs' disk is its owner's alone", async (context) => {
		const file = path.join(scratch, ".lab", "log-disk.ext4");
		const made = await disk.create({ file, sizeGiB: 1 }).catch((error: Error) => error);
		context.skip(made instanceof Error && /not installed/.test(made.message), "there is no mke2fs here");
		expect(made).toMatchObject({ id: file });
		expect(modeOf(".lab")).toBe("700");
	});
});
