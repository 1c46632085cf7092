// The emulator by itself, on the wire: refusals, identities, faults on order, malformed requests.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import test from "node:test";
import tls from "node:tls";

import { control, send } from "./lib/wire.mjs";

const env = process.env;
const TENANT = env.AZURE_TENANT_ID;
const ALL = "22222222-0000-0000-0000-000000000001";
const READER = "22222222-0000-0000-0000-000000000002";
const VAULT = "https://vault.azure.net";
const HSM = "https://managedhsm.azure.net";
const FORM = { "content-type": "application/x-www-form-urlencoded" };

const parse = (answer) => ({
  ...answer,
  body: /^[{[]/.test(answer.text) ? JSON.parse(answer.text) : null,
});

async function login(fields, version = "/v2.0", tenant = TENANT) {
  const form = { grant_type: "client_credentials", client_id: ALL, client_secret: "all", ...fields };
  if (!("scope" in form) && version) form.scope = `${VAULT}/.default`;
  for (const name of Object.keys(form)) if (form[name] === undefined) delete form[name];
  const target = `/${tenant}/oauth2${version}/token`;
  const body = new URLSearchParams(form).toString();
  return parse(await send(env.KP_EMULATOR_LOGIN, "POST", target, FORM, body));
}

const tokens = new Map();
async function tokenOf(client_id, client_secret, resource) {
  const key = `${client_id} ${resource}`;
  if (!tokens.has(key)) {
    const answer = await login({ client_id, client_secret, scope: `${resource}/.default` });
    assert.equal(answer.status, 200, answer.text);
    tokens.set(key, answer.body.access_token);
  }
  return tokens.get(key);
}

// call("POST", "/keys/a/create", {kty: "EC"}, {vault, who, version})
async function call(method, path, body, options = {}) {
  const { vault = "first", who = ALL, version = "7.6", headers = {} } = options;
  const isHsm = vault.endsWith("hsm");
  const host = `${vault}.${isHsm ? "managedhsm" : "vault"}.azure.net`;
  const token = options.token ?? (await tokenOf(who, who === ALL ? "all" : "reader", isHsm ? HSM : VAULT));
  const all = { Host: host, authorization: `Bearer ${token}`, ...headers };
  if (body) all["content-type"] = "application/json";
  const target = version ? `${path}?api-version=${version}` : path;
  const base = isHsm ? env.KP_EMULATOR_HSM : env.KP_EMULATOR_VAULT;
  const text = body && (typeof body === "string" ? body : JSON.stringify(body));
  return parse(await send(base, method, target, all, text));
}

const scenario = (...rules) => control("POST", "scenario", { rules });
const code = (answer) => [answer.status, answer.body?.error?.code, answer.body?.error?.innererror?.code];

// ---- Who may do what ----

test("a reader reads, and is refused in the words of each kind of vault", async () => {
  for (const [vault, wanted] of Object.entries({
    first: [403, "Forbidden", "ForbiddenByRbac"],
    policies: [403, "Forbidden", "ForbiddenByPolicy"],
    firsthsm: [403, "AccessDenied", undefined],
  })) {
    const options = { vault, who: READER };
    assert.equal((await call("GET", "/keys", undefined, options)).status, 200);
    assert.deepEqual(code(await call("POST", "/keys/a/create", { kty: "EC" }, options)), wanted);
  }
});

test("a firewall refuses everybody, purge protection a purge", async () => {
  const walled = await call("GET", "/keys", undefined, { vault: "walled" });
  assert.deepEqual(code(walled), [403, "Forbidden", "ForbiddenByFirewall"]);
  const kept = { vault: "kept" };
  await call("POST", "/keys/a/create", { kty: "EC" }, kept);
  await call("DELETE", "/keys/a", undefined, kept);
  assert.deepEqual(code(await call("DELETE", "/deletedkeys/a", undefined, kept)).slice(0, 2), [
    403,
    "Forbidden",
  ]);
});

test("a full bucket is 429 with the time to wait, which then passes", async () => {
  const make = () => call("POST", "/keys/a/create", { kty: "EC" }, { vault: "throttled" });
  assert.deepEqual([(await make()).status, (await make()).status], [200, 200]);
  const refused = await make();
  assert.deepEqual(code(refused).slice(0, 2), [429, "Throttled"]);
  assert.match(refused.body.error.message, /VaultRequestTypeLimitReached/);
  const wait = Number(refused.headers["retry-after"]);
  assert.ok(wait >= 1 && wait <= 10);
  await control("POST", "clock", { advance_s: 10 });
  assert.equal((await make()).status, 200);
  await control("POST", "clock", { advance_s: -10 });
});

test("tokens: altered, foreign, unsigned", async () => {
  const token = await tokenOf(ALL, "all", VAULT);
  const [header, claims, signature] = token.split(".");
  const more = JSON.parse(Buffer.from(claims, "base64url"));
  const forged = Buffer.from(JSON.stringify({ ...more, exp: more.exp + 1 })).toString("base64url");
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  for (const bad of [
    `${header}.${forged}.${signature}`,
    `${none}.${claims}.`,
    "x",
    await tokenOf(ALL, "all", HSM),
  ])
    assert.deepEqual(code(await call("GET", "/keys", undefined, { token: bad })).slice(0, 2), [
      401,
      "Unauthorized",
    ]);
});

test("what is no bearer token is refused before anything else is looked at", async () => {
  for (const authorization of ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "PoP x"]) {
    const options = { headers: { authorization }, version: "" }; // 400 if it came to that
    assert.deepEqual(code(await call("GET", "/keys", undefined, options)).slice(0, 2), [
      401,
      "Unauthorized",
    ]);
  }
});

test("api-version, methods, paths", async () => {
  const bad = async (wanted, ...args) => assert.deepEqual(code(await call(...args)).slice(0, 2), wanted);
  await bad([400, "BadParameter"], "GET", "/keys", undefined, { version: "" });
  await bad([400, "BadParameter"], "GET", "/keys", undefined, { version: "1.0" });
  await bad([405, "MethodNotAllowed"], "PUT", "/keys", {});
  await bad([404, "NotFound"], "GET", "/nothing", undefined);
  await bad([400, "BadParameter"], "POST", "/keys//create", { kty: "RSA" });
  await bad([404, "NotFound"], "GET", "/keys", undefined, { vault: "unknown" });
  await bad([400, "BadParameter"], "GET", "/keys?maxresults=26&api-version=7.6", undefined, {
    version: "",
  });
});

test("links of pages: with port and api-version in a vault, without both in a Managed HSM", async () => {
  for (const [vault, first, last] of [
    ["paged", "https://paged.vault.azure.net:443/keys?api-version=7.6&$skiptoken=", null],
    ["pagedhsm", "https://pagedhsm.managedhsm.azure.net/keys?$skiptoken=", undefined],
  ]) {
    for (const name of ["a", "b"]) await call("POST", `/keys/${name}/create`, { kty: "EC" }, { vault });
    const page = (query) =>
      call("GET", `/keys?${query}&api-version=7.6`, undefined, { vault, version: "" });
    const one = (await page("maxresults=1")).body;
    assert.equal(one.value.length, 1);
    assert.ok(one.nextLink.startsWith(first), one.nextLink);
    assert.match(one.nextLink, /&maxresults=1$/);
    const skip = new URL(one.nextLink).searchParams.get("$skiptoken");
    const two = (await page(`maxresults=1&$skiptoken=${skip}`)).body;
    assert.equal(two.value.length, 1);
    assert.notEqual(two.value[0].kid, one.value[0].kid);
    assert.equal(two.nextLink, last);
    for (const bad of ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=!"])
      assert.deepEqual(code(await page(bad)).slice(0, 2), [400, "BadParameter"], bad);
  }
});

test("every answer has an id of its own; a vault says the client's back and its region", async () => {
  const headers = { "x-ms-client-request-id": crypto.randomUUID() };
  const ids = new Set();
  for (const [vault, echo] of [["first", headers["x-ms-client-request-id"]], ["firsthsm", undefined]]) {
    for (const path of ["/keys", "/keys/nowhere"]) {
      const answer = await call("GET", path, undefined, { vault, headers });
      ids.add(answer.headers["x-ms-request-id"]);
      assert.equal(answer.headers["x-ms-client-request-id"], echo);
      assert.equal(answer.headers["cache-control"], "no-cache");
    }
  }
  assert.equal(ids.size, 4);
  assert.ok((await call("GET", "/keys")).headers["x-ms-keyvault-region"]);
});

test("outside its dates a key undoes and verifies, and does nothing else", async () => {
  const now = Math.floor(Date.now() / 1000);
  const value = Buffer.alloc(32, 7).toString("base64url");
  for (const vault of ["home", "homehsm"]) {
    await call("POST", "/keys/dated/create", { kty: "RSA" }, { vault });
    const use = (verb, body) => call("POST", `/keys/dated/${verb}`, body, { vault });
    const wrapped = (await use("wrapkey", { alg: "RSA-OAEP", value })).body.value;
    const signed = (await use("sign", { alg: "PS256", value })).body.value;
    for (const [attributes, inner] of [
      [{ exp: now - 3600 }, "KeyExpired"],
      [{ nbf: now + 36000, exp: now + 72000 }, "KeyNotYetValid"],
    ]) {
      const refused = [403, "Forbidden", vault === "home" ? inner : undefined];
      const patched = await call("PATCH", "/keys/dated", { attributes }, { vault });
      assert.equal(patched.status, 200, patched.text);
      for (const verb of ["encrypt", "wrapkey"])
        assert.deepEqual(code(await use(verb, { alg: "RSA-OAEP", value })), refused);
      assert.deepEqual(code(await use("sign", { alg: "PS256", value })), refused);
      for (const verb of ["decrypt", "unwrapkey"])
        assert.equal((await use(verb, { alg: "RSA-OAEP", value: wrapped })).body.value, value);
      const checked = await use("verify", { alg: "PS256", digest: value, value: signed });
      assert.equal(checked.body.value, true);
    }
  }
});

test("a backup is restored within its geography, or security domain, and nowhere else", async () => {
  for (const [vault, near, far] of [
    ["home", "first", "abroad"],
    ["homehsm", "firsthsm", "abroadhsm"],
  ]) {
    await call("POST", "/keys/moved/create", { kty: "EC" }, { vault });
    const { body } = await call("POST", "/keys/moved/backup", undefined, { vault });
    const restore = (where) => call("POST", "/keys/restore", body, { vault: where });
    assert.equal((await restore(far)).status, 400);
    assert.equal((await call("GET", "/keys/moved", undefined, { vault: far })).status, 404);
    assert.equal((await restore(near)).status, 200);
    assert.equal((await restore(near)).status, 409);
  }
});

test("a tunnelled PATCH and a key name with other capitals", async () => {
  await call("POST", "/keys/Mixed/create", { kty: "EC" }, { vault: "firsthsm" });
  const headers = { "X-HTTP-METHOD": "PATCH" };
  const body = { attributes: { enabled: false } };
  const answer = await call("POST", "//KEYS/mIXED/", body, { vault: "firsthsm", headers });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.attributes.enabled, false);
  assert.match(answer.body.key.kid, /\/keys\/Mixed\//);
});

// ---- The login service ----

test("secrets, scopes and tenants are refused by number", async () => {
  const refused = async (status, number, ...args) => {
    const answer = await login(...args);
    assert.equal(answer.status, status, answer.text);
    assert.deepEqual(answer.body.error_codes, [number]);
  };
  await refused(401, 7000215, { client_secret: "wrong" });
  await refused(401, 7000222, { client_secret: "old" });
  await refused(401, 7000218, { client_secret: undefined });
  await refused(400, 700016, { client_id: "22222222-0000-0000-0000-00000000000f" });
  await refused(400, 1002012, { scope: "openid" });
  await refused(400, 500011, { scope: "https://elsewhere.test/.default" });
  await refused(400, 90002, {}, "/v2.0", "00000000-0000-0000-0000-000000000000");
  await refused(400, 70003, { grant_type: "password" });
  await refused(400, 9002313, { claims: "{" });
});

test("version 1 writes numbers as text", async () => {
  const { status, body } = await login({ resource: VAULT }, "");
  assert.equal(status, 200);
  assert.equal(typeof body.expires_in, "string");
  assert.equal(body.resource, VAULT);
  assert.equal((await call("GET", "/keys", undefined, { token: body.access_token })).status, 200);
});

const pem = fs.readFileSync(env.KP_TEST_CLIENT_PEM, "utf8");
const certificate = new crypto.X509Certificate(pem);
const privateKey = crypto.createPrivateKey(pem);
const thumb = (hash) => crypto.createHash(hash).update(certificate.raw).digest();

function assertion(change = {}) {
  const now = Math.floor(Date.now() / 1000);
  const { salt = 32, alg = "PS256", key = privateKey, header = {}, claims = {} } = change;
  const endpoint = `${env.KP_EMULATOR_LOGIN}/${TENANT}/oauth2/v2.0/token`;
  const encode = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
  const head = { alg, typ: "JWT", "x5t#S256": thumb("sha256").toString("base64url"), ...header };
  const body = { aud: endpoint, iss: ALL, sub: ALL, nbf: now, exp: now + 300, jti: "1", ...claims };
  const signed = `${encode(head)}.${encode(body)}`;
  const padding = crypto.constants[alg === "PS256" ? "RSA_PKCS1_PSS_PADDING" : "RSA_PKCS1_PADDING"];
  const signer = { key, padding, ...(alg === "PS256" && { saltLength: salt }) };
  return `${signed}.${crypto.sign("sha256", Buffer.from(signed), signer).toString("base64url")}`;
}

const loginWith = (text) =>
  login({
    client_secret: undefined,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: text,
  });

test("assertions: every form of thumbprint, PS256 and RS256", async () => {
  const none = { "x5t#S256": undefined };
  for (const change of [
    {},
    { header: { "x5t#S256": thumb("sha256").toString("base64") } },
    { header: { ...none, x5t: thumb("sha1").toString("base64url") }, alg: "RS256" },
    { header: { ...none, x5t: thumb("sha1").toString("base64") }, alg: "RS256" },
    { header: { ...none, kid: thumb("sha1").toString("hex").toUpperCase() }, alg: "RS256" },
  ]) {
    const answer = await loginWith(assertion(change));
    assert.equal(answer.status, 200, `${JSON.stringify(change)} ${answer.text}`);
  }
});

test("assertions: salt, key, audience, issuer and times are checked", async () => {
  const stranger = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const now = Math.floor(Date.now() / 1000);
  for (const [number, change] of [
    [700027, { salt: 20 }],
    [700027, { key: stranger }],
    [700027, { header: { "x5t#S256": crypto.randomBytes(32).toString("base64url") } }],
    [700023, { claims: { aud: "https://elsewhere.test/token" } }],
    [700021, { claims: { iss: READER } }],
    [700024, { claims: { exp: now - 3600, nbf: now - 7200 } }],
  ]) {
    const answer = await loginWith(assertion(change));
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body.error_codes, [number], answer.text);
  }
  assert.deepEqual((await loginWith("a.b.c")).body.error_codes, [50027]);
});

// ---- Managed identities ----

const opens = async (body) => {
  const answer = await call("GET", "/keys", undefined, { token: body.access_token });
  assert.equal(answer.status, 200);
};
const identity = async (base, target, headers) => parse(await send(base, "GET", target, headers));
const RESOURCE = `resource=${encodeURIComponent(VAULT)}`;

test("IMDS", async () => {
  const at = (query, headers = { Metadata: "true" }) =>
    identity(env.KP_EMULATOR_IMDS, `/metadata/identity/oauth2/token?${query}`, headers);
  const good = await at(`api-version=2018-02-01&${RESOURCE}`);
  assert.equal(good.body.client_id, "22222222-0000-0000-0000-000000000003");
  await opens(good.body);
  const user = "client_id=22222222-0000-0000-0000-000000000005";
  await opens((await at(`api-version=2018-02-01&${user}&${RESOURCE}`)).body);
  assert.equal((await at(`api-version=2018-02-01&${RESOURCE}`, {})).status, 400);
  assert.equal((await at(`api-version=2018-02-01&resource=x`)).body.error, "invalid_resource");
  assert.equal((await at(`api-version=2018-02-01&client_id=x&${RESOURCE}`)).status, 400);
});

test("App Service, both versions", async () => {
  const secret = env.KP_EMULATOR_IDENTITY_HEADER;
  const at = (version, headers) =>
    identity(env.KP_EMULATOR_IMDS, `/msi/token?api-version=${version}&${RESOURCE}`, headers);
  const newer = await at("2019-08-01", { "X-IDENTITY-HEADER": secret });
  assert.match(newer.body.expires_on, /^\d+$/);
  await opens(newer.body);
  const older = await at("2017-09-01", { secret });
  assert.ok(Date.parse(older.body.expires_on) > Date.now());
  assert.equal((await at("2019-08-01", { "X-IDENTITY-HEADER": "x" })).status, 401);
});

test("Azure Arc proves that a file can be read; Service Fabric answers numbers", async () => {
  const target = `/metadata/identity/oauth2/token?api-version=2020-06-01&${RESOURCE}`;
  const at = (headers) => identity(env.KP_EMULATOR_IMDS, target, { Metadata: "true", ...headers });
  const first = await at({});
  assert.equal(first.status, 401);
  const file = /^Basic realm=(.*)$/.exec(first.headers["www-authenticate"])[1];
  assert.ok(file.startsWith(env.KP_EMULATOR_ARC_FOLDER) && file.endsWith(".key"));
  await opens((await at({ authorization: `Basic ${fs.readFileSync(file, "utf8")}` })).body);
  assert.equal((await at({ authorization: "Basic x" })).status, 401);
  const fabric = await identity(
    env.KP_EMULATOR_FABRIC_ENDPOINT,
    `/fabric/token?api-version=2019-07-01-preview&${RESOURCE}`,
    { Secret: env.KP_EMULATOR_IDENTITY_HEADER },
  );
  assert.equal(typeof fabric.body.expires_on, "number");
  await opens(fabric.body);
});

// ---- Documents of the login service ----

test("discovery leads to the tenant's document, and that to the key that signs tokens", async () => {
  const get = async (url) => parse(await send(url, "GET", url.pathname + url.search));
  const at = (path) => new URL(path, env.KP_EMULATOR_LOGIN);
  const instance = (endpoint) =>
    get(
      at(
        "/common/discovery/instance?api-version=1.1&authorization_endpoint=" +
          encodeURIComponent(endpoint),
      ),
    );
  const found = await instance(`${env.KP_EMULATOR_LOGIN}/${TENANT}/oauth2/v2.0/authorize`);
  assert.equal(found.status, 200, found.text);
  assert.ok(found.body.metadata.some(({ aliases }) => aliases.includes("login.windows.net")));
  const stranger = await instance(`https://login.evil.example/${TENANT}/oauth2/v2.0/authorize`);
  assert.equal(stranger.status, 400);
  assert.deepEqual([stranger.body.error, stranger.body.error_codes], ["invalid_instance", [50049]]);
  const openid = (await get(new URL(found.body.tenant_discovery_endpoint))).body;
  assert.equal(openid.token_endpoint, `${env.KP_EMULATOR_LOGIN}/${TENANT}/oauth2/v2.0/token`);
  const { keys } = (await get(new URL(openid.jwks_uri))).body;
  const [header, claims, signature] = (await tokenOf(ALL, "all", VAULT)).split(".");
  assert.ok(
    crypto.verify(
      "sha256",
      Buffer.from(`${header}.${claims}`),
      { key: crypto.createPublicKey({ key: keys[0], format: "jwk" }), dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    ),
  );
  const nobody = await get(at("/00000000-0000-0000-0000-000000000009/v2.0/.well-known/openid-configuration"));
  assert.deepEqual([nobody.status, nobody.body.error], [400, "invalid_tenant"]);
});

// ---- Challenges ----

test("challenges take the form that is asked for, and name the cloud of the host", async () => {
  const unsigned = { authorization: "" };
  const header = async (vault = "first") =>
    (await call("GET", "/keys", undefined, { headers: unsigned, vault })).headers["www-authenticate"];
  assert.equal(
    await header(),
    `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="${VAULT}"`,
  );
  assert.match(await header("firsthsm"), /resource="https:\/\/managedhsm\.azure\.net"/);
  await scenario({ kind: "list_keys", fault: "challenge", challenge: "scope" });
  assert.match(await header(), /scope="https:\/\/vault\.azure\.net\/\.default"/);
  const hostile = 'Bearer authorization="https://evil.test/t", resource="https://evil.test"';
  await scenario({ kind: "list_keys", fault: "challenge", challenge: hostile });
  assert.equal(await header(), hostile);
  await scenario({ kind: "list_keys", fault: "cae" });
  const cae = await header();
  assert.match(cae, /error="insufficient_claims"/);
  const claims = Buffer.from(/claims="([^"]*)"/.exec(cae)[1], "base64").toString();
  assert.ok(JSON.parse(claims).access_token);
});

// ---- Latency ----

test("a Managed HSM that is told to takes its time, and says how long", async () => {
  const timed = async (...args) => {
    const begin = performance.now();
    const answer = await call(...args);
    const ms = Number(answer.headers["x-ms-server-latency"]);
    assert.equal(answer.status, 200);
    assert.ok(performance.now() - begin >= ms - 2);
    return ms;
  };
  const busy = { vault: "busyhsm" };
  assert.equal(await timed("POST", "/keys/late/create", { kty: "EC" }, busy), 101);
  assert.equal(await timed("GET", "/keys/late", undefined, busy), 4);
  assert.equal(await timed("DELETE", "/keys/late", undefined, busy), 32);
  const quick = { vault: "firsthsm" };
  assert.equal(await timed("POST", "/keys/late/create", { kty: "EC" }, quick), 1);
});

// ---- Faults ----

const list = () => call("GET", "/keys");

test("faults strike the nth request, in order, as often as asked", async () => {
  await scenario(
    { kind: "list_keys", nth: 2, times: 2, fault: "status", status: 503 },
    { kind: "list_keys", fault: "html", status: 502 },
  );
  const seen = [];
  for (let i = 0; i < 5; i++) {
    const raw = await send(env.KP_EMULATOR_VAULT, "GET", "/keys?api-version=7.6", {
      authorization: `Bearer ${await tokenOf(ALL, "all", VAULT)}`,
    });
    seen.push([raw.status, raw.text[0]]);
  }
  assert.deepEqual(seen, [[200, "{"], [503, "{"], [503, "{"], [502, "<"], [200, "{"]]);
});

test("reset, before and after the work is done", async () => {
  await scenario({ kind: "create", fault: "reset" });
  await assert.rejects(call("POST", "/keys/never/create", { kty: "EC" }), /ECONNRESET|hang up/);
  assert.equal((await call("GET", "/keys/never")).status, 404);
  await control("POST", "clock", { advance_s: 10 });
  await scenario({ kind: "create", fault: "reset", after: true });
  await assert.rejects(call("POST", "/keys/once/create", { kty: "EC" }), /ECONNRESET|hang up/);
  assert.equal((await call("GET", "/keys/once")).status, 200);
  await control("POST", "clock", { advance_s: -10 });
});

test("half a body, a body in pieces, a delay, another body, other headers", async () => {
  await scenario({ kind: "list_keys", fault: "truncate" });
  await assert.rejects(list(), /aborted|ECONNRESET|hang up/);
  await scenario({ kind: "list_keys", fault: "slow", delay_ms: 5 });
  assert.equal((await list()).status, 200);
  await scenario({ kind: "list_keys", fault: "delay", delay_ms: 60 });
  const began = Date.now();
  assert.equal((await list()).status, 200);
  assert.ok(Date.now() - began >= 55);
  await scenario({ kind: "list_keys", fault: "body", body: '{"value":7}' });
  assert.deepEqual((await list()).body, { value: 7 });
  const headers = { "x-ms-request-id": null, "Content-Type": "text/plain" };
  await scenario({ kind: "list_keys", fault: "headers", headers });
  const changed = await list();
  assert.equal(changed.headers["x-ms-request-id"], undefined);
  assert.equal(changed.headers["content-type"], "text/plain");
});

test("a silent drop answers nobody and holds up nobody", async () => {
  await scenario({ kind: "list_keys", fault: "drop" });
  const token = await tokenOf(ALL, "all", VAULT);
  const { port } = new URL(env.KP_EMULATOR_VAULT);
  const socket = tls.connect({ host: "localhost", port, servername: "localhost" });
  let heard = "";
  socket.on("data", (data) => (heard += data));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  const request = `GET /keys?api-version=7.6 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  await new Promise((resolve) => socket.write(request, resolve));
  while ((await control("GET", "scenario")).rules > 0);
  assert.equal((await list()).status, 200);
  assert.equal(heard, "");
  socket.destroy();
  await closed;
  assert.equal((await list()).status, 200);
});

test("a scenario that is none is refused as a whole", async () => {
  const rules = [{ fault: "reset" }, { fault: "explode" }];
  await assert.rejects(control("POST", "scenario", { rules }), /rules\[1\]/);
  assert.equal((await control("GET", "scenario")).rules, 0);
});

// ---- Whatever else comes ----

// Sends bytes and returns what came back until the end of the connection.
const throwAt = (url, bytes) =>
  new Promise((resolve) => {
    const { port, protocol } = new URL(url);
    const socket =
      protocol === "https:"
        ? tls.connect({ host: "localhost", port, servername: "localhost" })
        : net.connect({ host: "127.0.0.1", port });
    let heard = "";
    socket.on("data", (data) => (heard += data));
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
    socket.end(bytes);
  });

test("malformed requests end, and the emulator goes on", async () => {
  const line = "GET /keys HTTP/1.1\r\nHost: localhost\r\n";
  for (const bytes of [
    "\r\n\r\n",
    crypto.randomBytes(4096),
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    `${line}Content-Length: -1\r\n\r\n`,
    `${line}Content-Length: 99999999999999999999\r\n\r\n`,
    `${line}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`,
    `${line}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
    `${line}X: ${"a".repeat(200000)}\r\n\r\n`,
    `${line}${"A: b\r\n".repeat(20000)}\r\n`,
    `GET /${"a/".repeat(3000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET /keys/%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET http://[/keys HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    "GET /keys HTTP/1.1\r\n\r\n",
    `PROPFIND /keys HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ])
    for (const url of [env.KP_EMULATOR_VAULT, env.KP_EMULATOR_LOGIN, env.KP_EMULATOR_CONTROL])
      assert.doesNotMatch(await throwAt(url, bytes), /^HTTP\/1\.1 200/);
  assert.equal((await list()).status, 200);
});

