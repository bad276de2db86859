import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * A dynamic provider that loads its logic from `module` when it is called.
 *
 * The engine stores a dynamic provider as source text in every resource's state. This text stays the same whatever the logic does, so that a
 * change of logic shows as no diff, and refresh and destroy run today's code rather than the code of the last deployment.
 *
 * @param module What the program's directory can `require`: a path from it, or a module of a package installed for it. It exports `provider`, a
 *   `pulumi.dynamic.ResourceProvider`. Never an absolute path: the state would be bound to one machine.
 */
export function shell(module: string): pulumi.dynamic.ResourceProvider {
	// Only globals here: what a function refers to is stored with it. The provider process runs in the program's directory.
	const load = () => process.getBuiltinModule("node:module").createRequire(`${process.cwd()}/package.json`)(module).provider;
	return {
		check: async (olds, news) => load().check(olds, news),
		diff: async (id, olds, news) => load().diff(id, olds, news),
		create: async (inputs) => load().create(inputs),
		read: async (id, props) => load().read(id, props),
		update: async (id, olds, news) => load().update(id, olds, news),
		delete: async (id, props) => load().delete(id, props),
	};
}

/** The module of a provider: in this project its source; where the program only uses this package, the built module by the package's name. */
export function providerModule(directory: string, file = import.meta.filename): string {
	return path.extname(file) === ".ts" ? `./providers/${directory}/provider.ts` : `swarm-scaleout/providers/${directory}`;
}

/** One for each module: the SDK makes the text of a provider object once, so one object for each resource would be as many texts. */
const shells = new Map<string, pulumi.dynamic.ResourceProvider>();

function sharedShell(module: string): pulumi.dynamic.ResourceProvider {
	const shared = shells.get(module) ?? shell(module);
	shells.set(module, shared);
	return shared;
}

/** A resource whose provider is `providers/<directory>/provider.ts`. Shown as `pulumi-nodejs:dynamic/scaleout:<type>`. */
export abstract class ScaleoutResource extends pulumi.dynamic.Resource {
	protected constructor(directory: string, type: string, name: string, props: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
		// Providers are not told their URN, but need it to show progress on the right line. Inputs that begin with "__" are not displayed.
		// The parent's URN goes in as a promise: as an output it would make the resource depend on the parent, which waits for its children.
		const parent = opts?.parent && new Promise<string>((resolve) => opts.parent?.urn.apply(resolve));
		const __urn = pulumi.createUrn(name, `pulumi-nodejs:dynamic/scaleout:${type}`, parent);
		super(sharedShell(providerModule(directory)), name, { ...props, __urn }, opts, "scaleout", type);
	}
}
