// Replays exchanges recorded from the real services against the emulator: the same status, the same
// error code, the same members. KP_RECORDINGS names their folder; its README describes the format.
//
// What is put in place of what was recorded: key versions, ciphertexts, signatures, blobs and skip
// tokens, by the ones the emulator gave in the same place; tenants, credentials and tokens; what the
// recorders had blanked. Time that the service took is made to pass by moving the emulator's clock.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { control, send } from "./lib/wire.mjs";

const env = process.env;
const folder = env.KP_RECORDINGS;
const TENANT = env.AZURE_TENANT_ID;
const POLICY = (authority) => ({
  contentType: "application/json; charset=utf-8",
  data: Buffer.from(
    JSON.stringify({
      version: "1.0.0",
      anyOf: [{ authority, allOf: [{ claim: "sdk-test", equals: "true" }] }],
    }),
  ).toString("base64url"),
});

// ---- Requests ----

const spread = () => control("POST", "clock", { advance_s: 11 });

async function tokenFor(resource) {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: env.AZURE_CLIENT_ID,
    client_secret: env.AZURE_CLIENT_SECRET,
    scope: `${resource}/.default`,
  });
  const answer = await send(
    env.KP_EMULATOR_LOGIN,
    "POST",
    `/${TENANT}/oauth2/v2.0/token`,
    { "content-type": "application/x-www-form-urlencoded" },
    form.toString(),
  );
  return JSON.parse(answer.text).access_token;
}

// ---- What a body is made of ----

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isEmpty = (body) => body === null || body === "" || (Array.isArray(body) && !body.length);

// One recorded import mixes two keys: curve and d are another's. The service went by p and q and
// echoed the curve; here d is made to fit, and the curve left out.
function unmix(key) {
  const number = (name) => BigInt(`0x${Buffer.from(key[name], "base64url").toString("hex")}`);
  const order = (number("p") - 1n) * (number("q") - 1n);
  let [a, b, x, y] = [number("e"), order, 1n, 0n];
  while (b) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  const hex = (((x % order) + order) % order).toString(16);
  key.d = Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex").toString("base64url");
  delete key.crv;
}

// Before 7.5 exportable is there in some recordings and not in others.
const isOptional = (entry, name) =>
  name === "attributes.exportable" && /api-version=7\.[0-4]/.test(entry.path);

// Names of members, nested ones too; of a list, those of its items together.
function shape(value, prefix = "") {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const here = `${prefix}${name}`;
    if (name === "tags" || name === "metadata") return [here];
    if (Array.isArray(member)) return [here];
    return [here, ...shape(member, `${here}.`)];
  });
}

const itemShape = (body) =>
  Array.isArray(body?.value) && body.value.length ? shape(body.value[0]) : undefined;

// ---- One file ----

class Replay {
  constructor(file, index) {
    this.name = path.basename(file, ".jsonl");
    this.entries = fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    if (this.name === "vault-import-rsa") {
      unmix(this.entries[0].request_body.key);
      delete this.entries[0].response_body.key.crv;
    }
    this.suffix = `-${index}`;
    this.values = new Map(); // recorded text -> the emulator's
    this.tokens = new Map();
    this.extra = 0;
  }

  async token(isHsm) {
    const resource = isHsm ? "https://managedhsm.azure.net" : "https://vault.azure.net";
    if (!this.tokens.has(isHsm)) this.tokens.set(isHsm, await tokenFor(resource));
    return this.tokens.get(isHsm);
  }

  host(isHsm) {
    if (isHsm) return "replayhsm.managedhsm.azure.net";
    if (this.name === "vault-list-keys-paged") return "pagedkeys.vault.azure.net";
    if (this.name === "vault-list-deleted-paged") return "pageddeleted.vault.azure.net";
    return "replay.vault.azure.net";
  }

  // Key names get a suffix of the file's, versions and skip tokens are the emulator's.
  target(recorded) {
    const url = new URL(`https://h${recorded.replace(/^[A-Z]+/, "").replace("//", "/~/")}`);
    const parts = url.pathname.split("/");
    const at = parts[1] === "~" ? 3 : 2;
    const isWord = parts[2] === "~" || parts[at] === "restore" || !parts[at];
    if (/^(keys|deletedkeys)$/i.test(parts[1]) && !isWord) parts[at] += this.suffix;
    const mapped = parts.map((part) => this.mapped(part)).join("/").replace("~", "");
    if (url.searchParams.has("$skiptoken")) url.searchParams.set("$skiptoken", this.skipToken);
    if (this.isList(recorded)) url.searchParams.set("maxresults", "1");
    if (!url.searchParams.has("api-version")) url.searchParams.set("api-version", "7.2");
    return `${mapped}?${url.searchParams}`;
  }

