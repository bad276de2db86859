import { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import { afterMark } from "./connection.ts";

/**
 * An SSH channel that behaves as http.Agent expects of a socket: it closes at its end, when it is destroyed, and when its connection breaks. A plain channel
 * stays half open when the other end has closed. If its connection is gone it cannot be destroyed, and does not report that: a request on it would wait for
 * ever.
 */
export class ChannelSocket extends Duplex {
	readonly #channel: ClientChannel;
	/** Data before the mark; undefined once the mark has come. */
	#before: string | undefined;

	/** `isMarked`: the channel's command was made with `marked`. */
	constructor(channel: ClientChannel, isMarked = false) {
		super({ allowHalfOpen: false });
		this.#channel = channel;
		if (isMarked) this.#before = "";
		channel.on("data", (chunk: Buffer) => this.#take(chunk) || channel.pause());
		channel.on("end", () => this.push(null));
		channel.on("error", (error: Error) => this.destroy(error));
		// Data that came before the end is read first.
		channel.on("close", () => (this.readableEnded || this.readableLength === 0 ? this.destroy() : this.once("end", () => this.destroy())));
	}

	/** Whether more may come. */
	#take(chunk: Buffer): boolean {
		if (this.#before === undefined) return this.push(chunk);
		this.#before += chunk.toString("latin1");
		const own = afterMark(this.#before);
		if (own === undefined) return true;
		this.#before = undefined;
		return own === "" || this.push(Buffer.from(own, "latin1"));
	}

	override _read(): void {
		this.#channel.resume();
	}

	override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
		this.#channel.write(chunk, encoding, callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#channel.end();
		callback();
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#channel.destroy();
		callback(error);
	}

	// Further methods of net.Socket that http.Agent calls, and a channel does not need.
	setKeepAlive(): this {
		return this;
	}

	setNoDelay(): this {
		return this;
	}

	setTimeout(): this {
		return this;
	}

	ref(): this {
		return this;
	}

	unref(): this {
		return this;
	}
}
