import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * The text of a dynamic provider that loads its logic from `module` when it is called.
 *
 * The engine stores a dynamic provider as source text in every resource's state. This text stays the same whatever the logic does, so that a
 * change of logic shows as no diff, and refresh and destroy run today's code rather than the code of the last deployment. It is written here and not made
 * from a function by the SDK, whose text is fifteen times as long: each resource has it twice, and sends it with each call.
 *
 * @param module What the program's directory can `require`: a path from it, or a module of a package installed for it. It exports `provider`, a
 *   `pulumi.dynamic.ResourceProvider`. Never an absolute path: the state would be bound to one machine.
 */
export function providerText(module: string): string {
	// The provider process calls `handler` and runs in the program's directory.
	return `exports.handler = () => process.getBuiltinModule("node:module").createRequire(process.cwd() + "/package.json")(${JSON.stringify(module)}).provider`;
}

/** The module of a provider: in this project its source; where the program only uses this package, the built module by the package's name. */
export function providerModule(directory: string, file = import.meta.filename): string {
	return path.extname(file) === ".ts" ? `./providers/${directory}/provider.ts` : `swarm-scaleout/providers/${directory}`;
}

/**
 * A resource whose provider is `providers/<directory>/provider.ts`. Shown as `pulumi-nodejs:dynamic/scaleout:<type>`: a `pulumi.dynamic.Resource` in all but
 * where its provider's text comes from.
 */
export abstract class ScaleoutResource extends pulumi.CustomResource {
	protected constructor(directory: string, type: string, name: string, props: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
		const fullType = `pulumi-nodejs:dynamic/scaleout:${type}`;
		// Providers are not told their URN, but need it to show progress on the right line. Inputs that begin with "__" are not displayed.
		// The parent's URN goes in as a promise: as an output it would make the resource depend on the parent, which waits for its children.
		const parent = opts?.parent && new Promise<string>((resolve) => opts.parent?.urn.apply(resolve));
		const __urn = pulumi.createUrn(name, fullType, parent);
		super(fullType, name, { ...props, __provider: providerText(providerModule(directory)), __urn }, opts);
	}
}
