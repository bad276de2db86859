import * as pulumi from "@pulumi/pulumi";
import type { HostConfig, Topology } from "../config/schema.ts";

type Named = Pick<HostConfig, "name" | "aliases">;

/**
 * What a resource was called while its host had other names, the latest first. Resources of a host carry its name alone, before a hyphen or
 * after one. Pure.
 */
export function formerNames(resource: string, hosts: Named[]): string[] {
	const carriers = hosts.filter(({ name }) => resource === name || resource.startsWith(`${name}-`) || resource.endsWith(`-${name}`));
	// One host's name may begin with another one's.
	const [host] = carriers.toSorted((a, b) => b.name.length - a.name.length);
	if (!host) return [];
	const isFirst = resource.startsWith(host.name);
	const rest = isFirst ? resource.slice(host.name.length) : resource.slice(0, -host.name.length);
	const others = host.aliases.filter((alias) => alias !== host.name);
	return others.map((alias) => (isFirst ? `${alias}${rest}` : `${rest}${alias}`));
}

/** Options of a component whose resources carry names of hosts: the engine knows them by their former names, too, and makes none anew. */
export function knownByFormerNames({ hosts }: Topology, opts: pulumi.ComponentResourceOptions = {}): pulumi.ComponentResourceOptions {
	const transformation: pulumi.ResourceTransformation = ({ name, props, opts }) => {
		const former = formerNames(name, hosts).map((name) => ({ name }));
		return former.length === 0 ? undefined : { props, opts: pulumi.mergeOptions(opts, { aliases: former }) };
	};
	return { ...opts, transformations: [...(opts.transformations ?? []), transformation] };
}

/** The name a machine was made with, which it keeps. */
export function firstName({ name, aliases }: Named): string {
	return aliases.at(-1) ?? name;
}
