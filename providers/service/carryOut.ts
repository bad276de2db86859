import { byDigest, parseReference } from "../../lib/imageReference.ts";
import { orUndefined, retryOutOfSequence } from "../../lib/swarm.ts";
import { DeadlineError, until } from "../../lib/wait.ts";
import { adoptedSpec, inheritedPaths } from "./adoption.ts";
import { differences } from "./compare.ts";
import type { Means } from "./means.ts";
import { gatherFacts } from "./observe.ts";
import { type Act, type Facts, type Found, plainRequest, plan, type Request } from "./plan.ts";
import { portHolder } from "./ports.ts";
import type { ServiceInputs, ServiceOutputs } from "./resource.ts";
import { checkNodes } from "./serving.ts";
import { RolloutError, settle } from "./settle.ts";
import { type ServiceSpec, serviceSpec, specToWrite, stopSeconds } from "./spec.ts";
import { isRunning, tasksOf } from "./tasks.ts";
import { closeBeforeStops } from "./unannouncedStops.ts";
import { remakeVolume } from "./volumes.ts";

/*
 * Carries out a plan, one act after another. If it learns something new on the way, a new plan is made.
 */

/** Everything but what a prober saw. */
export type RolledOut = Omit<ServiceOutputs, "lastRollout">;

/** Makes the service match the inputs and waits until all tasks run and serve. @throws RolloutError; Error when nothing was touched. */
export async function rollOut(inputs: ServiceInputs, means: Means, asked: Partial<Request> = {}): Promise<RolledOut> {
	const [image, found, holder] = await Promise.all([
		withDigest(inputs, means),
		gatherFacts(inputs.name, inputs, means),
		portHolder(inputs, means.swarm),
	]);
	const pinned = { ...inputs, image };
	let facts: Facts = { ...found, portHolder: holder };
	let request: Request = { ...plainRequest, ...asked };
	let silent: string[] = [];
	const tasksBefore: ReadonlySet<string> = new Set(facts.tasks.map(({ ID: id }) => id));
	for (;;) {
		const acts = plan(facts, pinned, request);
		const replaced = [...request.replaced, ...acts.flatMap((act) => (act.kind === "replaceTask" ? [act.node] : []))];
		const run = new Run(facts, tasksBefore, pinned, means, [...request.lost, ...silent, ...replaced]);
		const learned = await run.carryOut(acts);
		if (learned.lost.length + learned.silent.length === 0) return run.outputs();
		// At most once for each node: the lists only grow, so the loop ends.
		silent = [...silent, ...learned.silent];
		request = { ...request, hasNewLogin: false, lost: [...request.lost, ...learned.lost], replaced };
		facts = await gatherFacts(inputs.name, pinned, means);
	}
}

/** The image with its digest. The API does not pin tags: nodes that pull at different times would run different images. */
export async function withDigest({ name, image, registryAuth }: ServiceInputs, { swarm }: Pick<Means, "swarm">): Promise<string> {
	if (parseReference(image).digest) return image;
	try {
		const { Descriptor: descriptor } = (await swarm.getImage(image).distribution({ authconfig: registryAuth } as never)) as unknown as {
			Descriptor: { digest: string };
		};
		return byDigest(image, descriptor.digest);
	} catch (error) {
		throw new Error(
			`services.${name}.image = "${image}": the registry does not give it: ${(error as Error).message}: check name, tag and registry.password`,
		);
	}
}

class Run {
	readonly #facts: Facts;
	readonly #tasksBefore: ReadonlySet<string>;
	readonly #inputs: ServiceInputs;
	readonly #means: Means;
	/** Names of nodes that a plan has already dealt with. */
	readonly #tried: string[];
	#serviceId: string;
	#isWritten = false;
	#inherited: string[] | undefined;
	#stopClosing: (() => Promise<void>) | undefined;
	#learned = { lost: [] as string[], silent: [] as string[] };

	constructor(facts: Facts, tasksBefore: ReadonlySet<string>, inputs: ServiceInputs, means: Means, tried: string[]) {
		this.#facts = facts;
		this.#tasksBefore = tasksBefore;
		this.#inputs = inputs;
		this.#means = means;
		this.#tried = tried;
		this.#serviceId = facts.service?.ID ?? "";
	}

	/** @returns What was learned and needs another plan. */
	async carryOut(acts: Act[]): Promise<{ lost: string[]; silent: string[] }> {
		const refusals = acts.flatMap((act) => (act.kind === "refuse" ? [act.why] : []));
		if (refusals.length > 0) throw new Error(refusals.join("\n"));
		try {
			for (const act of acts) await this.#do(act);
		} catch (error) {
			if (error instanceof RolloutError) error.inherited = this.#inherited;
			throw error;
		} finally {
			await this.#stopClosing?.();
		}
		return this.#learned;
	}