  // A version that came from a page we do not have is as good as the last one of ours.
  mapped(part) {
    const isVersion = /^[0-9a-f]{32}$/.test(part);
    return this.values.get(part) ?? (isVersion ? (this.lastVersion ?? part) : part);
  }

  isList(recorded) {
    return /^[A-Z]+\/(keys|deletedkeys|keys\/[^/]+\/versions)\/?(\?|$)/.test(recorded);
  }

  body(entry) {
    const text = JSON.stringify(entry.request_body, (name, value) => {
      if (typeof value !== "string") return value;
      if (Buffer.from(value, "base64").toString().includes('"sanitized"'))
        return POLICY("https://authority.test").data;
      return this.values.get(value) ?? value;
    });
    return entry.request_body === null ? undefined : text;
  }

  learn(recorded, actual) {
    if (!isObject(recorded) || !isObject(actual)) return;
    for (const [name, value] of Object.entries(recorded)) {
      if (isObject(value)) this.learn(value, actual[name]);
      if (typeof value !== "string" || typeof actual[name] !== "string") continue;
      if (name === "kid") {
        this.lastVersion = actual[name].split("/").pop();
        this.values.set(value.split("/").pop(), this.lastVersion);
      }
      if (["value", "iv", "tag"].includes(name)) this.values.set(value, actual[name]);
    }
  }

  // As many keys or versions as the recording has pages, so that pages of one have the same end.
  async seed(entry, headers) {
    const lists = this.entries.filter((e) => this.isList(e.path));
    if (entry !== lists[0]) return;
    const isVersions = /versions/.test(entry.path);
    const has = this.entries.filter((e) => /\/create\?/.test(e.path) && e.status === 200).length;
    const hasMore = Boolean(lists.at(-1).response_body.nextLink);
    const wanted = lists.length + (hasMore ? 1 : 0) - (isVersions ? has : 0);
    const base = this.target(entry.path).split("?")[0];
    for (let i = 0; i < wanted; i++) {
      const key = isVersions ? base.replace(/\/versions$/, "") : `/keys/seed-${i}`;
      const post = { ...headers, "content-type": "application/json" };
      const body = JSON.stringify({ kty: "EC" });
      await send(this.base, "POST", `${key}/create?api-version=7.6`, post, body);
      if (/deletedkeys/.test(entry.path))
        await send(this.base, "DELETE", `${key}?api-version=7.6`, headers);
    }
  }

  async vault(entry, previous) {
    const isHsm = entry.path.startsWith("HSM");
    this.base = isHsm ? env.KP_EMULATOR_HSM : env.KP_EMULATOR_VAULT;
    const headers = { Host: this.host(isHsm) };
    if (entry.status !== 401) headers.authorization = `Bearer ${await this.token(isHsm)}`;
    const waits =
      entry.status < 300 &&
      (/deletedkeys|restore/.test(entry.path) ||
        (previous?.status === 404 && previous.path === entry.path));
    if (waits) await spread();
    if (this.isList(entry.path) && entry.status === 200) await this.seed(entry, headers);
    const body = await this.completed(entry);
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await send(this.base, entry.method, this.target(entry.path), headers, body);
    const link = answer.text.includes("nextLink") && JSON.parse(answer.text).nextLink;
    if (link) this.skipToken = new URL(link).searchParams.get("$skiptoken");
    return answer;
  }

  // The body, or one of our own where the recorder kept none.
  async completed(entry) {
    if (this.name !== "vault-release" || entry.method !== "POST") return this.body(entry);
    const authority = env.KP_EMULATOR_LOGIN;
    if (/\/release\?/.test(entry.path)) {
      const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
      const jwk = pair.publicKey.export({ format: "jwk" });
      const key = { ...jwk, kid: "transport", key_ops: ["encrypt"] };
      const claims = { "sdk-test": "true", "x-ms-runtime": { keys: [key] } };
      const { token } = await control("POST", "attestation", { claims });
      return JSON.stringify({ target: token, enc: "RSA_AES_KEY_WRAP_256" });
    }
    if (/rsaKeyName/.test(entry.path))
      return JSON.stringify({ kty: "RSA", attributes: { exp: 4102444800 } });
    return JSON.stringify({
      kty: "EC-HSM",
      key_ops: ["sign", "verify"],
      attributes: { exportable: true },
      release_policy: POLICY(authority),
    });
  }

  // ---- The login service ----

