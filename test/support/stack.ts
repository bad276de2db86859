import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Readable } from "node:stream";
import { parse, stringify } from "yaml";
import { type DeployedResource, resourcesOf } from "../../lib/deployment.ts";

/*
 * A stack of this project for tests, driven by the real CLI: state in a file backend of its own, PULUMI_HOME of its own except for the
 * shared caches of CLI and plugins.
 */

export const projectDirectory = path.resolve(import.meta.dirname, "..", "..");

export interface Result {
	code: number;
	/** Standard output and standard error, in the order they came. */
	output: string;
	/** Wall time in seconds. */
	seconds: number;
}

/** `pulumi up` at work. */
export interface Running {
	/** Kills it with all of its children, as a machine that dies would. */
	kill: () => void;
	ended: Promise<Result>;
	stdout: Readable;
}

/** One step of `pulumi preview --json`. */
export interface Step {
	op: string;
	urn: string;
	detailedDiff?: Record<string, { kind: string }>;
	diffReasons?: string[];
	newState?: DeployedResource;
}

/** A service's section of the configuration, as far as tests look into it. */
export interface ServiceSection extends Record<string, unknown> {
	image: ImageSection;
	env: Record<string, string>;
	health: Record<string, unknown>;
}

export interface ImageSection {
	name: string;
	pin?: string;
	build?: { args: Record<string, string> };
}

/**
 * Ends the plugins and language hosts of a stack whose CLI was killed: those of an engine that was killed do not end by themselves. Each leads a
 * process group. `directory` is the stack's, which may be gone.
 */
export function endPlugins(directory: string): void {
	const pids = spawnSync("pgrep", ["-f", path.join(directory, "home")])
		.stdout.toString()
		.trim()
		.split("\n")
		.filter(Boolean);
	for (const pid of pids) {
		try {
			process.kill(-Number(pid));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
		}
	}
}

export class TestStack {
	readonly name: string;
	readonly directory: string;
	config: Record<string, unknown>;
	readonly env: NodeJS.ProcessEnv;
	readonly #project: string;

	/** `directory` holds state and configuration; what lies there from an earlier run is used again. `project` is where Pulumi.yaml lies. */
	constructor(name: string, directory: string, config: Record<string, unknown>, env: NodeJS.ProcessEnv = {}, project = projectDirectory) {
		this.#project = project;
		this.name = name;
		this.directory = path.resolve(directory);
		this.config = config;
		const home = path.join(this.directory, "home");
		fs.mkdirSync(path.join(this.directory, "state"), { recursive: true, mode: 0o700 });
		fs.mkdirSync(home, { recursive: true });
		const shared = process.env.PULUMI_HOME ?? path.join(os.homedir(), ".pulumi");
		for (const cache of ["versions", "plugins"]) {
			fs.mkdirSync(path.join(shared, cache), { recursive: true });
			if (!fs.existsSync(path.join(home, cache))) fs.symlinkSync(path.join(shared, cache), path.join(home, cache));
		}
		this.env = {
			...process.env,
			PATH: `${path.join(projectDirectory, "node_modules", ".bin")}:${process.env.PATH}`,
			PULUMI_HOME: home,
			PULUMI_BACKEND_URL: `file://${path.join(this.directory, "state")}`,
			PULUMI_CONFIG_PASSPHRASE: "lab",
			PULUMI_SKIP_UPDATE_CHECK: "true",
			...env,
		};
	}

	/** The lab's configuration with other ports and directories, so that it can run beside the operator's own lab. */
	static labConfig(directory: string): Record<string, unknown> {
		const file = parse(fs.readFileSync(path.join(projectDirectory, "Pulumi.lab.yaml"), "utf8")) as { config: Record<string, unknown> };
		const local = { directory, sshPortBase: 2450, lanPort: 23450, endpointPort: 8188, httpsPort: 8189 };
		return { ...file.config, "swarm-scaleout:local": local };
	}

	/** The section of its only service, to be read and changed. */
	get service(): ServiceSection {
		return (this.config["swarm-scaleout:services"] as { "babble-was": ServiceSection })["babble-was"];
	}

	set service(section: ServiceSection) {
		this.config["swarm-scaleout:services"] = { "babble-was": section };
	}

