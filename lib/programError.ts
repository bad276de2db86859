import { RunError } from "@pulumi/pulumi";

/**
 * The program's failure, of which the engine shows the message and no stack trace.
 *
 * It has no stack at all. An output's error reaches the engine by ways that would show it. And the engine has Node describe each failure for its own
 * trace: Node's util.inspect does not end on a frame in a file right below node_modules, where the SDK's source maps place its own frames, until a
 * string of half a GiB has grown.
 */
export class ProgramError extends RunError {
	constructor(message: string) {
		super(message);
		this.stack = undefined;
	}
}