  form(entry) {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: env.AZURE_CLIENT_ID,
      scope: "https://vault.azure.net/.default",
    });
    if (this.name === "login-invalid-certificate-401") {
      const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
      form.set("client_assertion_type", type);
      form.set("client_assertion", this.strangeAssertion());
    } else {
      form.set("client_secret", entry.status === 401 ? "wrong" : env.AZURE_CLIENT_SECRET);
    }
    const claims = new URLSearchParams(entry.request_body).get("claims");
    if (claims) form.set("claims", claims);
    return form.toString();
  }

  strangeAssertion() {
    const { privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    const encode = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
    const header = { alg: "RS256", typ: "JWT", x5t: crypto.randomBytes(20).toString("base64url") };
    const signed = `${encode(header)}.${encode({ iss: env.AZURE_CLIENT_ID })}`;
    return `${signed}.${crypto.sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
  }

  async login(entry) {
    const keepsTenant = this.name === "login-tenant-not-found-400";
    let target = entry.path.replace(/^LOGIN/, "");
    if (!keepsTenant && !target.startsWith("/common"))
      target = target.replace(/^\/[^/]+/, `/${TENANT}`);
    const headers = { Host: "login.microsoftonline.com" };
    const isPost = entry.method === "POST";
    if (isPost) headers["content-type"] = "application/x-www-form-urlencoded";
    const body = isPost ? this.form(entry) : undefined;
    return send(env.KP_EMULATOR_LOGIN, entry.method, target, headers, body);
  }

  // ---- Managed identities ----

  async identity(entry) {
    const headers = {};
    if (entry.request_headers.metadata) headers.Metadata = "true";
    const url = new URL(`http://h${entry.path.replace(/^[A-Z]+/, "")}`);
    if (url.searchParams.has("resource"))
      url.searchParams.set("resource", "https://vault.azure.net");
    if (url.searchParams.has("object_id"))
      url.searchParams.set("object_id", "22222222-0000-0000-0000-000000000004");
    let target = url.pathname + url.search;
    if (entry.path.startsWith("SF")) {
      headers.Secret = env.KP_EMULATOR_IDENTITY_HEADER;
      target = `/fabric/token${url.search}`;
      return send(env.KP_EMULATOR_FABRIC_ENDPOINT, entry.method, target, headers);
    }
    if (entry.path.startsWith("ARC")) {
      const first = await send(env.KP_EMULATOR_IMDS, entry.method, target, headers);
      assert.equal(first.status, 401);
      const file = /^Basic realm=(.*)$/.exec(first.headers["www-authenticate"])[1];
      headers.Authorization = `Basic ${fs.readFileSync(file, "utf8")}`;
    }
    return send(env.KP_EMULATOR_IMDS, entry.method, target, headers);
  }

  // ---- Comparing ----

  async answer(entry, previous) {
    if (/^(VAULT|HSM)/.test(entry.path)) return this.vault(entry, previous);
    return entry.path.startsWith("LOGIN") ? this.login(entry) : this.identity(entry);
  }

  compare(entry, answer) {
    const recorded = entry.response_body;
    assert.equal(answer.status, entry.status, answer.text);
    if (typeof recorded === "string") return; // cut by the recorder, or "OK"
    if (isEmpty(recorded)) return void assert.equal(answer.text, "");
    const actual = JSON.parse(answer.text);
    this.learn(recorded, actual);
    const wanted = recorded.error?.code;
    if (wanted) {
      assert.equal(actual.error.code, wanted);
      assert.equal(actual.error.innererror?.code, recorded.error.innererror?.code);
    }
    if (recorded.error_codes) assert.deepEqual(actual.error_codes, recorded.error_codes);
    const names = (list) => list.filter((name) => !isOptional(entry, name)).sort();
    assert.deepEqual(names(shape(actual)), names(shape(recorded)));
    if (itemShape(recorded) && itemShape(actual) && !recorded.value[0].managed)
      assert.deepEqual(names(itemShape(actual)), names(itemShape(recorded)));
    if ("nextLink" in recorded)
      assert.equal(actual.nextLink === null, recorded.nextLink === null, "nextLink");
  }

  // Secrets are not emulated: their answers are not compared, but for the challenge.
  isOutside(entry) {
    return /^VAULT\/secrets/.test(entry.path) && entry.status !== 401;
  }

  async run() {
    let previous;
    for (const [n, entry] of this.entries.entries()) {
      if (this.isOutside(entry)) {
        outside++;
        continue;
      }
      try {
        this.compare(entry, await this.answer(entry, previous));
      } catch (error) {
        error.message = `${this.name}, exchange ${n + 1}, ${entry.method} ${entry.path}: ${error.message}`;
        throw error;
      }
      compared++;
      previous = entry;
    }
  }
}

// ---- All files ----

const files = fs.readdirSync(folder).filter((file) => file.endsWith(".jsonl")).sort();
assert.ok(files.length > 0, `${folder} holds no recordings`);
let compared = 0;
let outside = 0;
let failed = 0;
for (const [index, file] of files.entries()) {
  try {
    await new Replay(path.join(folder, file), index).run();
  } catch (error) {
    failed++;
    console.error(`not ok: ${error.message}\n`);
  }
}
console.log(
  `${files.length} recordings, ${failed} failed; ${compared} exchanges alike, ` +
    `${outside} of secrets left out`,
);
process.exit(failed ? 1 : 0);