	/** To be called after the last act. */
	outputs(): RolledOut {
		const { image, replicas } = this.#inputs;
		const observed = { image, running: replicas, differs: [], ...(this.#inherited && { inherited: this.#inherited }) };
		return { serviceId: this.#serviceId, imageDigest: image, observed };
	}

	async #do(act: Act): Promise<void> {
		switch (act.kind) {
			case "create":
				this.#serviceId = await this.#create();
				this.#isWritten = true;
				return;
			case "takeOver": {
				const found = (this.#facts.service as Found).Spec;
				this.#inherited = inheritedPaths(found, this.#inputs);
				return this.#write(adoptedSpec(found, this.#inputs), act.though);
			}
			case "writeSpec":
				if (act.closesByHand) this.#stopClosing = closeBeforeStops(this.#serviceId, this.#inputs, this.#means);
				return this.#write(undefined, act.though);
			case "remakeVolume":
				this.#means.progress(`${act.volume}: it is recreated`);
				return remakeVolume(this.#inputs, this.#node(act.node), this.#means);
			case "replaceTask":
				return this.#replaceTask(act);
			case "settle":
				return this.#settle();
		}
	}

	async #create(): Promise<string> {
		const made = (await this.#means.swarm.createService(
			this.#inputs.registryAuth as never,
			serviceSpec(this.#inputs) as never,
		)) as unknown as { ID?: string; id?: string };
		return (made.ID ?? made.id) as string;
	}

	/** Writes the spec, unless the service already has it and nothing forces a write. A new login alone replaces no task. */
	async #write(spec: ServiceSpec | undefined, though?: Extract<Act, { kind: "writeSpec" }>["though"]): Promise<void> {
		const { swarm } = this.#means;
		await retryOutOfSequence(async () => {
			const { Version: version, Spec: found } = await swarm.getService(this.#serviceId).inspect();
			const wanted = spec ?? serviceSpec(this.#inputs, found.Mode);
			if (differences(found, wanted).length === 0 && !though) return;
			const body = specToWrite(found, wanted, though === "lost");
			const { registryAuth: auth } = this.#inputs;
			await swarm.getService(this.#serviceId).update(auth as never, { _query: { version: version.Index }, _body: body } as never);
			this.#isWritten = true;
		});
	}

	#node(name: string) {
		const node = this.#inputs.nodes.find((candidate) => candidate.name === name);
		if (!node) throw new Error(`no node ${name}`);
		return node;
	}

	/** Stops the container; Swarm starts another one. Waits until the node serves, so that the next node may follow. */
	async #replaceTask({ node: name, container, why }: Extract<Act, { kind: "replaceTask" }>): Promise<void> {
		const { progress, note, clock, dockerOn, swarm } = this.#means;
		const node = this.#node(name);
		note(`${why}: it is replaced`);
		progress(`${why}: it is replaced`);
		const limit = stopSeconds(this.#inputs);
		// Docker continues the stop when we no longer wait.
		const stopped = orUndefined(dockerOn(node.connection).getContainer(container).stop({ t: limit }));
		await stopped.catch((error) => {
			const isStopped = (error as { statusCode?: number }).statusCode === 304;
			if (!isStopped && !(error instanceof DeadlineError)) throw error;
		});
		const { health, rollout } = this.#inputs;
		const deadlineSeconds = limit + health.deadlineSeconds + rollout.settleSeconds + 60;
		await until({ what: `task of ${name} being replaced`, deadlineSeconds, progress, clock }, async () => {
			const tasks = (await tasksOf(swarm, this.#serviceId)).filter((task) => task.NodeID === node.nodeId && isRunning(task));
			if (!tasks.some((task) => task.Status.ContainerStatus?.ContainerID !== container)) return { waiting: "the new one does not run yet" };
			const [check] = await checkNodes([node], this.#inputs, this.#means);
			return check?.serves ? { done: undefined } : { waiting: check?.answer ?? "it cannot be asked" };
		});
	}

	async #settle(): Promise<void> {
		const { service } = this.#facts;
		const wanted = this.#inherited && service ? service.Spec.TaskTemplate : serviceSpec(this.#inputs, service?.Spec.Mode).TaskTemplate;
		const before = {
			tasks: this.#tasksBefore,
			...(!this.#isWritten && service?.UpdateStatus && { update: service.UpdateStatus }),
		};
		this.#learned = await settle(this.#serviceId, wanted, before, this.#inputs, this.#means, this.#tried);
	}
}
