import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * The source text of a dynamic provider that loads its logic from `module` when it is called.
 *
 * The engine stores a dynamic provider as source text in every resource's state. This text does not depend on the logic. So a change of logic causes no
 * diff, and refresh and destroy run today's code, not the code of the last deployment. The text is written here because the SDK's text for a function is
 * fifteen times as long: each resource stores it twice, and sends it with each call.
 *
 * @param module Something that can be required from the program's directory: a path from there, or a module of a package installed there. It exports
 *   `provider`, a `pulumi.dynamic.ResourceProvider`. Never an absolute path: that would bind the state to one machine.
 */
export function providerText(module: string): string {
	// The provider process calls `handler` and runs in the program's directory.
	return `exports.handler = () => process.getBuiltinModule("node:module").createRequire(process.cwd() + "/package.json")(${JSON.stringify(module)}).provider`;
}

/** The module of a provider: its source in this project; for a program that uses the package, the built module by the package's name. */
export function providerModule(directory: string, file = import.meta.filename): string {
	return path.extname(file) === ".ts" ? `./providers/${directory}/provider.ts` : `swarm-scaleout/providers/${directory}`;
}

/**
 * A resource whose provider is `providers/<directory>/provider.ts`. Its type is `pulumi-nodejs:dynamic/scaleout:<type>`. It works like a
 * `pulumi.dynamic.Resource`, except for the origin of its provider's text.
 */
export abstract class ScaleoutResource extends pulumi.CustomResource {
	protected constructor(directory: string, type: string, name: string, props: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
		const fullType = `pulumi-nodejs:dynamic/scaleout:${type}`;
		// The engine does not tell providers their URN, but they need it to show progress on the right line. Inputs that begin with "__" are not displayed.
		// The parent's URN is passed as a promise: as an output it would make the resource depend on the parent, which waits for its children.
		const parent = opts?.parent && new Promise<string>((resolve) => opts.parent?.urn.apply(resolve));
		const __urn = pulumi.createUrn(name, fullType, parent);
		super(fullType, name, { ...props, __provider: providerText(providerModule(directory)), __urn }, opts);
	}
}
