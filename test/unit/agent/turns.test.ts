import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { python } from "./support/python.ts";

/* host/agents/scaleout_turns.py: whose turn it is to close. The agents themselves take turns in drainTurns.test.ts. */

interface Said {
	/** Default: its name. */
	address?: string;
	state: "serving" | "waiting" | "closed" | "away" | "down";
	number?: number;
	choosing?: boolean;
	seconds?: number;
	agent?: boolean;
}

/** Of node "b" at address "b" with number 5, unless it is said otherwise. */
interface Case {
	others: Record<string, Said>;
	parallelism?: number;
	order?: string[];
	delay?: number;
	number?: number;
}

/** Why each has to wait, and for whom: all in one go. */
function obstacles(cases: Case[]): [why: string | null, who: string[]][] {
	const said = ({ others }: Case) =>
		Object.fromEntries(
			Object.entries(others).map(([name, of]) => [
				name,
				{ address: name, number: 0, choosing: false, seconds: 1000, agent: of.state !== "down", ...of },
			]),
		);
	const given = cases.map((each) => ["b", [each.number ?? 5, "b"], each.parallelism ?? 1, each.order ?? [], each.delay ?? 0, said(each)]);
	const script =
		"import json, sys, scaleout_turns as turns\nprint(json.dumps([turns.obstacle(name, tuple(place), *rest) for name, place, *rest in json.loads(sys.argv[1])]))";
	return python(script, JSON.stringify(given)) as [string | null, string[]][];
}

const serving: Said = { state: "serving" };

describe("a node that is to close", () => {
	const goes: [when: string, given: Case][] = [
		["there is no other one", { others: {} }],
		["all others serve", { others: { a: serving, c: serving } }],
		["another one waits behind it", { others: { a: { state: "waiting", number: 6 }, c: { state: "waiting", number: 5 } } }],
		[
			"another one has the same number and an address behind, whatever its name",
			{ others: { a: { address: "c", state: "waiting", number: 5 } } },
		],
		["another one was asked to stop and has no number yet", { others: { a: { state: "waiting" } } }],
		["another one has no task", { others: { a: { state: "away" }, c: serving } }],
		["fewer are closed than may be", { others: { a: { state: "closed" }, c: serving, d: serving }, parallelism: 2 }],
		["another one has been gone for long", { others: { a: { state: "down", seconds: 121 }, c: serving } }],
		[
			"another one's agent has been silent for long, and its port answers",
			{ others: { c: { state: "serving", agent: false, seconds: 31 } } },
		],
		["the one that goes first cannot take part", { others: { a: { state: "away" }, c: serving }, order: ["a"] }],
		["the one that goes after it by the order waits, too", { others: { c: { state: "waiting", number: 6 } }, order: ["b", "c"] }],
		["the last one serves for long enough", { others: { a: { state: "serving", seconds: 30 } }, delay: 30 }],
	];
	const waits: [when: string, why: string, who: string[], given: Case][] = [
		["one is closed", "a does not serve", ["a"], { others: { a: { state: "closed" }, c: serving } }],
		["one is ahead", "a is next", ["a"], { others: { a: { state: "waiting", number: 4 }, c: serving } }],
		["one has the same number and a name before", "a is next", ["a"], { others: { a: { state: "waiting", number: 5 } } }],
		[
			"one has the same number and an address before, whatever its name",
			"c is next",
			["c"],
			{ others: { c: { address: "a", state: "waiting", number: 5 } } },
		],
		[
			"as many as may be are closed or ahead",
			"c does not serve, a is next",
			["c", "a"],
			{ others: { a: { state: "waiting", number: 4 }, c: { state: "closed" } }, parallelism: 2 },
		],
		["one chooses its number", "c chooses a number", ["c"], { others: { a: serving, c: { state: "waiting", choosing: true } } }],
		["one that goes first by the order waits", "c goes first", ["c"], { others: { c: { state: "waiting", number: 9 } }, order: ["c"] }],
		[
			"one that goes first by the order has no number yet",
			"c goes first",
			["c"],
			{ others: { c: { state: "waiting" } }, order: ["c", "b"] },
		],
		["one has just gone, which may be starting again", "a does not answer", ["a"], { others: { a: { state: "down", seconds: 119 } } }],
		[
			"one's agent has just fallen silent: what it wants is not known",
			"the agent of c does not answer",
			["c"],
			{ others: { c: { state: "serving", agent: false, seconds: 29 } } },
		],
		[
			"agents cannot reach one another: the later by name has more patience",
			"the agent of a does not answer",
			["a"],
			{ others: { a: { state: "serving", agent: false, seconds: 59 } } },
		],
		[
			"the last one serves too short",
			"a serves for less than 30 s",
			["a"],
			{ others: { a: { state: "serving", seconds: 29 } }, delay: 30 },
		],
		[
			"no other one would serve",
			"no other node serves",
			["a"],
			{ others: { a: { state: "closed" }, c: { state: "away" } }, parallelism: 3 },
		],
	];
	const all = [...goes.map(([, given]) => given), ...waits.map(([, , , given]) => given)];
	let found: [string | null, string[]][];
	beforeAll(() => {
		found = obstacles(all);
	});

	test.each(goes)("goes when %s", (_, given) => {
		expect(found[all.indexOf(given)]).toEqual([null, []]);
	});

	test.each(waits)("waits when %s", (_, why, who, given) => {
		expect(found[all.indexOf(given)]).toEqual([why, who]);
	});
});

