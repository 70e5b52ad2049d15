// SPDX-License-Identifier: Apache-2.0
// What the AWS SDK makes of ../cloudwatch.py: it must take its replies for the service's own. Prints
// TAP, ends with 1 when a check fails. The service runs with TLS, in a process of its own.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const https = require("node:https");
const os = require("node:os");
const path = require("node:path");
const zlib = require("node:zlib");
const logs = require("@aws-sdk/client-cloudwatch-logs");

const HOUR_MS = 3600 * 1000;
const GROUP = "/eks/cluster/containers";
const STREAM = "node-1/default/pod [1]";
const checks = [];
let ready, agent;

const check = (name, run) => checks.push({ name, run });
const event = (message, timestamp = Date.now()) => ({ message, timestamp });

function connect(options = {}) {
	const environment = ready.environment;
	return new logs.CloudWatchLogsClient({
		endpoint: ready.url,
		region: environment.AWS_REGION,
		credentials: {
			accessKeyId: environment.AWS_ACCESS_KEY_ID,
			secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
			sessionToken: environment.AWS_SESSION_TOKEN,
		},
		requestHandler: { httpsAgent: agent, requestTimeout: 2000, throwOnRequestTimeout: true },
		...options,
	});
}

function put(client, logEvents, more = {}) {
	const input = { logGroupName: GROUP, logStreamName: STREAM, logEvents, ...more };
	return client.send(new logs.PutLogEventsCommand(input));
}