test("names and hosts of odd bytes are refused in good JSON", async () => {
  for (const path of ["/keys/%ff", "/keys/%00/%01", "/keys/a%22b/backup", "/keys/a/%ff%fe/encrypt"])
    for (const vault of ["first", "firsthsm"]) {
      const method = path.includes("/a") ? "POST" : "GET";
      const answer = await call(method, path, undefined, { vault });
      assert.ok([400, 404].includes(answer.status), answer.text);
      assert.ok(answer.body.error.message);
    }
  const token = await tokenOf(ALL, "all", VAULT);
  const odd = { Host: "a/b", authorization: `Bearer ${token}` };
  assert.equal((await send(env.KP_EMULATOR_CONTROL, "GET", "/emulator/clock", odd)).status, 400);
  assert.equal((await login({ client_id: "\u0001" })).body.error_codes[0], 700016);
});

test("malformed bodies are 400, too large ones refused", async () => {
  await call("POST", "/keys/body/create", { kty: "RSA" }, { vault: "firsthsm" });
  for (const body of [
    "{",
    "[]",
    '"x"',
    '{"kty":7}',
    '{"kty":"RSA","kty":"EC"}',
    '{"kty":"RSA","key_size":-1}',
    '{"kty":"RSA","key_ops":["fly"]}',
    '{"kty":"RSA","tags":[]}',
    '{"kty":"EC","crv":"P-1"}',
    `${"[".repeat(100000)}`,
    `{"kty":"RSA","x":${"[".repeat(3000)}${"]".repeat(3000)}}`,
  ]) {
    const answer = await call("POST", "/keys/odd/create", body, { vault: "firsthsm" });
    assert.deepEqual(code(answer).slice(0, 2), [400, "BadParameter"], body.slice(0, 40));
  }
  const wrap = (body) => call("POST", "/keys/body/wrapkey", body, { vault: "firsthsm" });
  for (const body of [
    { alg: "RSA-OAEP" },
    { alg: "RSA-OAEP", value: "" },
    { alg: "RSA-OAEP", value: "a b" },
    { alg: "RSA-OAEP", value: 7 },
    { alg: "rsa-oaep", value: "AAAA" },
    { alg: "A256KW", value: "AAAA" },
    { alg: "RSA-OAEP", value: "A".repeat(1024) },
  ])
    assert.deepEqual(code(await wrap(body)).slice(0, 2), [400, "BadParameter"]);
  const large = call("POST", "/keys/body/wrapkey", "x".repeat(13 * 1024 * 1024), {
    vault: "firsthsm",
  }).then((answer) => answer.status, () => 413);
  assert.equal(await large, 413);
  assert.equal((await list()).status, 200);
});
