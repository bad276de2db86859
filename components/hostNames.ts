interface Named {
	name: string;
	/** Former names, the latest first. */
	aliases: string[];
}

/**
 * A host's first name. Its machine keeps it, and what is on the host uses it as well (agents, comments): so a new name in the configuration changes
 * nothing there.
 */
export function firstName({ name, aliases }: Named): string {
	return aliases.at(-1) ?? name;
}

/**
 * A resource's names from the time when its host had other names, for the option `aliases`: so the engine recognises it and does not recreate it.
 *
 * @param of Makes the resource's name from its host's.
 */
export function aliasesOf({ name, aliases }: Named, of: (host: string) => string): { name: string }[] {
	return aliases.filter((alias) => alias !== name).map((alias) => ({ name: of(alias) }));
}
