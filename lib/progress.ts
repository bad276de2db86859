import { createRequire } from "node:module";
import { engineAddress } from "./engineProcess.ts";

/** Shows the operator what is being waited for. */
export type Progress = (message: string) => void;

/**
 * Progress of one resource. Inside the engine's provider process the message goes to the engine as the resource's status line
 * (`ephemeral`: it replaces the previous one and is not in the final diagnostics); elsewhere to standard error.
 *
 * @param urn The resource's URN, as the engine knows it.
 * @param name The name to show without an engine.
 */
export function progressOf(urn: string | undefined, name: string): Progress {
	const engine = engineAddress();
	if (!engine || !urn) return (message) => process.stderr.write(`  ${name}: ${message}\n`);
	let last = 0;
	return (message) => {
		// At most two lines per second and resource, so that people can read the status line.
		const now = Date.now();
		if (now - last < 500) return;
		last = now;
		logToEngine(engine, urn, message);
	};
}

/** A lasting remark about a resource, for the preview's diagnostics. */
export function noteOf(urn: unknown, message: string): void {
	const engine = engineAddress();
	if (engine && typeof urn === "string") logToEngine(engine, urn, message, false);
}

// The engine's log service has no public wrapper for a provider process, so its generated client is loaded from the SDK itself.
const require = createRequire(import.meta.url);
let client: { log(request: unknown, done: (error: unknown) => void): void } | undefined;

function logToEngine(address: string, urn: string, message: string, ephemeral = true): void {
	const { LogRequest, LogSeverity } = require("@pulumi/pulumi/proto/engine_pb.js");
	if (!client) {
		const { EngineClient } = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
		const grpc = require("@grpc/grpc-js");
		client = new EngineClient(address, grpc.credentials.createInsecure()) as typeof client;
	}
	const request = new LogRequest();
	request.setSeverity(LogSeverity.INFO);
	request.setUrn(urn);
	request.setMessage(message);
	request.setEphemeral(ephemeral);
	// A lost status line is no reason to fail a step.
	client?.log(request, () => {});
}
