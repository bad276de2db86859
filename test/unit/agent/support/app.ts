import * as http from "node:http";
import * as readline from "node:readline";

/*
 * The application in a container: `node app.ts PORT BEHAVIOUR`. It answers /health, and what begins so, with the status that its standard input said last, and /held once that says
 * `release`; it says on standard output which requests begin and which signals come. BEHAVIOUR: `dies` at a stop signal, or is `deaf` to all of them.
 */

const [port, behaviour] = process.argv.slice(2);
let status = 200;
const held: http.ServerResponse[] = [];
const say = (words: string) => process.stdout.write(`${words}\n`);

readline.createInterface({ input: process.stdin }).on("line", (line) => {
	if (line === "release") for (const response of held.splice(0)) response.end("served");
	else status = Number(line);
});
for (const signal of ["SIGTERM", "SIGQUIT", "SIGINT", "SIGWINCH"] as const) {
	process.on(signal, () => {
		say(`signal ${signal}`);
		if (behaviour === "dies") process.exit(0);
	});
}
http
	.createServer((request, response) => {
		say(`request ${request.url}`);
		if (request.url === "/held") held.push(response);
		else response.writeHead(request.url?.startsWith("/health") ? status : 200).end();
	})
	.listen(Number(port), () => say("listening"));
