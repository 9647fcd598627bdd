// Asks an endpoint with OpenAI's client for Node, and prints what it got as JSON.
// node client.mjs MODULES ADDRESS SAMPLE
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, baseURL, sample] = process.argv.slice(2);
const { default: OpenAI } = await import(
  pathToFileURL(createRequire(`${modules}/`).resolve("openai"))
);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const ask = (fields) =>
  client.audio.transcriptions.create({ file: createReadStream(sample), model: "whisper-1", ...fields });

const got = { json: await ask({}) };
got.text = await ask({ response_format: "text" });
got.vtt = await ask({ response_format: "vtt" });
got.verbose = await ask({ response_format: "verbose_json", timestamp_granularities: ["word", "segment"] });
got.diarized = await ask({ model: "deepgram", response_format: "diarized_json" });
got.keywords = await ask({ model: "gpt-transcribe", keywords: ["Seattle"], languages: ["en"] });
got.events = [];
for await (const event of await ask({ stream: true })) got.events.push(event);
got.models = [];
for await (const model of client.models.list()) got.models.push(model.id);
try {
  await ask({ model: "whisper-2" });
} catch (error) {
  got.error = { kind: error.constructor.name, status: error.status, code: error.code, param: error.param };
}
console.log(JSON.stringify(got));
