import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { agentConfig, agentScript } from "../../../components/logShipping.ts";
import { syntaxFault } from "../fixtures.ts";

/*
 * The part of the agent's configuration schema that is used here, after translator/config/schema.json of the repository
 * aws/amazon-cloudwatch-agent: what it names is allowed, and nothing else.
 */
const name = z.string().min(1).max(512);
const file = z.strictObject({
	file_path: z.string().max(4096),
	log_group_name: name.optional(),
	log_stream_name: name.optional(),
	log_group_class: z.enum(["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]).optional(),
	multi_line_start_pattern: z.string().min(1).max(4096).optional(),
	timestamp_format: z.string().min(1).max(4096).optional(),
	timezone: z.enum(["Local", "LOCAL", "UTC"]).optional(),
	trim_timestamp: z.boolean().optional(),
	encoding: z.string().min(1).max(4096).optional(),
	auto_removal: z.boolean().optional(),
	blacklist: z.string().min(1).max(4096).optional(),
	publish_multi_logs: z.boolean().optional(),
	retention_in_days: z.int().optional(),
});
const agentSchema = z.object({
	agent: z.looseObject({ region: z.string().min(1).max(64).optional() }),
	logs: z.strictObject({ logs_collected: z.strictObject({ files: z.strictObject({ collect_list: z.array(file).min(1) }) }) }),
});

const settings = { host: "log", directory: "/mnt/main-was-logs", logGroup: "/swarm-scaleout/prod/logs", region: "ap-northeast-2" };

describe("the agent's configuration", () => {
	test("is what the agent's schema allows", () => {
		expect(agentSchema.parse(agentConfig(settings))).toEqual(agentConfig(settings));
	});

	test("ships every log file of the export, each to a stream of its own", () => {
		expect(agentConfig(settings).logs.logs_collected.files.collect_list).toEqual([
			{
				file_path: "/mnt/main-was-logs/*.log",
				publish_multi_logs: true,
				log_group_name: "/swarm-scaleout/prod/logs",
				log_stream_name: "log",
			},
		]);
	});

	test("lets the agent read what the export's mode hides from others", () => {
		expect(agentConfig(settings).agent).toEqual({ region: "ap-northeast-2", run_as_user: "root" });
	});
});

describe("the script that runs the agent", () => {
	const fingerprint = "937616F3450B7D806CBD9725D58167303B789C72";
	let directory: string;
	beforeEach(() => {
		directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-agent-"));
	});
	afterEach(() => fs.rmSync(directory, { recursive: true }));

	/** Runs it against stand-ins of the host's programs. `signer`: whose signature gpg finds; `state`: what the agent says of itself. */
	function run({ installed = false, signer = fingerprint, state = "running", region = "ap-northeast-2" } = {}) {
		const stubs = `
dpkg-query() { case " ${installed ? "amazon-cloudwatch-agent" : ""} curl gnupg " in *" \${!#} "*) echo "install ok installed" ;; *) return 1 ;; esac; }
apt-get() { echo "apt-get \${!#}"; }
curl() { echo "curl \${!#}"; touch "$directory/$1" 2>/dev/null || true; }
gpg() { case "$*" in *--verify*) [ -n '${signer}' ] && echo "[GNUPG:] VALIDSIG ${signer} 2026-01-01 1 0 4 0 1 10 00 ${signer}" || return 1 ;; esac; }
sleep() { :; }
`;
		const control = path.join(directory, "bin", "amazon-cloudwatch-agent-ctl");
		fs.mkdirSync(path.join(directory, "bin"));
		fs.mkdirSync(path.join(directory, "etc"));
		fs.writeFileSync(control, `#!/bin/sh\necho "ctl $*" >&2\nprintf '{\\n  "status": "${state}"\\n}\\n'\n`, { mode: 0o755 });
		const script = agentScript(region).replaceAll("/opt/aws/amazon-cloudwatch-agent", directory);
		const result = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", stubs + script], { input: "{}\n", encoding: "utf8" });
		const calls = `${result.stdout}${result.stderr}`.split("\n").filter((line) => /^(apt-get|curl|ctl) /.test(line));
		return { ...result, calls };
	}

	test("is bash", () => {
		expect(syntaxFault(agentScript("ap-northeast-2"))).toBe("");
	});

	test("installs the package of the host's system from the region's bucket, once its vendor's signature is seen", () => {
		const { status, stderr, calls } = run();
		expect(status, stderr).toBe(0);
		const fetched = calls.filter((call) => call.startsWith("curl "));
		const system = fs.readFileSync("/etc/os-release", "utf8").match(/^ID=(.*)$/m)?.[1];
		const server = "https://amazoncloudwatch-agent-ap-northeast-2.s3.ap-northeast-2.amazonaws.com";
		expect(fetched).toEqual([
			`curl ${server}/${system}/amd64/latest/amazon-cloudwatch-agent.deb`,
			`curl ${server}/${system}/amd64/latest/amazon-cloudwatch-agent.deb.sig`,
			`curl ${server}/assets/amazon-cloudwatch-agent.gpg`,
		]);
		expect(calls.some((call) => /^apt-get .*agent\.deb$/.test(call))).toBe(true);
	});

	test.each([
		["another's", "A".repeat(40)],
		["no", ""],
	])("installs nothing that bears %s signature", (_whose, signer) => {
		const { status, stderr, calls } = run({ signer });
		expect(status).toBe(1);
		expect(stderr).toContain(`not signed by its vendor's key ${fingerprint}`);
		expect(calls.filter((call) => /^(apt-get|ctl)/.test(call))).toEqual([]);
	});

	test("fetches nothing when the agent is there, and puts the configuration into effect", () => {
		const { status, stderr, calls } = run({ installed: true });
		expect(status, stderr).toBe(0);
		expect(calls).toEqual([`ctl -a fetch-config -m ec2 -s -c file:${directory}/etc/scaleout.json`, "ctl -a status"]);
		expect(fs.readFileSync(path.join(directory, "etc", "scaleout.json"), "utf8")).toBe("{}\n");
	});

	test("fails when the agent does not run", () => {
		const { status, stderr } = run({ installed: true, state: "stopped" });
		expect(status).toBe(1);
		expect(stderr).toContain("logs.shipping: the CloudWatch agent does not run");
	});

	test("in China fetches from that partition", () => {
		expect(agentScript("cn-north-1")).toContain("https://amazoncloudwatch-agent-cn-north-1.s3.cn-north-1.amazonaws.com.cn/");
	});
});
