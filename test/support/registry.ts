import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as https from "node:https";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

/*
 * A real registry (Debian's docker-registry) on the loopback interface, with a password and a certificate of a CA of its own.
 */

export const username = "pusher";
export const password = "planted-registry-password";
/** Made by htpasswd -B of the two above. */
const htpasswd = "pusher:$2y$05$yuT2E9Zu7zaM7SVJ9NEyPepK4FFIYajNcNhFDpsF81ALurG3LJxDu";

export class TestRegistry {
	/** Host and port. */
	readonly server: string;
	readonly caFile: string;
	readonly #program: ReturnType<typeof spawn>;
	readonly #directory: string;

	/** @param directory Empty, for its data. */
	static async start(directory: string): Promise<TestRegistry> {
		makeCertificates(directory);
		const port = await freePort();
		fs.writeFileSync(path.join(directory, "htpasswd"), `${htpasswd}\n`);
		const config = {
			version: "0.1",
			log: { level: "error" },
			storage: { filesystem: { rootdirectory: path.join(directory, "data") } },
			http: { addr: `127.0.0.1:${port}`, tls: { certificate: path.join(directory, "tls.crt"), key: path.join(directory, "tls.key") } },
			auth: { htpasswd: { realm: "registry", path: path.join(directory, "htpasswd") } },
		};
		// JSON is YAML, too.
		fs.writeFileSync(path.join(directory, "config.yml"), JSON.stringify(config));
		const registry = new TestRegistry(directory, port);
		for (const deadline = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
			const up = await registry.#call("GET", "/v2/").catch(() => undefined);
			if (up?.status === 200) return registry;
			if (Date.now() > deadline) throw new Error(`docker-registry does not serve (HTTP ${up?.status})`);
		}
	}

	private constructor(directory: string, port: number) {
		this.server = `127.0.0.1:${port}`;
		this.caFile = path.join(directory, "ca.crt");
		this.#directory = directory;
		this.#program = spawn(registryProgram().file as string, ["serve", path.join(directory, "config.yml")], { stdio: "ignore" });
	}

	/** Pushes an image without layers and returns its digest. `content` makes it another one. */
	async push(repository: string, tag: string, content: string): Promise<string> {
		const config = Buffer.from(
			JSON.stringify({ architecture: "amd64", os: "linux", author: content, rootfs: { type: "layers", diff_ids: [] } }),
		);
		const begun = await this.#call("POST", `/v2/${repository}/blobs/uploads/`);
		const upload = new URL(String(begun.headers.location), `https://${this.server}`);
		upload.searchParams.set("digest", digestOf(config));
		await this.#call("PUT", `${upload.pathname}${upload.search}`, config, "application/octet-stream");
		const type = "application/vnd.oci.image.manifest.v1+json";
		const described = { mediaType: "application/vnd.oci.image.config.v1+json", size: config.length, digest: digestOf(config) };
		const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, config: described, layers: [] }));
		const pushed = await this.#call("PUT", `/v2/${repository}/manifests/${tag}`, manifest, type);
		if (pushed.status !== 201) throw new Error(`the registry does not take the manifest: HTTP ${pushed.status}`);
		return digestOf(manifest);
	}

	stop(): void {
		this.#program.kill();
	}

	#call(method: string, url: string, body?: Buffer, type?: string): Promise<{ status: number; headers: NodeJS.Dict<string | string[]> }> {
		const ca = fs.readFileSync(path.join(this.#directory, "ca.crt"));
		const headers = { ...(type && { "content-type": type }), "content-length": body?.length ?? 0 };
		const options = { method, headers, ca, auth: `${username}:${password}`, agent: false as const };
		return new Promise((resolve, reject) => {
			const request = https.request(`https://${this.server}${url}`, options, (response) => {
				response.resume().once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
			});
			request.once("error", reject).end(body);
		});
	}
}

/** The registry's program: installed, or out of Debian's package, which is fetched once and not installed. Else why not. */
export function registryProgram(): { file?: string; missing?: string } {
	const installed = spawnSync("which", ["docker-registry"], { encoding: "utf8" }).stdout.trim();
	if (installed) return { file: installed };
	const directory = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "swarm-scaleout", "docker-registry");
	const file = path.join(directory, "usr", "bin", "docker-registry");
	if (fs.existsSync(file)) return { file };
	fs.mkdirSync(directory, { recursive: true });
	const { status, error } = spawnSync(
		"sh",
		["-c", "apt-get -qq download docker-registry && dpkg -x docker-registry_*.deb . && rm docker-registry_*.deb"],
		{
			cwd: directory,
			stdio: "ignore",
		},
	);
	return status === 0 && fs.existsSync(file)
		? { file }
		: { missing: `docker-registry is not installed and cannot be fetched by apt-get${error ? ` (${error.message})` : ""}` };
}

/** ca.crt, and tls.crt with tls.key for the loopback address, signed by it. */
export function makeCertificates(directory: string): void {
	const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
	const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
	openssl("req", "-x509", ...key, "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.crt");
	openssl("req", ...key, "-subj", "/CN=registry", "-keyout", "tls.key", "-out", "tls.csr");
	fs.writeFileSync(path.join(directory, "extensions"), "subjectAltName=IP:127.0.0.1\n");
	const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions"];
	openssl("x509", "-req", "-in", "tls.csr", "-days", "2", ...signing, "-out", "tls.crt");
}

const digestOf = (content: Buffer) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

export function freePort(): Promise<number> {
	const server = net.createServer();
	return new Promise((resolve) => {
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address() as net.AddressInfo;
			server.close(() => resolve(port));
		});
	});
}
