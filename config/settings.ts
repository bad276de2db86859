import type { z } from "zod";
import { ConfigError } from "../lib/fault.ts";
import { shapeFaults } from "./rules/shape.ts";
import { registry } from "./sections/image.ts";
import { logs } from "./sections/logs.ts";
import { nginx } from "./sections/nginx.ts";
import { service } from "./sections/service.ts";
import { swarm } from "./sections/swarm.ts";

/** Fills in the defaults. `path`: the place in a stack's configuration. @throws ConfigError with every fault of shape. */
function filled<Schema extends z.ZodType>(schema: Schema, path: string[], given: z.input<Schema>): z.output<Schema> {
	const parsed = schema.safeParse(given);
	if (parsed.success) return parsed.data;
	const raw = path.reduceRight<unknown>((within, key) => ({ [key]: within }), given);
	throw new ConfigError(parsed.error.issues.flatMap((issue) => shapeFaults({ ...issue, path: [...path, ...issue.path] }, raw)));
}

/**
 * The parts' settings, for a program without its own configuration: what is left out has the default of docs/configuration.md. Rules between keys (two
 * services on one port, more tasks than nodes) need the whole configuration, and are not checked here. @throws ConfigError with every fault of shape.
 */
export const settings = {
	logs: (given: z.input<typeof logs> = {}) => filled(logs, ["logs"], given),
	swarm: (given: z.input<typeof swarm> = {}) => filled(swarm, ["swarm"], given),
	registry: ({ server, username }: Pick<z.input<typeof registry>, "server" | "username"> = {}) =>
		filled(registry, ["registry"], { server, username }),
	/** `image` is for WasImage. Secrets are passed to WasService separately. */
	service: (name: string, given: Omit<z.input<typeof service>, "secrets" | "secretEnv">) => {
		const { image, ...rest } = filled(service, ["services", name], given);
		return { image, service: { name, ...rest, secrets: {}, secretEnv: {} } };
	},
	nginx: (given: Omit<z.input<typeof nginx>, "sites"> = {}) => filled(nginx, ["nginx"], given),
};
