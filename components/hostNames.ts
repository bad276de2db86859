interface Named {
	name: string;
	/** Names it had before, the latest first. */
	aliases: string[];
}

/**
 * The name a host was first known by, which a machine keeps. What lies on the host goes by it as well (agents, comments): another name in the
 * configuration changes nothing there.
 */
export function firstName({ name, aliases }: Named): string {
	return aliases.at(-1) ?? name;
}

/**
 * What a resource was called while its host had other names, for the option `aliases`: the engine knows it by them and recreates none.
 *
 * @param of The resource's name by its host's.
 */
export function aliasesOf({ name, aliases }: Named, of: (host: string) => string): { name: string }[] {
	return aliases.filter((alias) => alias !== name).map((alias) => ({ name: of(alias) }));
}
