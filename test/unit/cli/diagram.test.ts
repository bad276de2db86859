import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { topologyDiagram } from "../../../cli/diagram.ts";
import { readStackFile } from "../../../config/stackFile.ts";
import { projectDirectory, topology, was } from "../fixtures.ts";

const lines = (text: string) => text.split("\n").map((line) => line.trim());

test("every host is drawn once with its address, the members of the swarm inside of it", () => {
	const text = topologyDiagram(topology());
	for (const { name, address } of topology().hosts) expect(text.split(`"${name}<br/>${address}`)).toHaveLength(2);
	const [, inside = ""] = text.split("subgraph");
	expect(inside.slice(0, inside.indexOf("end\n")).match(/host\d\[/g)).toEqual(["host0[", "host1[", "host2["]);
});

test("arrows are the way of a request, of the logs, and of the image", () => {
	expect(lines(topologyDiagram(topology()))).toEqual(
		expect.arrayContaining([
			'clients([clients]) -->|":80"| host4',
			'host4 -->|":8080"| host0 & host1 & host2',
			'host0 & host1 & host2 -->|"/was-logs over NFS"| host3',
			'host3 -.->|"2021babble/babble-was:latest"| host0 & host1 & host2',
		]),
	);
});

test("in host mode only the nodes that run a task are served from", () => {
	const text = topologyDiagram(topology((config) => Object.assign(was(config), { replicas: 2 })));
	expect(text).toContain('-->|":8080"| host0 & host1\n');
});

test("a registry outside and a directory on each node are drawn as such", () => {
	const text = topologyDiagram(
		topology((config) => {
			config.hosts[3].roles = ["log"];
			was(config).image = { name: "a/b", tag: "1" };
			was(config).mount = { type: "bind", target: "/was-logs", source: "/home/ubuntu/was-logs" };
		}),
	);
	expect(text).toContain('registry[("docker.io")] -.->|"a/b:1"| host0');
	expect(text).toContain("babble-was, logs in /home/ubuntu/was-logs");
	expect(text).not.toContain("over NFS");
});

test("the words of a label are text, and names of hosts are not Mermaid's words", () => {
	const text = topologyDiagram(
		topology((config) => {
			config.hosts[1].name = "end";
		}),
	);
	expect(text).toContain('host1["end<br/>');
	expect(lines(text).filter((line) => line === "end")).toHaveLength(1);
});

test("an encrypted value in a stack's file does not hinder", () => {
	const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-stack-")), "Pulumi.x.yaml");
	fs.writeFileSync(file, "config:\n  swarm-scaleout:service: { secretEnv: { A: { secure: v1:abc } } }\n  aws:region: x\n");
	expect(readStackFile(file)).toEqual({ service: { secretEnv: { A: "encrypted" } } });
	fs.rmSync(path.dirname(file), { recursive: true });
});

test.each([
	["lab", 0, /^flowchart LR\n/],
	["nowhere", 1, /no such file.*Pulumi\.nowhere\.yaml/],
])("npm run diagram -- --stack %s ends with %i", (stack, code, expected) => {
	const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/diagram.ts", "--stack", stack], {
		cwd: projectDirectory,
		encoding: "utf8",
	});
	expect(status).toBe(code);
	expect(stdout + stderr).toMatch(expected);
});