describe("of a node whose agent does not answer", () => {
	test("its published port tells whether it serves", () => {
		const script = `
import json, socket
from scaleout_turns import Peer
server = socket.create_server(("127.0.0.1", 0))
nobody = socket.create_server(("127.0.0.1", 0))
free = nobody.getsockname()[1]
nobody.close()
print(json.dumps([Peer("a", "127.0.0.1", free, "was").ask([port])["state"] for port in (server.getsockname()[1], free)]))`;
		expect(python(script)).toEqual(["serving", "down"]);
	});

	test("nonsense is no answer, and neither is what another service's agent says", () => {
		const script = `
import json, threading
from scaleout_turns import Peer, serve
good = {"service": "was", "state": "serving", "number": 3, "choosing": False, "seconds": 1.5}
said = []
endless = {**good, "number": float("inf")}
for answer in (good, {**good, "number": "many"}, endless, {**good, "down": {"c": "long"}}, {**good, "service": "other"}, {}, [], None):
    server = serve("127.0.0.1", 0, lambda answer=answer: answer)
    said.append(Peer("a", "127.0.0.1", server.server_address[1], "was").ask([])["agent"])
print(json.dumps(said))`;
		expect(python(script)).toEqual([true, ...Array(7).fill(false)]);
	});
});

describe("in whatever order nodes read of one another", () => {
	const model = path.join(import.meta.dirname, "support", "turns_model.py");
	const run = (...args: string[]) => {
		const { stdout, stderr } = spawnSync("python3", ["-B", model, ...args], { encoding: "utf8" });
		if (!stdout) throw new Error(stderr);
		return JSON.parse(stdout) as { runs: number; most: number; unfinished: number; closings: string[][] };
	};

	test.each([
		["five nodes, one at a time", 1, ["5", "1", "", "60"]],
		["five nodes, two at a time", 2, ["5", "2", "", "40"]],
		["four nodes whose agents end, start again and are slow to answer", 1, ["4", "1", "", "80", "crashes"]],
	])("%s: never more are closed than may be, and all get their turn", (_, most, args) => {
		const seen = run(...args);
		expect(seen).toMatchObject({ runs: Number(args[3]), most, unfinished: 0 });
		for (const closings of seen.closings)
			expect(closings.toSorted()).toEqual([0, 1, 2, 3, 4].slice(0, Number(args[0])).map((index) => `node${index}`));
	});

	test("an order is kept, and one at a time goes", () => {
		const seen = run("4", "1", "node2,node0", "80");
		expect(seen).toMatchObject({ runs: 80, most: 1, unfinished: 0 });
		for (const closings of seen.closings) expect(closings.slice(0, 2)).toEqual(["node2", "node0"]);
	});

	test("an order brings nothing to a standstill when agents end and start again", () => {
		expect(run("4", "1", "node2,node0", "60", "crashes")).toMatchObject({ runs: 60, most: 1, unfinished: 0 });
	});
});

