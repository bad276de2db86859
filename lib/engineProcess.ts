import * as net from "node:net";

/** The engine's address, which it passes to a provider process as the only argument. */
export function engineAddress(): string | undefined {
	const [, script = "", address = ""] = process.argv;
	return script.includes("dynamic-provider") && /^[\d.]+:\d+$/.test(address) ? address : undefined;
}

const checkMs = 3000;
let isWatching = false;

/**
 * Ends this provider process soon after the engine that started it has ended. So when the CLI is killed, its providers end as well, and nothing keeps
 * changing hosts beside the next `up`. In any other process it does nothing.
 */
export function endWithEngine(): void {
	const [host, port] = engineAddress()?.split(":") ?? [];
	if (!port || isWatching) return;
	isWatching = true;
	const check = () => {
		const socket = net.connect(Number(port), host);
		socket.once("connect", () => socket.destroy());
		socket.once("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "ECONNREFUSED") process.exit(1);
		});
	};
	setInterval(check, checkMs).unref();
}