async function control(route, document, method = document ? "POST" : "GET") {
	const body = document && JSON.stringify(document);
	const reply = await fetch(ready.control_url + route, { method, body });
	assert.equal(reply.status, 200, route);
	const text = await reply.text();
	return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

const messages = async () => (await control("/events")).map((entry) => entry.message);

// The error's class, name, status and text as the SDK hands them to its user.
async function refused(promise, name, pattern, status = 400) {
	const error = await promise.then(() => assert.fail("was not refused"), (reason) => reason);
	assert.equal(error.name, name, String(error));
	assert.match(error.message, pattern);
	assert.equal(error.$metadata.httpStatusCode, status);
	assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
	return error;
}

check("groups and streams are created, described and refused when they exist", async (client) => {
	await client.send(new logs.CreateLogGroupCommand({ logGroupName: "new", tags: { Team: "a" } }));
	const again = client.send(new logs.CreateLogGroupCommand({ logGroupName: "new" }));
	const error = await refused(again, "ResourceAlreadyExistsException", /already exists/);
	assert.ok(error instanceof logs.ResourceAlreadyExistsException);
	const stream = { logGroupName: "new", logStreamName: "s" };
	await client.send(new logs.CreateLogStreamCommand(stream));
	await client.send(new logs.PutRetentionPolicyCommand({ logGroupName: "new", retentionInDays: 7 }));
	const { logGroups } = await client.send(new logs.DescribeLogGroupsCommand({ logGroupNamePrefix: "new" }));
	assert.equal(logGroups[0].retentionInDays, 7);
	const resourceArn = logGroups[0].logGroupArn;
	await client.send(new logs.TagResourceCommand({ resourceArn, tags: { Stage: "b" } }));
	const { tags } = await client.send(new logs.ListTagsForResourceCommand({ resourceArn }));
	assert.deepEqual(tags, { Team: "a", Stage: "b" });
	const { logStreams } = await client.send(new logs.DescribeLogStreamsCommand({ logGroupName: "new" }));
	assert.equal(logStreams[0].logStreamName, "s");
	await client.send(new logs.DeleteLogStreamCommand(stream));
	await client.send(new logs.DeleteLogGroupCommand({ logGroupName: "new" }));
});

check("an invalid retention is refused", async (client) => {
	const input = { logGroupName: GROUP, retentionInDays: 8 };
	const bad = client.send(new logs.PutRetentionPolicyCommand(input));
	await refused(bad, "InvalidParameterException", /retentionInDays/);
});

check("events are stored and read back as they were sent", async (client) => {
	const sent = ["a", 'quote " back \\ tab \t nul \0', "\u00e9\u4e2d\u{1f600}\u2028", "x".repeat(100000)];
	const now = Date.now();
	const reply = await put(client, sent.map((message, n) => event(message, now + n)));
	assert.equal(reply.$metadata.httpStatusCode, 200);
	assert.equal(reply.rejectedLogEventsInfo, undefined);
	assert.deepEqual(await messages(), sent);
	const input = { logGroupName: GROUP, logStreamName: STREAM, startFromHead: true };
	const read = await client.send(new logs.GetLogEventsCommand(input));
	assert.deepEqual(read.events.map((entry) => entry.message), sent);
	const found = await client.send(new logs.FilterLogEventsCommand({ logGroupName: GROUP, filterPattern: "quote" }));
	assert.deepEqual(found.events.map((entry) => entry.message), [sent[1]]);
});

check("the SDK pages through all events", async (client) => {
	const now = Date.now();
	await put(client, Array.from({ length: 1000 }, (_, n) => event(String(n), now)));
	const input = { logGroupName: GROUP, limit: 300 };
	const seen = [];
	for await (const page of logs.paginateFilterLogEvents({ client }, input)) {
		seen.push(...page.events.map((entry) => entry.message));
	}
	assert.deepEqual(seen, Array.from({ length: 1000 }, (_, n) => String(n)));
});

check("a gzip body is taken, signed as it is sent", async (client) => {
	client.middlewareStack.add(
		(next) => (args) => {
			args.request.body = zlib.gzipSync(args.request.body);
			args.request.headers["content-encoding"] = "gzip";
			args.request.headers["content-length"] = String(args.request.body.length);
			return next(args);
		},
		{ step: "build", priority: "low", name: "compress" },
	);
	await put(client, Array.from({ length: 100 }, () => event("compress me")));
	assert.equal((await messages()).length, 100);
	const last = (await control("/requests")).at(-1);
	assert.equal(last.gzip, true);
	assert.ok(last.wire_bytes < last.body_bytes / 4);
});

check("unsorted events are refused", async (client) => {
	const now = Date.now();
	const bad = put(client, [event("b", now), event("a", now - 1)]);
	const error = await refused(bad, "InvalidParameterException", /must be in chronological order/);
	assert.ok(error instanceof logs.InvalidParameterException);
});

check("an event or a batch that is too large is refused", async (client) => {
	const one = put(client, [event("x".repeat(1048551))]);
	await refused(one, "InvalidParameterException", /^Log event too large: 1048577 bytes exceeds limit of 1048576$/);
	const many = put(client, Array.from({ length: 2 }, () => event("x".repeat(524263))));
	await refused(many, "InvalidParameterException", /^Upload too large: 1048578 bytes exceeds limit of 1048576$/);
	await put(client, [event("x".repeat(1048550))]);
	assert.equal((await messages()).length, 1);
});

check("a span of more than 24 hours is refused", async (client) => {
	const bad = put(client, [event("a", Date.now() - 25 * HOUR_MS), event("b")]);
	await refused(bad, "InvalidParameterException", /cannot span more than 24 hours/);
});

check("no events, an empty message and 10,001 events are refused", async (client) => {
	await refused(put(client, []), "InvalidParameterException", /'logEvents' failed to satisfy constraint/);
	await refused(put(client, [event("")]), "InvalidParameterException", /'logEvents.1.member.message'/);
	const many = put(client, Array.from({ length: 10001 }, () => event("x")));
	await refused(many, "InvalidParameterException", /less than or equal to 10000/);
});

check("events out of their time are told by index and the others kept", async (client) => {
	const now = Date.now();
	const events = [event("old", now - 15 * 24 * HOUR_MS), event("good", now), event("new", now + 3 * HOUR_MS)];
	const { rejectedLogEventsInfo } = await put(client, events);
	assert.deepEqual(rejectedLogEventsInfo, { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 2 });
	assert.deepEqual(await messages(), ["good"]);
});

check("a rejected entity is told and the events kept", async (client) => {
	const entity = { keyAttributes: { Type: "Service", Name: "shop" } };
	const { rejectedEntityInfo } = await put(client, [event("a")], { entity });
	assert.deepEqual(rejectedEntityInfo, { errorType: "MissingRequiredFields" });
	assert.deepEqual(await messages(), ["a"]);
});

check("a missing stream and a missing group are not found", async (client) => {
	const stream = put(client, [event("a")], { logStreamName: "missing" });
	const error = await refused(stream, "ResourceNotFoundException", /^The specified log stream does not exist\.$/);
	assert.ok(error instanceof logs.ResourceNotFoundException);
	const group = put(client, [event("a")], { logGroupName: "missing" });
	await refused(group, "ResourceNotFoundException", /^The specified log group does not exist\.$/);
});

check("an unknown key and a wrong secret are refused by name", async () => {
	const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SESSION_TOKEN: sessionToken } = ready.environment;
	const unknown = connect({ credentials: { accessKeyId: "AKIDNOBODY", secretAccessKey: "x" } });
	await refused(put(unknown, [event("a")]), "UnrecognizedClientException", /security token/);
	const wrong = connect({ maxAttempts: 1, credentials: { accessKeyId, secretAccessKey: "x", sessionToken } });
	await refused(put(wrong, [event("a")]), "InvalidSignatureException", /does not match the signature/);
	const tokenless = { accessKeyId, secretAccessKey: ready.environment.AWS_SECRET_ACCESS_KEY };
	await refused(put(connect({ credentials: tokenless }), [event("a")]), "UnrecognizedClientException", /invalid/);
});

