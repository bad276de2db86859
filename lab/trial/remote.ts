import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { describeConnection } from "../../lib/connection.ts";
import { dockerOn } from "../../lib/docker.ts";
import { connect, exec } from "../../lib/ssh.ts";
import type { Handler, Props } from "./runtime.ts";

/** What @pulumi/command and @pulumi/docker do, for a trial without their plugins: the same inputs, the same effect on the hosts. */

const commandDeadlineSeconds = 900;

export const remoteCommand: Handler = {
	async create({ connection, create, stdin }) {
		const { stdout, stderr, code } = await exec(connection, create, { stdin, deadlineSeconds: commandDeadlineSeconds });
		if (code !== 0) throw new Error(`command on ${describeConnection(connection)} failed: exit status ${code}: ${stderr}`);
		return { id: randomUUID(), state: { connection, create, stdin, stdout: stdout.replace(/\n$/, ""), stderr } };
	},
	async remove({ inputs }) {
		if (inputs.delete) await exec(inputs.connection, inputs.delete, { stdin: inputs.stdin, deadlineSeconds: commandDeadlineSeconds });
	},
};

export const remoteCopy: Handler = {
	async create(inputs) {
		const { connection, source, remotePath } = inputs;
		const client = await connect(connection);
		const local: string = await source.path;
		await new Promise<void>((resolve, reject) => {
			client.sftp((error, sftp) => {
				if (error) return reject(error);
				sftp.fastPut(local, remotePath, (failure) => (failure ? reject(failure) : resolve()));
			});
		});
		return { id: randomUUID(), state: { connection, remotePath } };
	},
};

export const registryImage: Handler = {
	async create({ imageName, build, registry }, _name, provider) {
		const docker = dockerOf(provider);
		const dockerfile = path.relative(build.context, build.dockerfile);
		const options: Docker.ImageBuildOptions = { t: imageName, dockerfile, buildargs: build.args, platform: build.platform };
		await finished(docker, await docker.buildImage(contextArchive(build.context), options));
		const authconfig = { serveraddress: registry.server, username: registry.username, password: registry.password };
		await finished(docker, await docker.getImage(imageName).push({ authconfig }));
		const { RepoDigests: digests } = await docker.getImage(imageName).inspect();
		const repository = imageName.replace(/:[^:/]*$/, "");
		const repoDigest = digests.find((digest) => digest.startsWith(`${repository}@`)) ?? "";
		return { id: repoDigest, state: { imageName, repoDigest, baseImageName: imageName } };
	},
};

/** The connection that the program has made for the host: see TrialRuntime. */
const dockerOf = ({ connection }: Props): Docker => dockerOn(connection);

function contextArchive(directory: string): Readable {
	const archive = pack();
	const files = fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	for (const file of files) {
		const name = path.join(file.parentPath, file.name);
		archive.entry({ name: path.relative(directory, name), mode: 0o644 }, fs.readFileSync(name));
	}
	archive.finalize();
	return Readable.from(archive);
}

/** Waits for a streamed operation; its errors come inside the stream. */
function finished(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
	return new Promise((resolve, reject) => {
		docker.modem.followProgress(stream, (error: Error | null, events: { error?: string }[]) => {
			const failed = error?.message ?? events.find((event) => event.error)?.error;
			if (failed) reject(new Error(failed));
			else resolve();
		});
	});
}