test("what was found of a silent peer is forgotten when nobody has looked for a while: it may have come back and gone again", () => {
	const script = `
import json, time, scaleout_turns as turns
here = turns.Turns("b", "b", [turns.Peer("a", "127.0.0.1", 1, "was")], 1)
now = time.monotonic()
found = []
for looked in (5, 60):
    here.silent["a"] = ("down", now - 1000, now - looked)
    found.append([list(here.down()), here.ask(["a"], [])["a"]["seconds"] > 900])
print(json.dumps(found))`;
	expect(python(script)).toEqual([
		[["a"], true],
		[[], false],
	]);
});

describe("a node that is no peer any more", () => {
	test("is known from what was noted, unless it has only got another name or address", () => {
		const script = `
import json
from scaleout_turns import Peer, as_lines, left_over
peers = [Peer("a", "10.0.0.1", 7947, "was"), Peer("new-name", "10.0.0.2", 7947, "was")]
gone = Peer("gone", "10.0.0.3", 7947, "was")
noted = as_lines([Peer("a", "10.0.0.9", 7947, "was"), Peer("old-name", "10.0.0.2", 7947, "was"), Peer("me-before", "10.0.0.4", 7947, "was"), gone])
print(json.dumps(left_over(noted, peers, "me", "10.0.0.4")))`;
		expect(python(script)).toEqual([["gone", "10.0.0.3"]]);
	});

	test("counts for as long as its agent answers, and is forgotten half a minute later", () => {
		const script = `
import json, time, scaleout_turns as turns
here = turns.Turns("b", "b", [turns.Peer("a", "127.0.0.1", 1, "was")], 1)
server = turns.serve("127.0.0.1", 0, lambda: {"service": "was", "state": "closed", "number": 0, "choosing": False, "seconds": 60})
here.add_leaving([turns.Peer("leaving", "127.0.0.1", server.server_address[1], "was"), turns.Peer("gone", "127.0.0.1", 1, "was")])
seen = [here.ask(["leaving", "gone"], [])]
here.ask_all_next()
kept = sorted(here.peers)
state, since, at = here.silent["gone"]
here.silent["gone"] = (state, since - 31, at)
seen.append(here.ask(["leaving", "gone"], []))
asked = sorted(here.peers)
here.ask_all_next()
print(json.dumps([[[of[name]["state"] for name in ("leaving", "gone")] for of in seen], kept, asked, sorted(here.peers), here.unreachable()]))`;
		expect(python(script)).toEqual([
			[
				["closed", "away"],
				["closed", "away"],
			],
			["a", "gone", "leaving"],
			["a", "gone", "leaving"],
			["a", "leaving"],
			[],
		]);
	});

	test("counts on when it answers again after it was silent for a moment", () => {
		const script = `
import json, scaleout_turns as turns
here = turns.Turns("b", "b", [], 1)
here.add_leaving([turns.Peer("leaving", "127.0.0.1", 1, "was")])
here.ask(["leaving"], [])
server = turns.serve("127.0.0.1", 0, lambda: {"service": "was", "state": "closed", "number": 0, "choosing": False, "seconds": 60})
here.peers["leaving"].port = server.server_address[1]
here.ask(["leaving"], [])
here.peers["leaving"].port = 1
turns.SILENT_SECONDS = 0.2
turns.time.sleep(0.3)
here.ask(["leaving"], [])
here.ask_all_next()
print(json.dumps(sorted(here.peers)))`;
		expect(python(script)).toEqual(["leaving"]);
	});
});
