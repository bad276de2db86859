import { z } from "zod";
import { hostName, port } from "./values.ts";

const bindAddress = z.union([z.ipv4(), z.ipv6()]);

export const methods = ["round_robin", "least_conn", "ip_hash", "hash", "random", "least_time"] as const;

export const nginx = z.strictObject({
	method: z.enum(methods).default("least_conn").describe("Load balancing method. A change reloads NGINX."),
	hashKey: z
		.string()
		.regex(/^[\w$:./?&=-]+$/)
		.optional()
		.describe("`hash` only: the key, such as $request_uri."),
	weights: z.record(hostName, z.int().min(1).max(1000)).default({}).describe("Weight by app node. Default 1."),
	upstream: z
		.string()
		.regex(/^[a-z][a-z0-9_]{0,30}$/)
		.default("app")
		.describe("Name of the upstream."),
	listen: port.default(80).describe("Port NGINX listens on."),
	bind: bindAddress.optional().describe("Address NGINX listens on. Default: all."),
	serverName: z
		.string()
		.regex(/^[\w.*-]+$/)
		.default("_")
		.describe("server_name."),
	maxFails: z.int().min(0).default(1).describe("max_fails of each server."),
	failTimeoutSeconds: z
		.int()
		.min(0)
		.default(1)
		.describe("fail_timeout of each server. Long values take healthy nodes out when several fail one after another."),
	connectTimeoutSeconds: z.int().min(1).max(75).default(5).describe("proxy_connect_timeout."),
	readTimeoutSeconds: z.int().min(1).default(60).describe("proxy_read_timeout."),
	maintenance: z
		.boolean()
		.default(false)
		.describe("Answer everything with a 503 page. Switched without a reload: requests in flight end normally."),
	retryAfterSeconds: z.int().min(1).default(120).describe("Retry-After of the 503 page."),
	clientMaxBodyMiB: z.int().min(0).default(10).describe("client_max_body_size; 0 is no limit."),
});
