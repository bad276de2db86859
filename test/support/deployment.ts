import { asImported, asSecret, type Props, type Registered } from "./mocks.ts";

/*
 * A deployment, as `pulumi stack import` takes it, of what a program registered with the mock runtime: the state that an `up` would have
 * left, made without any host. A preview against it is a real one, by the real engine and the real providers.
 */

export interface Target {
	project: string;
	stack: string;
	/** Version by package, of the packages that come with a plugin. */
	versions: Record<string, string>;
}

/**
 * @param outputs The stack's outputs.
 * @param empty The new stack's own export: it says how the state is encrypted.
 */
export function deploymentOf(resources: Registered[], outputs: Props, { project, stack, versions }: Target, empty: Props): Props {
	const root = `urn:pulumi:${stack}::${project}::pulumi:pulumi:Stack::${project}-${stack}`;
	const defaults = new Map<string, Props>();
	/** URN and ID of a package's default provider, which a program does not register: the engine makes it. */
	const defaultProvider = (pkg: string): string => {
		const version = versions[pkg];
		const type = `pulumi:providers:${pkg}`;
		const urn = `urn:pulumi:${stack}::${project}::${type}::default${version ? `_${version.replaceAll(".", "_")}` : ""}`;
		const inputs = version ? { version } : {};
		defaults.set(pkg, { urn, custom: true, type, id: "default", inputs, outputs: inputs });
		return `${urn}::default`;
	};
	const stateOf = (resource: Registered): Props => {
		const { urn, type, custom, id, parent, dependencies, providerReference, deletedWith, retainOnDelete, secretOutputs } = resource;
		const pkg = type.split(":")[0] as string;
		const asChecked = (props: Props) => withDefaults(type, asImported(props) as Props, versions);
		return {
			urn,
			type,
			custom,
			parent: parent || root,
			dependencies,
			inputs: asChecked(resource.marked),
			outputs: custom ? asChecked(resource.outputs) : {},
			...(custom && { id }),
			...(custom && pkg !== "pulumi" && { provider: providerReference || defaultProvider(pkg) }),
			...(deletedWith && { deletedWith }),
			...(retainOnDelete && { retainOnDelete }),
			...(secretOutputs.length > 0 && { additionalSecretOutputs: secretOutputs }),
		};
	};
	const states = resources.map(stateOf);
	const stackState = { urn: root, type: "pulumi:pulumi:Stack", custom: false, inputs: {}, outputs };
	return { ...empty, deployment: { ...empty.deployment, resources: [stackState, ...defaults.values(), ...states] } };
}

/** The inputs after the provider's check, which the mock runtime does not do: it fills in defaults, and marks the private key once more. */
function withDefaults(type: string, props: Props, versions: Record<string, string>): Props {
	if (type.startsWith("pulumi:providers:")) return { version: versions[type.split(":")[2] as string], ...props };
	if (!type.startsWith("command:remote:") || !props.connection?.plaintext) return props;
	const checked = ({ proxy, privateKey, ...connection }: Props): Props => ({
		dialErrorLimit: 10,
		perDialTimeout: 15,
		...connection,
		privateKey: asImported(asSecret(privateKey)),
		...(proxy && { proxy: checked(proxy) }),
	});
	const connection = checked(JSON.parse(props.connection.plaintext));
	return { ...props, connection: { ...props.connection, plaintext: JSON.stringify(connection) } };
}
