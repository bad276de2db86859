import type { ChildProcess } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskTerms } from "../../../../lib/agentNames.ts";
import { projectDirectory } from "../../fixtures.ts";
import { StandInDocker } from "./docker.ts";
import { containerAddress, makeDockerRules, type Network, published, sh, spawnIn, target } from "./network.ts";

/** As on a host; elsewhere the one of the PATH. */
const python = fs.existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

/** What a task is told in these tests: everything passes quickly. */
export const quick: TaskTerms = {
	target,
	health: { path: "/health", status: [200], host: "localhost", timeoutSeconds: 2 },
	settleSeconds: 0.6,
	turnLimitSeconds: 20,
	drainLimitSeconds: 10,
	stopGraceSeconds: 5,
	monitorSeconds: 1,
};

/** ID of the service in the swarm. */
export const service = "service-1";

export interface TaskOptions {
	terms?: Partial<TaskTerms> | null;
	/** What Docker's own check says of it. */
	health?: string;
	/** The image's STOPSIGNAL. */
	stopSignal?: string;
	behaviour?: "dies" | "deaf";
	published?: number;
	/** Whether Docker has published the port. */
	isPublished?: boolean;
}

/** A container: known to the stand-in of Docker, and once it is started, a process. */
export interface StandInTask {
	id: string;
	app?: ChildProcess;
	/** What the application said: requests, signals. */
	said: string[];
	behaviour: string;
	target: number;
}

/** A node of the service: namespaces, a stand-in of Docker, the agent. */
export class Node {
	readonly scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-drain-"));
	readonly docker = new StandInDocker(path.join(this.scratch, "docker.sock"));
	/** Where the agent keeps what it must not forget. */
	readonly memory = path.join(this.scratch, "scaleout-drain-was");
	readonly namespace: string;
	readonly container: string;
	readonly address: string;
	readonly url: string;
	agent: ChildProcess | undefined;
	/** What the agents said, all of them. */
	log = "";
	/** Arguments beside those that every agent has. */
	options: string[] = [];

	readonly name: string;
	private readonly network: Network;

	constructor(network: Network, index = 1) {
		this.network = network;
		this.name = `node${index}`;
		const { node, container, address } = network.node(index);
		this.namespace = node;
		this.container = container;
		this.address = address;
		this.url = `http://${address}:${published}/`;
		this.docker.onKill = (id, signal) => this.send(id, signal);
		this.standIn(
			"systemctl",
			'case "$1" in list-jobs) cat "$(dirname "$0")/jobs" ;; list-units) cat "$(dirname "$0")/units" ;; show) cd "$(dirname "$0")"; echo >> looks; cat state ;; esac',
		);
		this.jobs("");
		this.units("");
		fs.writeFileSync(path.join(this.scratch, "state"), "active\n");
	}

	readonly tasks = new Map<string, StandInTask>();

