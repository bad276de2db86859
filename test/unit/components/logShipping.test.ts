import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { agentConfig, shippingStep } from "../../../components/logShipping.ts";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep } from "../../support/step.ts";

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

describe("the step that runs the agent", () => {
	const fingerprint = "937616F3450B7D806CBD9725D58167303B789C72";
	let host: StandInHost;
	let agent: string;
	eachOnHost((fresh) => {
		host = fresh;
		agent = path.join(host.root, "opt/aws/amazon-cloudwatch-agent");
		fs.writeFileSync(path.join(host.root, "etc/os-release"), "ID=ubuntu\n");
		fs.mkdirSync(path.join(agent, "logs"));
		fs.writeFileSync(path.join(agent, "logs/amazon-cloudwatch-agent.log"), "no credentials\n");
	});

	/** `signer`: whose signature gpg finds; `state`: what the agent says of itself. */
	function run({ installed = false, signer = fingerprint, state = "running", region = "ap-northeast-2" } = {}) {
		const standIns = `
dpkg-query() { case " ${installed ? "amazon-cloudwatch-agent" : ""} curl gnupg " in *" \${!#} "*) echo "install ok installed" ;; *) return 1 ;; esac; }
apt-get() { said apt-get "$@"; }
curl() { said curl "\${!#}"; }
gpg() { case "$*" in *--verify*) [ -n '${signer}' ] && echo "[GNUPG:] VALIDSIG ${signer} 2026-01-01 1 0 4 0 1 10 00 ${signer}" || return 1 ;; esac; }
export -f dpkg-query apt-get curl gpg`;
		const control = path.join(agent, "bin/amazon-cloudwatch-agent-ctl");
		fs.writeFileSync(control, `#!/bin/bash\nsaid ctl "$@"\nprintf '{\\n  "status": "${state}"\\n}\\n'\n`);
		return runStep(host, shippingStep(region, "{}\n"), standIns);
	}

	test.each([
		["ap-northeast-2", "https://amazoncloudwatch-agent-ap-northeast-2.s3.ap-northeast-2.amazonaws.com"],
		// A partition of its own.
		["cn-north-1", "https://amazoncloudwatch-agent-cn-north-1.s3.cn-north-1.amazonaws.com.cn"],
	])("installs the package of the host's system from the bucket of %s, once its vendor's signature is seen", (region, server) => {
		const { status, stderr } = run({ region });
		expect(status, stderr).toBe(0);
		expect(host.calls("curl").map(([, url]) => url)).toEqual([
			`${server}/ubuntu/amd64/latest/amazon-cloudwatch-agent.deb`,
			`${server}/ubuntu/amd64/latest/amazon-cloudwatch-agent.deb.sig`,
			`${server}/assets/amazon-cloudwatch-agent.gpg`,
		]);
		expect(host.calls("apt-get").map((words) => words.at(-1))).toEqual([expect.stringMatching(/\/agent\.deb$/)]);
	});

	test.each([
		["another's", "A".repeat(40)],
		["no", ""],
	])("installs nothing that bears %s signature", (_whose, signer) => {
		const { status, stderr } = run({ signer });
		expect(status).toBe(1);
		expect(stderr).toMatch(new RegExp(`^logs\\.shipping: .* not signed by its vendor's key ${fingerprint}`));
		expect([...host.calls("apt-get"), ...host.calls("ctl")]).toEqual([]);
	});

	test("fetches nothing when the agent is there, and puts the configuration into effect", () => {
		const { status, stderr } = run({ installed: true });
		expect(status, stderr).toBe(0);
		expect([...host.calls("curl"), ...host.calls("apt-get")]).toEqual([]);
		expect(host.calls("ctl").map((words) => words.join(" "))).toEqual([
			`ctl -a fetch-config -m ec2 -s -c file:${agent}/etc/scaleout.json`,
			"ctl -a status",
		]);
		expect(fs.readFileSync(path.join(agent, "etc/scaleout.json"), "utf8")).toBe("{}\n");
	});

	test("fails when the agent does not run, with its own words", () => {
		const { status, stderr } = run({ installed: true, state: "stopped" });
		expect(status).toBe(1);
		expect(stderr).toMatch(/^logs\.shipping: the CloudWatch agent does not run:\nno credentials\n/);
	});
});