	/** Has the service's image built with further arguments. */
	buildWith(args: Record<string, string>): void {
		const { image } = this.service;
		this.service.image = { ...image, build: { ...image.build, args: { ...image.build?.args, ...args } } };
	}

	get configFile(): string {
		return path.join(this.directory, `Pulumi.${this.name}.yaml`);
	}

	async init(): Promise<void> {
		this.writeConfig();
		const made = await this.run("stack", "init", this.name);
		if (made.code !== 0 && !made.output.includes("already exists")) throw new Error(made.output);
		// The CLI notes the new stack's salt beside the program; these stacks keep it with their own configuration.
		fs.rmSync(path.join(this.#project, `Pulumi.${this.name}.yaml`), { force: true });
	}

	up(...args: string[]): Promise<Result> {
		return this.#operation("up", "--yes", "--skip-preview", ...args);
	}

	/** Begins `pulumi up`, to be killed. */
	beginUp(): Running {
		return this.#begin(this.#argumentsOf("up", "--yes", "--skip-preview"), true);
	}

	destroy(...args: string[]): Promise<Result> {
		return this.#operation("destroy", "--yes", "--skip-preview", ...args);
	}

	/** The steps of a preview. @throws Error with the CLI's output when it fails. */
	async preview(...args: string[]): Promise<Step[]> {
		const { code, output } = await this.#operation("preview", "--json", ...args);
		const start = output.indexOf("{\n");
		if (code !== 0 || start < 0) throw new Error(output);
		return (JSON.parse(output.slice(start)) as { steps: Step[] }).steps ?? [];
	}

	/** The preview as an operator sees it. */
	previewText(...args: string[]): Promise<Result> {
		return this.#operation("preview", "--diff", ...args);
	}

	/** All resources with their secrets in plain text. */
	async resources(): Promise<DeployedResource[]> {
		const { output } = await this.run("stack", "export", "--stack", this.name, "--show-secrets");
		return resourcesOf(output);
	}

	/** Another stack of the same project, configuration and backend. */
	async sibling(name: string): Promise<TestStack> {
		const stack = new TestStack(name, this.directory, this.config, this.env, this.#project);
		await stack.init();
		return stack;
	}

	/** The state as it lies on disk. */
	stateFiles(): string {
		const directory = path.join(this.directory, "state");
		const files = fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
		return files.map((file) => fs.readFileSync(path.join(file.parentPath, file.name), "utf8")).join("\n");
	}

	run(...args: string[]): Promise<Result> {
		return this.#begin(args).ended;
	}

	#operation(verb: string, ...args: string[]): Promise<Result> {
		return this.run(...this.#argumentsOf(verb, ...args));
	}

	/** Of an operation on this stack with its configuration as it is now. */
	#argumentsOf(verb: string, ...args: string[]): string[] {
		this.writeConfig();
		return [verb, "--stack", this.name, "--config-file", this.configFile, ...args];
	}

	#begin(args: string[], detached = false): Running {
		const started = Date.now();
		const child = spawn("pulumi", [...args, "--non-interactive"], {
			cwd: this.#project,
			env: this.env,
			stdio: ["ignore", "pipe", "pipe"],
			detached,
		});
		const ended = new Promise<Result>((resolve, reject) => {
			let output = "";
			const collect = (data: Buffer) => {
				output += data;
				if (process.env.VERBOSE) process.stderr.write(data);
			};
			child.stdout.on("data", collect);
			child.stderr.on("data", collect);
			child.once("error", reject);
			child.once("close", (code) => resolve({ code: code ?? 255, output, seconds: (Date.now() - started) / 1000 }));
		});
		return { kill: () => process.kill(-(child.pid as number), "SIGKILL"), ended, stdout: child.stdout };
	}

	writeConfig(): void {
		const { encryptionsalt } = parse(fs.readFileSync(path.join(projectDirectory, "Pulumi.lab.yaml"), "utf8")) as { encryptionsalt: string };
		fs.writeFileSync(this.configFile, stringify({ encryptionsalt, config: this.config }));
	}
}

/** What a preview would do, in its order: `update nginx`. */
export function changesOf(steps: Step[]): string[] {
	return steps.filter(({ op }) => op !== "same" && op !== "read").map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`);
}
