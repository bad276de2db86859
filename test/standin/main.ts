import { createRequire } from "node:module";
import { contextOf } from "./context.ts";
import type { Context, Props } from "./handler.ts";
import { check, create, invoke, read, remove, replaces, update } from "./provider.ts";

/*
 * A stand-in for the plugin of @pulumi/aws, for tests where the real one cannot be had. It serves the engine's provider protocol and sends
 * every operation to the endpoint in AWS_ENDPOINT_URL through the AWS SDK, so that the API judges the arguments.
 *
 * The SDK's own provider server hides the provider's configuration (the region) from a provider, so this one is written on the protocol.
 */

const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js");
const messages = require("@pulumi/pulumi/proto/provider_pb.js");
const { ResourceProviderService } = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js");
const { PluginInfo } = require("@pulumi/pulumi/proto/plugin_pb.js");
const { version } = require("@pulumi/aws/package.json");

// biome-ignore lint/suspicious/noExplicitAny: the generated messages have no types that fit
type Message = any;
type Call = { request: Message };

/** One method of the protocol: its answer goes back, its error as the text the operator sees. */
const method =
	(run: (request: Message) => Message | Promise<Message>) => (call: Call, answer: (error: object | null, reply?: Message) => void) =>
		Promise.resolve()
			.then(() => run(call.request))
			.then(
				(reply) => answer(null, reply),
				(error: Error) => answer({ code: grpc.status.UNKNOWN, details: describe(error) }),
			);

/** As the real provider words it: the API's error code, then its message. */
function describe(error: Error): string {
	const fromApi = "$metadata" in error;
	return fromApi ? `api error ${error.name}: ${error.message}` : (error.stack ?? error.message);
}

const plain = (struct: Message | undefined): Props => struct?.toJavaScript() ?? {};
// The wire has no undefined.
const struct = (props: Props): Message => Struct.fromJavaScript(JSON.parse(JSON.stringify(props)));

let configured: Props = {};
const contexts = new Map<string, Promise<Context>>();

/** The API of the region of these properties, else of the provider. */
function contextFor(props: Props): Promise<Context> {
	const region = props.region ?? configured.region ?? process.env.AWS_REGION;
	const context = contexts.get(region) ?? contextOf({ ...configured, region });
	contexts.set(region, context);
	return context;
}

const service = {
	getPluginInfo: method(() => new PluginInfo().setVersion(version)),
	getSchema: method(() => new messages.GetSchemaResponse().setSchema("{}")),
	checkConfig: method((request) => new messages.CheckResponse().setInputs(request.getNews())),
	diffConfig: method(() => new messages.DiffResponse()),
	// Secrets come in plain text; the engine marks what comes out under the same names.
	configure: method(async (request) => {
		configured = plain(request.getArgs());
		await contextFor({});
		return new messages.ConfigureResponse();
	}),
	check: method((request) => {
		const { inputs, failures } = check(request.getUrn(), plain(request.getOlds()), plain(request.getNews()));
		const list = failures.map(({ property, reason }) => new messages.CheckFailure().setProperty(property).setReason(reason));
		return new messages.CheckResponse().setInputs(struct(inputs)).setFailuresList(list);
	}),
	// "Unknown" lets the engine compare old and new inputs itself; only it is not told by that what replaces.
	diff: method((request) => {
		const names = replaces(request.getUrn(), plain(request.getOlds()), plain(request.getNews()));
		return new messages.DiffResponse().setReplacesList(names).setChanges(messages.DiffResponse.DiffChanges.DIFF_UNKNOWN);
	}),
	create: method(async (request) => {
		const inputs = plain(request.getProperties());
		const { id, outputs } = await create(request.getUrn(), inputs, await contextFor(inputs));
		return new messages.CreateResponse().setId(id).setProperties(struct(outputs));
	}),
	read: method(async (request) => {
		const [state, inputs] = [plain(request.getProperties()), plain(request.getInputs())];
		const found = await read(request.getUrn(), request.getId(), state, inputs, await contextFor(state));
		if (!found) return new messages.ReadResponse();
		return new messages.ReadResponse().setId(request.getId()).setProperties(struct(found.outputs)).setInputs(struct(found.inputs));
	}),
	update: method(async (request) => {
		const [olds, news] = [plain(request.getOlds()), plain(request.getNews())];
		const outputs = await update(request.getUrn(), request.getId(), olds, news, await contextFor(olds));
		return new messages.UpdateResponse().setProperties(struct(outputs));
	}),
	delete: method(async (request) => {
		const state = plain(request.getProperties());
		await remove(request.getUrn(), request.getId(), state, await contextFor(state));
		return new Empty();
	}),
	invoke: method(async (request) => {
		const args = plain(request.getArgs());
		return new messages.InvokeResponse().setReturn(struct(await invoke(request.getTok(), args, await contextFor(args))));
	}),
	cancel: method(() => new Empty()),
};

const server = new grpc.Server({ "grpc.max_receive_message_length": 64 * 1024 * 1024 });
server.addService(ResourceProviderService, service);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error: Error | null, port: number) => {
	if (error) throw error;
	// The engine reads the port from standard output.
	process.stdout.write(`${port}\n`);
});
