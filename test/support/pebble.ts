import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { makeCertificate } from "./certificate.ts";

/* Pebble, the test server of the ACME protocol: built by Go from its module, run on a host of the lab. */

const module = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1";
const directory = "/opt/pebble";
const port = 14000;

export interface AcmeServer {
	directoryUrl: string;
	/** CA of the server's own certificate. */
	ca: string;
}

/** Builds it for any Linux. Returns the file, or why it cannot be had. */
export function buildPebble(): { file: string } | { missing: string } {
	const bin = path.join(os.tmpdir(), "scaleout-pebble");
	const env = { ...process.env, CGO_ENABLED: "0", GOBIN: bin };
	const { error, status, stderr } = spawnSync("go", ["install", "-ldflags=-s -w", module], { env, encoding: "utf8", timeout: 300_000 });
	if (error) return { missing: `Go is not here to build the ACME test server (${error.message})` };
	if (status !== 0) return { missing: `the ACME test server cannot be built: ${stderr.trim().split("\n").at(-1)}` };
	return { file: path.join(bin, "pebble") };
}

/** Puts it on the host; `startPebble` runs it. It asks for HTTP-01 on port 80 of the names, as the host itself finds them. */
export async function installPebble(host: Connection, file: string): Promise<AcmeServer> {
	const ca = makeCertificate([], { ca: true });
	const own = makeCertificate(["IP:127.0.0.1"], { issuer: ca });
	const config = {
		pebble: {
			listenAddress: `127.0.0.1:${port}`,
			managementListenAddress: "127.0.0.1:15000",
			certificate: `${directory}/certificate.pem`,
			privateKey: `${directory}/key.pem`,
			httpPort: 80,
			tlsPort: 443,
		},
	};
	const put = (name: string, content: string | Buffer) =>
		execAsRoot(host, `install -d -m 700 ${directory}; base64 -d | gunzip > ${directory}/${name}`, {
			stdin: gzipSync(content).toString("base64"),
		});
	await put("pebble", fs.readFileSync(file));
	await put("certificate.pem", own.certificate);
	await put("key.pem", own.key);
	await put("config.json", JSON.stringify(config));
	return { directoryUrl: `https://127.0.0.1:${port}/dir`, ca: ca.certificate };
}

/** Runs it until the host is told otherwise. */
export async function startPebble(host: Connection): Promise<void> {
	const environment = "--setenv=PEBBLE_VA_NOSLEEP=1 --setenv=PEBBLE_WFE_NONCEREJECT=0";
	const answers = `timeout 5 bash -c '</dev/tcp/127.0.0.1/${port}' 2>/dev/null`;
	await execAsRoot(
		host,
		`chmod +x ${directory}/pebble
systemd-run -q --unit=pebble ${environment} ${directory}/pebble -config ${directory}/config.json
for attempt in $(seq 30); do ${answers} && exit; sleep 1; done
journalctl -n 20 --no-pager -u pebble >&2; exit 1`,
	);
}

export async function removePebble(host: Connection): Promise<void> {
	await execAsRoot(host, `systemctl stop pebble 2>/dev/null || true; rm -rf ${directory}`);
}
