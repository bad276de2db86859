import * as net from "node:net";

/*
 * Applications of every behaviour, for the test of what healthy means. `node applications.ts` serves each at its own port, says "ready", and prints
 * the head of each request as a line of JSON.
 */

/** What an application does with a request. */
export interface Application {
	/** What is written, and the milliseconds that pass before each part. */
	parts: { text: string; after?: number }[];
	/** Whether it answers only to this Host, and 421 to others. */
	onlyHost?: string;
	/** Whether it listens on 127.0.0.1 only. */
	isLocal?: boolean;
	/** Whether it leaves the connection open after the answer, whatever was asked for. */
	keepsOpen?: boolean;
	/** Whether it says nothing at 10.99.7.2. */
	isDeafAtFirst?: boolean;
	/** What it answers for two seconds after the first request. */
	atFirst?: string;
	/** Whether it accepts no connection at all. */
	isDown?: boolean;
}

const answer = (status: string, head = "", body = "ok", version = "HTTP/1.1") =>
	`${version} ${status}\r\n${head}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const plain = (status: string, head = ""): Application => ({ parts: [{ text: answer(status, head) }] });
const drip = (text: string, milliseconds: number) => [...text].map((text) => ({ text, after: milliseconds }));

export const applications = {
	ok: plain("200 OK"),
	"no content": { parts: [{ text: "HTTP/1.1 204 No Content\r\n\r\n" }] },
	"a redirect to itself, then 200": plain("302 Found", "location: /health?again\r\n"),
	unauthorized: plain("401 Unauthorized"),
	"not found": plain("404 Not Found"),
	broken: plain("500 Internal Server Error"),
	unavailable: plain("503 Service Unavailable"),
	"unavailable for two seconds": { ...plain("200 OK"), atFirst: answer("503 Service Unavailable") },
	"a second late": { parts: [{ text: answer("200 OK"), after: 1000 }] },
	"after the limit": { parts: [{ text: answer("200 OK"), after: 4500 }] },
	"a status line that drips": { parts: drip(answer("200 OK"), 400) },
	"a body that drips": { parts: [{ text: "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n" }, ...drip("x".repeat(40), 400)] },
	"closes without an answer": { parts: [] },
	"closes within the status line": { parts: [{ text: "HTTP/1.1 200 OK" }] },
	"closes within the body": { parts: [{ text: "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nhalf" }] },
	"says nothing": { parts: [], keepsOpen: true },
	"listens on 127.0.0.1 only": { ...plain("200 OK"), isLocal: true },
	"is down": { parts: [], isDown: true },
	"answers at its second address only": { ...plain("200 OK"), isDeafAtFirst: true },
	"answers to its own name only": { ...plain("200 OK"), onlyHost: "was.example.org:8443" },
	"a huge body": { parts: [{ text: answer("200 OK", "", "x".repeat(20_000_000)) }] },
	"HTTP/1.0": { parts: [{ text: "HTTP/1.0 200 OK\r\n\r\nok" }] },
	chunked: { parts: [{ text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n" }, { text: "0\r\n\r\n", after: 100 }] },
	"leaves the connection open": { ...plain("200 OK"), keepsOpen: true },
	"without a reason phrase": plain("200"),
	"an early hint, then 200": {
		parts: [{ text: "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" }, { text: answer("200 OK"), after: 100 }],
	},
	"an early hint, then 500": {
		parts: [{ text: "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" }, { text: answer("500 No"), after: 100 }],
	},
	"an early hint, then nothing": { parts: [{ text: "HTTP/1.1 103 Early Hints\r\n\r\n" }] },
	"no HTTP": { parts: [{ text: "220 mail.example.org ESMTP\r\n200 200 200\r\n" }] },
	"a very long head": { parts: [{ text: answer("200 OK", `x-long: ${"y".repeat(20_000)}\r\n`) }] },
} satisfies Record<string, Application>;

export type ApplicationName = keyof typeof applications;

export const portOf = (name: string) => 8100 + Object.keys(applications).indexOf(name);

/** What a request consisted of. */
export interface SeenRequest {
	application: string;
	/** Lines of its head. */
	head: string[];
}

function serve(
	name: string,
	{ parts, onlyHost, isLocal, isDeafAtFirst, atFirst, keepsOpen, isDown }: Application,
	port: number,
): Promise<void> | undefined {
	if (isDown) return undefined;
	let firstAt: number | undefined;
	const server = net.createServer((socket) => {
		if (isDeafAtFirst && socket.localAddress?.endsWith("10.99.7.2")) return;
		let head = "";
		let timer: NodeJS.Timeout | undefined;
		const close = () => clearTimeout(timer);
		socket.on("error", close).on("close", close);
		/** Writes one part after another. */
		const write = ([part, ...rest]: Application["parts"]) => {
			const step = () => {
				if (part) socket.write(part.text);
				if (part) write(rest);
				else if (!keepsOpen) socket.end();
			};
			timer = setTimeout(step, part?.after ?? 1);
		};
		socket.on("data", (data) => {
			if (head.endsWith("\r\n\r\n")) return;
			head += data.toString("latin1");
			if (!head.endsWith("\r\n\r\n")) return;
			const lines = head.trimEnd().split("\r\n");
			process.stdout.write(`${JSON.stringify({ application: name, head: lines } satisfies SeenRequest)}\n`);
			const isForMe = !onlyHost || lines.includes(`Host: ${onlyHost}`);
			firstAt ??= performance.now();
			if (atFirst && performance.now() - firstAt < 2000) return write([{ text: atFirst }]);
			// The redirect's target is healthy: who follows it says so.
			const answers = lines[0]?.includes("?again") ? applications.ok.parts : isForMe ? parts : plain("421 Misdirected Request").parts;
			write(answers);
		});
	});
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		server.listen(port, isLocal ? "127.0.0.1" : "0.0.0.0", resolve);
	});
}

if (process.argv[1] === import.meta.filename) {
	await Promise.all(Object.entries(applications).map(([name, application]) => serve(name, application, portOf(name))));
	process.stdout.write("ready\n");
}
