import { systemClock } from "../../lib/wait.ts";
import { Scene } from "../unit/components/nginx/site.ts";
import { Load, throughput } from "./load.ts";
import { median } from "./measure.ts";

/*
 * NGINX's local ports. One that was used for a connection to a node is taken for a minute after the connection has ended, and when none is left NGINX
 * answers 502. Three ways, in turn, with a real NGINX in a network namespace, one node, and a twentieth of the ports that a host has, so that they
 * run out within seconds:
 *
 * - a new connection for each request;
 * - the same, with two settings of the kernel: all ports above 1023 may be used, and each again after a second (`net.ipv4.tcp_tw_reuse`);
 * - connections that are kept, as the product does it.
 *
 *   npm run bench:ports -- [rounds, default 3]
 */

const seconds = 15;
const clients = 32;
const rounds = Number(process.argv[2] ?? 3);

// A twentieth of 32768 to 60999, and of 1024 to 65535.
const asShipped = ["net.ipv4.ip_local_port_range=40000 41411"];
const widened = ["net.ipv4.ip_local_port_range=40000 43224", "net.ipv4.tcp_tw_reuse=1"];

const ways = {
	"not kept": { change: { keepalive: 0 }, settings: asShipped },
	"not kept, kernel settings": { change: { keepalive: 0 }, settings: widened },
	kept: { change: {}, settings: asShipped },
} as const;
type Way = keyof typeof ways;

async function measure(way: Way) {
	const { change, settings } = ways[way];
	const scene = await Scene.make(change, { nodes: 1 });
	try {
		for (const setting of settings) scene.namespace.exec("sysctl", "-qw", setting);
		const load = new Load({ url: `http://${scene.namespace.address}`, clients, keepAlive: true, maxDelayMs: 0 });
		const from = load.now();
		await systemClock.sleep(seconds * 1000);
		const found = throughput(load.samples, from, load.now());
		await load.stop();
		const share = (100 * found.failed) / load.samples.length;
		process.stdout.write(
			`${way.padEnd(28)} ${found.perSecond.toFixed(0)} answered requests/s, p50 ${found.p50.toFixed(1)} ms, ${found.failed} of ${load.samples.length} failed (${share.toFixed(1)} %)\n`,
		);
		return found;
	} finally {
		await scene.close();
	}
}

const found = new Map<Way, Awaited<ReturnType<typeof measure>>[]>();
for (let round = 0; round < rounds; round++) {
	for (const way of Object.keys(ways) as Way[]) found.set(way, [...(found.get(way) ?? []), await measure(way)]);
}
const of = (way: Way, name: "perSecond" | "p50" | "failed") => median((found.get(way) ?? []).map((one) => one[name]));
process.stdout.write(`\nmedian of ${rounds} rounds, beside kept:\n`);
for (const way of Object.keys(ways) as Way[]) {
	const [rate, p50] = [of(way, "perSecond") / of("kept", "perSecond"), of(way, "p50") / of("kept", "p50")];
	process.stdout.write(`${way.padEnd(28)} x${rate.toFixed(2)} requests/s, x${p50.toFixed(2)} p50, ${of(way, "failed")} failed\n`);
}
