import { RunError } from "@pulumi/pulumi";

/**
 * A failure of the program. The engine shows its message, without a stack trace.
 *
 * It has no stack at all, for two reasons. If the error comes from an output, the engine would show the stack. And the engine lets Node describe each
 * failure for its own trace. On a frame in a file directly below node_modules, where the SDK's source maps place its own frames, Node's util.inspect does
 * not end before it has built a string of half a GiB.
 */
export class ProgramError extends RunError {
	constructor(message: string) {
		super(message);
		this.stack = undefined;
	}
}