	/** A program of the agent's PATH, in place of the real one. Its own directory is scratch. */
	standIn(name: string, script: string): void {
		fs.writeFileSync(path.join(this.scratch, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
	}

	realAgain(name: string): void {
		fs.rmSync(path.join(this.scratch, name));
	}

	/** What `systemctl list-jobs` shows. */
	jobs(lines: string): void {
		fs.writeFileSync(path.join(this.scratch, "jobs"), lines);
	}

	/** What `systemctl list-units` shows of agents. */
	units(lines: string): void {
		fs.writeFileSync(path.join(this.scratch, "units"), lines);
	}

	/** How often `systemctl show` was asked for Docker's state. */
	get looks(): number {
		return fs.readFileSync(path.join(this.scratch, "looks"), { encoding: "utf8", flag: "a+" }).length;
	}

	dockerState(state: string): void {
		fs.writeFileSync(path.join(this.scratch, "state"), `${state}\n`);
	}

	/** Docker makes a container, as Swarm does it while the one before still runs. */
	create({
		terms = {},
		health = "starting",
		stopSignal,
		behaviour = "dies",
		published: port = published,
		isPublished = true,
	}: TaskOptions = {}): StandInTask {
		const id = crypto.randomBytes(32).toString("hex");
		const all = { ...quick, ...terms };
		const key = `${all.target}/tcp`;
		this.docker.images.set(`image-${id}`, stopSignal ? { StopSignal: stopSignal } : {});
		this.docker.containers.set(id, {
			Id: id,
			Image: `image-${id}`,
			State: { Status: "created", Pid: 0, Health: { Status: health } },
			Config: { Labels: { "com.docker.swarm.service.id": service, ...(terms && { "scaleout.task": JSON.stringify(all) }) } },
			HostConfig: { PortBindings: { [key]: [{ HostIp: "", HostPort: String(port) }] } },
			NetworkSettings: {
				Ports: isPublished ? { [key]: [{ HostPort: String(port) }] } : {},
				Networks: { bridge: { IPAddress: containerAddress } },
			},
		});
		const task = { id, said: [], behaviour, target: all.target };
		this.tasks.set(id, task);
		this.docker.event(id, "create");
		return task;
	}

	/** Starts it; resolves once the application listens. */
	async start(task: StandInTask, status = 200): Promise<StandInTask> {
		const app = spawnIn(this.container, [process.execPath, path.join(import.meta.dirname, "app.ts"), String(task.target), task.behaviour]);
		task.app = app;
		const container = this.docker.containers.get(task.id);
		if (container) container.State = { ...container.State, Status: "running", Pid: app.pid ?? 0 };
		app.stdin?.write(`${status}\n`);
		app.stdout?.on("data", (data) => task.said.push(...String(data).trim().split("\n")));
		app.once("exit", () => {
			if (container) container.State.Status = "exited";
			this.docker.event(task.id, "die");
		});
		this.docker.event(task.id, "start");
		await until(() => task.said.includes("listening"), `the application of ${this.name} listens`);
		return task;
	}

	run(options: TaskOptions = {}, status = 200): Promise<StandInTask> {
		return this.start(this.create(options), status);
	}

	/** What Docker's own check says of it from now on. */
	dockerFinds(task: StandInTask, status: string): void {
		const { State: state } = this.docker.containers.get(task.id) ?? { State: {} as { Health?: { Status: string } } };
		if (state.Health) state.Health.Status = status;
	}

	/** What /health answers from now on. */
	answerHealth(task: StandInTask, status: number): void {
		task.app?.stdin?.write(`${status}\n`);
	}

	/** A request of a client that is in flight, until the application is told to answer, or dies. */
	async request(task: StandInTask): Promise<{ said: Promise<string>; release: () => void }> {
		const said = this.network.client.get(`${this.url}held`);
		await until(() => task.said.includes("request /held"), "the request begins");
		return { said, release: () => task.app?.stdin?.write("release\n") };
	}

	/** Swarm asks Docker to stop it: the signal that does nothing, announced. */
	stop(task: StandInTask): void {
		this.docker.event(task.id, "kill", { signal: "23" });
	}

	/** Swarm puts another task in its place: made ready at once, started when the old one has ended. Resolves once that one listens. */
	async replace(task: StandInTask, options: TaskOptions = {}): Promise<StandInTask> {
		const next = this.create(options);
		this.stop(task);
		await until(
			() => this.docker.containers.get(task.id)?.State.Status === "exited",
			`the task of ${this.name} ends`,
			() => this.log,
			100,
		);
		return this.start(next);
	}

	private send(id: string, signal: string): void {
		const names: Record<string, NodeJS.Signals> = { "3": "SIGQUIT", "28": "SIGWINCH" };
		this.tasks.get(id)?.app?.kill(names[signal] ?? (signal as NodeJS.Signals));
	}

	/** Starts the agent; resolves once it watches. */
	async startAgent(...options: string[]): Promise<void> {
		const program = path.join(projectDirectory, "host", "agents", "drain_agent.py");
		const own = ["--service", "was", "--node", this.name, "--address", this.address, "--docker", this.docker.socket, "--run", this.scratch];
		this.agent = spawnIn(this.namespace, [python, "-B", program, ...own, ...this.options, ...options], {
			PATH: `${this.scratch}:${process.env.PATH}`,
			PYTHONUNBUFFERED: "1",
		});
		const { agent } = this;
		const before = this.log.length;
		for (const stream of [agent.stdout, agent.stderr]) stream?.on("data", (data) => (this.log += data));
		await until(
			() => this.log.slice(before).includes("watching service"),
			`the agent of ${this.name} watches`,
			() => this.log,
		);
	}

	/** Ends the agent; resolves with its exit code once it has ended. */
	endAgent(signal: NodeJS.Signals): Promise<number | null> {
		const { agent } = this;
		if (!agent || agent.exitCode !== null || agent.signalCode) return Promise.resolve(agent?.exitCode ?? null);
		const ended = new Promise<number | null>((resolve) => agent.once("exit", resolve));
		agent.kill(signal);
		return ended;
	}

	get state(): Promise<{ state: string; number: number; reason: string; connections: number; container: string }> {
		return fetchIn(this.namespace, `http://${this.address}:7947/`);
	}

	/** Runs a script in the node's namespace. */
	sh(script: string): string {
		return sh(`ip netns exec ${this.namespace} bash -ec '${script}'`);
	}

	/** Whether the chain of the port is there. */
	isClosed(port = published): boolean {
		return this.sh("iptables-save -t filter").includes(`:SCALEOUT-DRAIN-${port} `);
	}

	/** As it was at first. */
	async reset(): Promise<void> {
		await this.endAgent("SIGKILL");
		for (const { app } of this.tasks.values()) {
			app?.removeAllListeners("exit");
			app?.kill("SIGKILL");
		}
		this.tasks.clear();
		this.docker.forget();
		this.log = "";
		this.options = [];
		fs.rmSync(this.memory, { recursive: true, force: true });
		for (const name of ["iptables-save", "iptables-restore", "conntrack"]) fs.rmSync(path.join(this.scratch, name), { force: true });
		this.jobs("");
		this.units("");
		this.dockerState("active");
		makeDockerRules(this.namespace);
	}

	async remove(): Promise<void> {
		await this.reset();
		await this.docker.close();
		fs.rmSync(this.scratch, { recursive: true, force: true });
	}
}

function fetchIn(namespace: string, url: string) {
	return new Promise<{ state: string; number: number; reason: string; connections: number; container: string }>((resolve, reject) => {
		const child = spawnIn(namespace, ["curl", "-s", "-m", "5", url]);
		let text = "";
		child.stdout?.on("data", (data) => (text += data));
		child.once("close", () => {
			try {
				resolve(JSON.parse(text));
			} catch {
				reject(new Error(`${url}: ${text || "no answer"}`));
			}
		});
	});
}

/** Waits until it is so. */
export async function until(
	is: () => boolean | Promise<boolean>,
	what: string,
	more: () => string = () => "",
	seconds = 20,
): Promise<void> {
	const end = Date.now() + seconds * 1000;
	while (!(await is())) {
		if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}\n${more()}`);
		await sleep(25);
	}
}