check("an expired token is refused by name", async (client) => {
	await control("/faults", { action: "expired_token" });
	await refused(put(client, [event("a")]), "ExpiredTokenException", /is expired/);
});

for (const offset of [3600, -3600]) {
	check(`the SDK corrects its clock when the service is ${offset} s ahead`, async (client) => {
		await control("/clock", { offset });
		const reply = await put(client, [event("a", Date.now() + offset * 1000)]);
		assert.equal(reply.$metadata.attempts, 2);
		const outcomes = (await control("/requests")).map((request) => request.outcome);
		assert.deepEqual(outcomes, ["InvalidSignatureException", "accepted"]);
		assert.equal((await put(client, [event("b", Date.now() + offset * 1000)])).$metadata.attempts, 1);
	});
}

const RETRIED = ["throttle", "internal_error", "unavailable", "unavailable_html", "reset_before"];
for (const action of RETRIED) {
	check(`the SDK retries after ${action}, and nothing comes twice`, async (client) => {
		await control("/faults", { action, operation: "PutLogEvents", count: 1 });
		assert.equal((await put(client, [event("a")])).$metadata.attempts, 2);
		assert.deepEqual(await messages(), ["a"]);
	});
}

for (const action of ["drop_reply", "reset_after", "hang_after"]) {
	check(`the SDK retries after ${action}, and the event comes twice`, async (client) => {
		await control("/faults", { action, operation: "PutLogEvents", count: 1 });
		assert.equal((await put(client, [event("a")])).$metadata.attempts, 2);
		assert.deepEqual(await messages(), ["a", "a"]);
		assert.deepEqual(await control("/misbehaviour"), []);
	});
}

check("the SDK gives up when throttling goes on", async (client) => {
	await control("/faults", { action: "throttle" });
	const error = await refused(put(client, [event("a")]), "ThrottlingException", /^Rate exceeded$/);
	assert.equal(error.$metadata.attempts, 3);
	assert.equal((await control("/requests")).length, 3);
});

check("errors are known in the other styles too", async (client) => {
	for (const style of ["namespaced", "capital"]) {
		await control("/faults", { action: "access_denied", style, count: 1 });
		await refused(put(client, [event("a")]), "AccessDeniedException", /not authorized/);
	}
});

check("a body that is too large for the front end is 413", async (client) => {
	await control("/faults", { action: "too_large" });
	const error = await put(client, [event("a")]).catch((reason) => reason);
	assert.equal(error.$metadata.httpStatusCode, 413);
	assert.equal(error.$metadata.requestId, undefined);
});

check("an outage ends and the SDK comes back", async (client) => {
	await put(client, [event("a")]);
	await control("/outage", { seconds: 0.3 });
	const error = await put(client, [event("b")]).catch((reason) => reason);
	assert.match(String(error.code), /ECONNREFUSED|ECONNRESET/);
	await new Promise((resolve) => setTimeout(resolve, 500));
	await put(client, [event("c")]);
	assert.equal((await messages()).at(-1), "c");
});

async function start(directory) {
	const command = path.join(__dirname, "..", "cloudwatch.py");
	const options = ["--dir", directory, "--tls", "--session-token", "to/ken+="];
	const service = spawn(command, options, { stdio: ["ignore", "inherit", "inherit"] });
	const file = path.join(directory, "ready");
	for (let tries = 0; !fs.existsSync(file); tries++) {
		assert.ok(tries < 500 && service.exitCode === null, "the service does not start");
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	ready = JSON.parse(fs.readFileSync(file, "utf8"));
	agent = new https.Agent({ keepAlive: true, ca: fs.readFileSync(ready.ca_file) });
	return service;
}

async function stop(service) {
	if (!service || service.exitCode !== null) {
		return;
	}
	const ended = new Promise((resolve) => service.once("exit", resolve));
	service.kill("SIGTERM");
	await ended;
}

async function runAll() {
	let failed = 0;
	for (const [index, { name, run }] of checks.entries()) {
		await control("/reset", {});
		await control("/create", { group: GROUP, stream: STREAM });
		const problem = await run(connect()).then(() => null, (error) => error);
		console.log(`${problem ? "not ok" : "ok"} ${index + 1} - ${name}`);
		if (problem) {
			failed++;
			console.log(String(problem.stack).replace(/^/gm, "# "));
		}
	}
	console.log(`1..${checks.length}`);
	return failed;
}

async function main() {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), "cloudwatch-sdk-"));
	let service;
	try {
		service = await start(directory);
		process.exitCode = (await runAll()) ? 1 : 0;
	} finally {
		agent?.destroy();
		await stop(service);
		fs.rmSync(directory, { recursive: true, force: true });
	}
}

main();
