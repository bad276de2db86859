import type Docker from "dockerode";
import type { Node, Task } from "../../../../lib/swarm.ts";
import type { Means } from "../../../../providers/service/means.ts";
import type { UpdateStatus } from "../../../../providers/service/plan.ts";
import type { ServiceInputs } from "../../../../providers/service/resource.ts";
import type { AgentState } from "../../../../providers/service/serving.ts";
import { type ServiceSpec, serviceSpec } from "../../../../providers/service/spec.ts";
import { absent } from "./answers.ts";

/*
 * A swarm with one service, as a rollout sees it, and a clock that goes as fast as it is asked to wait. What happens meanwhile is told by `at`.
 */

interface Serving {
	/** HTTP status; 0: connections are refused. */
	status: number;
	agent?: AgentState;
	/** Docker shows no published port of the node's container. */
	isUnpublished?: boolean;
}

export class Stand {
	readonly inputs: ServiceInputs;
	readonly nodes: Node[];
	readonly serving = new Map<string, Serving>();
	service: { ID: string; Version: { Index: number }; Spec: ServiceSpec; UpdateStatus?: UpdateStatus } | undefined;
	tasks: Task[] = [];
	/** Specs and logins as they were sent. */
	readonly sent: { spec: ServiceSpec; auth: unknown }[] = [];
	/** How often Swarm was asked to put back what ran before. */
	rollbacks = 0;
	/** How many of them come to nothing before one does: the manager is away. */
	missRollbacks = 0;
	readonly stopped: string[] = [];
	readonly asked: string[] = [];
	readonly progress: string[] = [];
	readonly notes: string[] = [];
	/** What tasks printed, by ID. */
	readonly printed = new Map<string, string>();
	now = 0;
	/** Whether Swarm does at once what is written. */
	isPrompt = true;
	#count = 0;
	readonly #plans: { at: number; happens: () => void }[] = [];

	constructor(inputs: ServiceInputs) {
		this.inputs = inputs;
		this.nodes = inputs.nodes.map(({ name, nodeId }) => ({
			ID: nodeId,
			Version: { Index: 1 },
			Spec: { Availability: "active", Labels: { "scaleout.service.babble-was": "true" } },
			Description: { Hostname: name },
			Status: { State: "ready" },
		}));
		for (const { name } of inputs.nodes) this.serving.set(name, { status: 200, agent: { state: "serving", connections: 0 } });
	}

	/** The service of these inputs runs on all nodes. */
	runs(inputs = this.inputs, status?: UpdateStatus): this {
		this.service = { ID: "service", Version: { Index: 7 }, Spec: serviceSpec(inputs), ...(status && { UpdateStatus: status }) };
		this.tasks = this.inputs.nodes.map(({ nodeId }) => this.task(nodeId));
		return this;
	}

	/** A task of the service as it is now. */
	task(nodeId: string, state = "running", desired = "running", error?: string): Task {
		const id = `task-${++this.#count}`;
		return {
			ID: id,
			ServiceID: "service",
			NodeID: nodeId,
			CreatedAt: new Date(this.now + this.#count).toISOString(),
			DesiredState: desired,
			Spec: structuredClone(this.service?.Spec.TaskTemplate) as never,
			Status: { State: state, Timestamp: "", Err: error, ContainerStatus: { ContainerID: `container-${id}` } },
		};
	}

	/** Swarm replaces every node's task. */
	replaceAll(state = "running"): void {
		for (const task of this.tasks) Object.assign(task, { DesiredState: "shutdown", Status: { ...task.Status, State: "shutdown" } });
		this.tasks.unshift(...this.inputs.nodes.map(({ nodeId }) => this.task(nodeId, state)));
	}

	/** In so many seconds of waiting. */
	at(seconds: number, happens: () => void): this {
		this.#plans.push({ at: this.now + seconds * 1000, happens });
		return this;
	}

	node(name: string): Node {
		return this.nodes.find(({ ID: id }) => id === `id-of-${name}`) as Node;
	}

	get means(): Means {
		return {
			swarm: this.#swarm() as unknown as Docker,
			dockerOn: ({ host }) => this.#dockerOn(host) as unknown as Docker,
			shell: async ({ host }, script) => this.#check(host, script),
			clock: {
				now: () => this.now,
				sleep: async (milliseconds) => {
					this.now += milliseconds;
					const due = this.#plans.filter(({ at }) => at <= this.now);
					for (const plan of due) {
						this.#plans.splice(this.#plans.indexOf(plan), 1);
						plan.happens();
					}
				},
			},
			progress: (message) => void this.progress.push(message),
			note: (message) => void this.notes.push(message),
		};
	}

	#swarm() {
		const write = (spec: ServiceSpec, auth: unknown) => {
			this.sent.push({ spec, auth });
			const before = this.service?.Spec.TaskTemplate;
			this.service = { ID: "service", Version: { Index: (this.service?.Version.Index ?? 6) + 1 }, Spec: structuredClone(spec) };
			if (this.isPrompt && JSON.stringify(before) !== JSON.stringify(spec.TaskTemplate)) this.replaceAll();
		};
		return {
			getService: () => ({
				inspect: async () => structuredClone(this.service) ?? absent(),
				update: async (auth: unknown, { _body, _query }: { _body: ServiceSpec; _query: { rollback?: string } }) => {
					if (_query.rollback && this.missRollbacks-- > 0) throw new Error("connect ECONNREFUSED");
					if (_query.rollback) this.rollbacks++;
					else write(_body, auth);
				},
			}),
			createService: async (auth: unknown, spec: ServiceSpec) => {
				write(spec, auth);
				return { ID: "service" };
			},
			getTask: (id: string) => ({ logs: async () => frame(this.printed.get(id) ?? "") }),
			listTasks: async () => structuredClone(this.tasks),
			listNodes: async () => structuredClone(this.nodes),
			listServices: async () => structuredClone(this.service ? [this.service] : []),
			modem: {
				demuxStream: (stream: NodeJS.ReadableStream, out: NodeJS.WritableStream) => void stream.on("data", (data) => out.write(data)),
			},
		};
	}

	/** Nodes have their own connections in these inputs: by name. */
	#dockerOn(host: string) {
		return {
			getVolume: () => ({ inspect: absent }),
			getContainer: (id: string) => ({
				inspect: async () => ({ NetworkSettings: { Ports: this.serving.get(host)?.isUnpublished ? {} : { "8080/tcp": [{}] } } }),
				stop: async () => {
					this.stopped.push(id);
					const old = this.tasks.find((task) => task.Status.ContainerStatus?.ContainerID === id) as Task;
					Object.assign(old, { DesiredState: "shutdown", Status: { ...old.Status, State: "failed" } });
					this.tasks.unshift(this.task(old.NodeID as string));
					this.serving.set(host, { status: 200, agent: { state: "serving" } });
				},
			}),
		};
	}

	#check(host: string, script: string): string {
		this.asked.push(`${host} ${script}`);
		const { status, agent } = this.serving.get(host) ?? { status: 0 };
		return [`${String(status).padStart(3, "0")} ${status === 0 ? 7 : 0}`, JSON.stringify(agent)].join("\n");
	}
}

const frame = (text: string) => Buffer.from(text);
