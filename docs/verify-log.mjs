// Checks HEE logs from docs/format.md alone: `node docs/verify-log.mjs REPOSITORY [LOG-ID]`, or `--vectors FILE`.
// Objects, tree, events, ids, signatures of authors and writers, keys, order, transitions, Merkle root, checkpoint and
// trailers; not capsule and state, whose projection it does not know. Exits 0 when all holds, 1 with findings, 2 when
// something is unknown and nothing bad.
import { createHash, createPublicKey, verify } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const str = (data) => Buffer.concat([u32(Buffer.byteLength(data)), Buffer.from(data)]);
const ed25519 = (raw) =>
  createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]), format: "der", type: "spki" });
const blobOf = (text) => Buffer.from(text.split(" ")[1], "base64");
const fingerprint = (blob) => "SHA256:" + sha256(blob).toString("base64").replace(/=+$/, "");
const named = (kind, data, format) => createHash(format).update(`${kind} ${data.length}\0`).update(data).digest("hex");

// ---------------------------------------------------------------- one event

const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const ACTOR = /^(human|agent|ci):[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const REQUIRED = ["actor", "data", "datacontenttype", "dataversion", "id", "keyid", "source", "specversion", "time", "type"];

// RFC 8785 for values without floats: keys of printable ASCII, JSON.stringify's own escapes.
const canonical = (value) =>
  Array.isArray(value) ? `[${value.map(canonical).join(",")}]`
  : value && typeof value === "object" ? `{${Object.keys(value).sort().map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join(",")}}`
  : JSON.stringify(value);

const portable = (value) =>
  typeof value === "string" ? !/\p{Surrogate}/u.test(value) && value.normalize("NFC") === value && !FORBIDDEN.test(value)
  : typeof value === "number" ? Number.isSafeInteger(value)
  : Array.isArray(value) ? value.every(portable)
  : value && typeof value === "object" ? Object.entries(value).every(([k, item]) => /^[ -~]*$/.test(k) && portable(item))
  : true;

function read(line) { // the event, or what is wrong with the line
  let event;
  const text = line.toString();
  try { event = JSON.parse(text); } catch { return "not JSON"; }
  if (!event || typeof event !== "object" || Array.isArray(event)) return "not an object";
  if (!Buffer.from(text).equals(line) || canonical(event) !== text || !portable(event)) return "not canonical";
  const names = Object.keys(event);
  if (!REQUIRED.every((name) => names.includes(name))) return "an attribute is missing";
  if (names.some((name) => ![...REQUIRED, "causes", "subject"].includes(name))) return "an unknown attribute";
  const { data, dataversion, causes, ...texts } = event;
  if (Object.values(texts).some((value) => typeof value !== "string") || !data || typeof data !== "object" || Array.isArray(data)) return "an attribute of the wrong type";
  if (event.specversion !== "1.0" || event.datacontenttype !== "application/json") return "specversion or datacontenttype";
  if (!Number.isInteger(dataversion) || dataversion < 1 || !TIME.test(event.time) || !ACTOR.test(event.actor)) return "dataversion, time or actor";
  if (causes !== undefined && !/^[0-9a-f]{64}( [0-9a-f]{64})*$/.test(causes)) return "causes";
  return event;
}

// ---------------------------------------------------------------- one signature

class Wire { // SSH wire data, read from the front; throws where it ends too early, too late, or is not in its one form
  constructor(data) { this.data = data; }
  take(count) {
    if (count > this.data.length) throw new Error("cut short");
    const value = this.data.subarray(0, count);
    this.data = this.data.subarray(count);
    return value;
  }
  string() { return this.take(this.take(4).readUInt32BE()); }
  text() { return this.string().toString(); }
  number() { // positive, in its shortest form, without the zero that only says so
    const data = this.string();
    if (!data.length || data[0] >= 0x80 || (data[0] === 0 && !(data[1] >= 0x80))) throw new Error("not the one form of a number");
    return data[0] === 0 ? data.subarray(1) : data;
  }
  end() { if (this.data.length) throw new Error("too long"); }
}

const CURVES = { nistp256: ["P-256", 32, "sha256"], nistp384: ["P-384", 48, "sha384"] };
const url = (data) => data.toString("base64url");

function curveKey(wire) { // a key and how it checks two numbers
  const [crv, size, hash] = CURVES[wire.text()];
  const point = wire.string();
  if (point.length !== 1 + 2 * size || point[0] !== 4) throw new Error("no uncompressed point");
  const key = createPublicKey({ key: { kty: "EC", crv, x: url(point.subarray(1, 1 + size)), y: url(point.subarray(1 + size)) }, format: "jwk" });
  return (raw, signed) => {
    const numbers = new Wire(raw);
    const padded = [numbers.number(), numbers.number()].map((each) => {
      if (each.length > size) throw new Error("a number too large");
      return Buffer.concat([Buffer.alloc(size - each.length), each]);
    });
    numbers.end();
    return verify(hash, signed, { key, dsaEncoding: "ieee-p1363" }, Buffer.concat(padded));
  };
}

function touched(wire, check) { // a security key (PROTOCOL.u2f): for an application, and somebody was there
  const application = sha256(wire.string());
  return (rest, signed) => {
    const raw = rest.string(), flags = rest.take(1), counter = rest.take(4);
    return (flags[0] & 1) === 1 && check(raw, Buffer.concat([application, flags, counter, sha256(signed)]));
  };
}

const raw25519 = (wire) => { const key = ed25519(wire.string()); return (raw, signed) => raw.length === 64 && verify(null, signed, key, raw); };
const plain = (check) => (rest, signed) => check(rest.string(), signed);
const KEY_TYPES = {
  "ssh-ed25519": (wire) => plain(raw25519(wire)),
  "sk-ssh-ed25519@openssh.com": (wire) => touched(wire, raw25519(wire)),
  "ecdsa-sha2-nistp256": (wire) => plain(curveKey(wire)),
  "ecdsa-sha2-nistp384": (wire) => plain(curveKey(wire)),
  "sk-ecdsa-sha2-nistp256@openssh.com": (wire) => touched(wire, curveKey(wire)),
  "ssh-rsa": (wire) => {
    const e = wire.number(), n = wire.number();
    const bits = 8 * n.length - Math.clz32(n[0]) + 24;
    if (bits < 2048 || bits > 16384) throw new Error("RSA of too few or too many bits");
    const key = createPublicKey({ key: { kty: "RSA", e: url(e), n: url(n) }, format: "jwk" });
    return (rest, signed, algorithm) => verify(algorithm.replace("rsa-sha2-", "sha"), signed, key, rest.string());
  },
};
const readable = (text) => { // whether the text of a public key is in its one form, and the key one that can be checked
  try {
    const wire = new Wire(blobOf(text)), type = wire.text();
    KEY_TYPES[type](wire);
    wire.end();
    return text === `${type} ${blobOf(text).toString("base64")}`;
  } catch {
    return false;
  }
};
const ALGORITHMS = { "ssh-rsa": ["rsa-sha2-256", "rsa-sha2-512"] }; // of every other type, its own name

function signer(message, signature, namespace) { // PROTOCOL.sshsig: the fingerprint of the key that signed, or null
  try {
    const blob = Buffer.from(signature, "base64");
    if (blob.toString("base64") !== signature) return null;
    const wire = new Wire(blob);
    if (wire.take(6).toString() !== "SSHSIG" || wire.take(4).readUInt32BE() !== 1) return null;
    const key = wire.string(), [named, reserved, hash] = [wire.text(), wire.text(), wire.text()];
    const rest = new Wire(wire.string());
    wire.end();
    if (named !== namespace || reserved !== "" || !["sha256", "sha512"].includes(hash)) return null;
    const keyed = new Wire(key), type = keyed.text();
    const check = KEY_TYPES[type](keyed);
    keyed.end();
    const algorithm = rest.text();
    if (!(ALGORITHMS[type] ?? [type]).includes(algorithm)) return null;
    const digest = createHash(hash).update(message).digest();
    const good = check(rest, Buffer.concat([Buffer.from("SSHSIG"), str(namespace), str(""), str(hash), str(digest)]), algorithm);
    rest.end();
    return good ? fingerprint(key) : null;
  } catch {
    return null;
  }
}

// ---------------------------------------------------------------- one log

const EDGES = new Set([
  "operational degraded", "degraded operational", "degraded hee-compliance-check", "hee-compliance-check degraded",
  "hee-compliance-check failed", "degraded failed", "failed degraded", "failed operational", "operational maintenance",
  "maintenance operational", "degraded maintenance",
]);
const THAWED = new Set([
  "access.denied", "alert.acknowledged", "alert.delivered", "alert.raised", "alert.undelivered", "approval.granted", "approval.revoked", "checkpoint.cosigned", "decision.ended", "decision.recorded",
  "key.added", "key.expiry_set", "key.revoked", "key.root_granted", "key.rotated", "key.threshold_changed", "log.reanchored",
  "note.recorded", "payload.redacted", "payload.sealed", "recipient.removed", "state.checkpoint_sealed", "state.checkpointed", "state.rolled_back",
  "state.unfrozen",
]);
const PERSONAL = new Set(["alert.acknowledged", "pattern.accepted", "pattern.refused", "pattern.retired", "token.approved"]);
const STEERED = new Set(["payload.redacted", "recipient.added", "recipient.removed"]);
const human = (name) => name.startsWith("human:");
const LARGEST = 64 * 2 ** 20; // bytes of an object
const FILES = ["README.md", "capsule.json", "checkpoint", "events.jsonl", "signatures"];
// The catalogue that is published beside this script: type -> newest version.
const CATALOGUE = readFileSync(new URL("events.md", import.meta.url)).toString().matchAll(/^\| \[`([a-z_.]+)`\][^|]*\| (\d+) \|/gm);
const TYPES = new Map([...CATALOGUE].map(([, type, version]) => [type, Number(version)]));

// `commits`, oldest first: { id, raw, files: [{ mode, name, id, data }] }; an object whose bytes do not give its id is a finding.
function check(commits, format, pin) {
  const findings = [], unknown = [];
  const found = (index, kind, detail, excusable = false) => { findings.push({ index, kind, detail, excusable }); };
  const keys = new Map(); // fingerprint -> { actor, blob, since, until, root, origin }
  const pending = new Map(); // what is asked for -> who asked
  let threshold = 1, frozen = false;
  const stack = []; // roots of complete subtrees
  const ids = new Map(), nonces = new Set(), status = []; // status[i]: after event i
  let size = 0, logId = "", previous = "", blind = false;
  const seals = [], approvals = new Map(); // indexes; event id -> { subject, expires, used }
  const decisions = new Map(), ended = new Set(); // name -> { personal: a person's alone to end, issue }; the last 100 that ended
  const someone = (index) => [...keys.values()].some((key) => human(key.actor) && valid(key, index)); // the log knows a person
  const valid = (key, at) => key && key.since <= at && at < key.until;

  function root() {
    return stack.map(([hash]) => hash).reduceRight((right, left) => (right ? sha256("\x01", left, right) : left), null);
  }

  function place(line, now) { // takes the line's place, whatever it is
    let node = [sha256("\0", line), 1];
    while (stack.length && stack.at(-1)[1] === node[1]) node = [sha256("\x01", stack.pop()[0], node[0]), node[1] * 2];
    stack.push(node);
    status.push(now ?? status.at(-1) ?? "operational");
    size += 1;
  }

  function judge(line, signature) {
    const index = size;
    const event = read(line);
    if (typeof event === "string") { found(index, "event", event); return place(line); }
    const id = sha256(line).toString("hex");
    if (index === 0) logId = id;
    const newer = !(event.dataversion <= TYPES.get(event.type));
    if (newer) unknown.push({ index, kind: "unknown", detail: `${event.type} version ${event.dataversion}` });
    if (newer && (event.type.startsWith("key.") || event.type === "log.created")) { blind = true; return undefined; }
    if ((event.type === "log.created") !== (index === 0)) { found(index, "refused", "a log begins with log.created, once"); return place(line); }
    if (index === 0) {
      try { begin(event); } catch { keys.clear(); found(index, "key", "no root keys that can be read"); return place(line); }
    }
    if (event.source !== (index ? `urn:hee:${logId}` : "urn:hee:genesis")) found(index, "foreign-event", event.source);
    if (ids.has(id) || nonces.has(event.id)) found(index, "duplicate", event.id);
    if (event.causes?.split(" ").some((cause) => !ids.has(cause))) found(index, "cause", event.causes);
    if (signer(line, signature ?? "", "hee-event") !== event.keyid) found(index, "signature", "the named key did not sign this");
    ids.set(id, index);
    nonces.add(event.id);
    const key = keys.get(event.keyid);
    if (!valid(key, index) || key.actor !== event.actor) { found(index, "key", `${event.keyid} may not sign`); return place(line); }
    if (event.type.startsWith("key.")) {
      let fault;
      try { fault = change(event, index); } catch { fault = "a payload that is none"; }
      if (fault) found(index, "key", `${event.type}: ${fault}`);
    }
    if (STEERED.has(event.type)) {
      if (someone(index) ? !human(event.actor) : !key.root) { found(index, "key", `${event.type}: not by ${event.actor}`); return place(line); }
      const raw = Buffer.from(String(event.data.public_key).slice(7), "base64"); // a recipient's key has one form
      const sound = raw.length === 32 && event.data.public_key === `x25519 ${raw.toString("base64")}`;
      if (event.type === "recipient.added" && !sound) { found(index, "key", "no recipient's key"); return place(line); }
    }
    return place(line, newer ? undefined : follow(event, index, id));
  }

  function begin(event) {
    for (const key of event.data.root_keys) {
      keys.set(fingerprint(blobOf(key.public_key)), { actor: key.actor, blob: blobOf(key.public_key), since: 0, until: Infinity, root: true });
    }
    threshold = event.data.threshold ?? 1;
    if (threshold > keys.size) found(0, "key", "threshold");
  }

  function follow({ type, data, actor, time }, index, id) { // the status after an event, and whether it may stand after this one
    const now = status.at(-1);
    if (frozen && !THAWED.has(type)) { found(index, "refused", "the log is frozen"); return now; }
    if (type === "state.frozen") frozen = true;
    if (type === "state.unfrozen") {
      if (!frozen || !actor.startsWith("human:")) found(index, "refused", "only a person ends a freeze");
      else frozen = false;
    }
    if (type === "state.changed") {
      if (data.from === now && EDGES.has(`${data.from} ${data.to}`)) return data.to;
      if (!unknown.length) found(index, "transition", `${data.from} to ${data.to} while ${now}`);
    }
    if (type === "state.rolled_back") {
      if (ids.get(data.to_event) !== data.to_index || data.to_index >= index) {
        found(index, "refused", "it names another event than the one at its index");
        return now;
      }
      if (seals.some((sealed) => data.to_index < sealed) && !human(actor)) {
        const leave = [...approvals.values()].find((each) => each.subject === `rollback/${data.to_index}` && !each.used
          && (!each.expires || Date.parse(time) < Date.parse(each.expires)));
        if (!leave) { found(index, "refused", "it goes past a point that a person sealed"); return now; }
        leave.used = true;
      }
      return status[data.to_index];
    }
    if (type === "state.checkpoint_sealed") {
      if (human(actor) && data.index < index && ids.get(data.event) === data.index) seals.push(data.index);
      else found(index, "refused", "only a person seals a point, and an earlier one");
    }
    if (type === "approval.granted") {
      if (!human(actor)) found(index, "refused", "only a person approves");
      else approvals.set(id, { subject: data.subject, expires: data.expires });
      if (approvals.size > 100) approvals.delete(approvals.keys().next().value); // the last 100 are known
    }
    if (type === "approval.revoked") {
      if (!human(actor)) found(index, "refused", "only a person takes an approval back");
      else if (!approvals.delete(data.approval_id)) found(index, "refused", "no such approval");
    }
    if (PERSONAL.has(type) && !human(actor)) found(index, "refused", "only a person says so");
    if (type === "ci.issue_resolved") {
      for (const [name, { personal, issue }] of decisions) if (issue === data.issue_id && !personal) end(name);
    }
    if (type === "decision.recorded" || type === "decision.ended") decide(type, data, actor, index, id);
    return now;
  }

  function decide(type, data, actor, index, id) { // what a person decided, but for the pipeline's word on an issue, ends by a person
    const recorded = type === "decision.recorded";
    const name = recorded ? data.supersedes : data.decision_id;
    if (name || !recorded) {
      if (!decisions.has(name)) return found(index, "refused", "it ends a decision that is none, or ended already");
      if (decisions.get(name).personal && !human(actor)) return found(index, "refused", "only a person ends what a person decided");
      end(name);
    }
    let digits = 8;
    const named = () => `HEE-DEC-${id.slice(0, digits)}`;
    while (decisions.has(named()) || ended.has(named())) digits += 4;
    if (recorded) decisions.set(named(), { personal: human(actor) && (data.kind ?? "standing") === "standing", issue: data.issue_id || null });
  }

  function end(name) {
    decisions.delete(name);
    ended.delete(name);
    ended.add(name);
    if (ended.size > 100) ended.delete(ended.values().next().value);
  }

  // What an event asks of the ring. Made at once when as many keys as it takes have asked for it; returns what forbids it.
  function change({ type, data, keyid, actor }, index) {
    const held = keys.get(data.key_id);
    const people = someone(index);
    const enough = (ended) => [...keys.values()].filter((key) => key.root && key.until === Infinity && key !== ended).length >= threshold;
    const vouched = (name) =>
      human(name) && people ? human(actor) : keys.get(keyid).root && !(human(name) && frozen);
    const fresh = data.public_key && fingerprint(blobOf(data.public_key));
    const name = held && (held.origin ?? data.key_id);
    // Once there is a person, no key becomes a root key, nor the threshold another, without a person among those who ask.
    const personal = people && ["key.root_granted", "key.threshold_changed"].includes(type);
    const asks = keys.get(keyid).root || (personal && human(actor)); // a person asks without a root key, and counts as the person
    const byPeople = people && human(data.actor ?? held?.actor ?? ""); // those whose requests count: people, or root keys
    let ask, make, needed = threshold;
    if (data.public_key && !readable(data.public_key)) return "no key that could be checked, or not in its one form";
    if (["key.added", "key.rotated"].includes(type) && keys.has(fresh)) return "it is or was there already";
    if (["key.revoked", "key.expiry_set", "key.root_granted"].includes(type) && !valid(held, index + 1)) return "no valid key";
    if (type === "key.added") {
      if (!vouched(data.actor)) return "may not add it";
      if (data.role !== data.actor.split(":")[0]) return "its role is not that of its actor";
      ask = `add ${data.actor} ${data.public_key}`;
      make = () => keys.set(fresh, { actor: data.actor, blob: blobOf(data.public_key), since: index + 1, until: Infinity, root: false });
    } else if (type === "key.rotated") {
      const old = keys.get(keyid);
      if (!valid(old, index + 1)) return "no valid key";
      [ask, needed] = [`rotate ${keyid}`, 0];
      make = () => {
        keys.set(fresh, { ...old, blob: blobOf(data.public_key), since: index + 1, origin: old.origin ?? keyid });
        keys.set(keyid, { ...old, until: index + 1 });
      };
    } else if (type === "key.revoked") {
      if (!vouched(held.actor)) return "may not revoke it";
      if (!enough(held)) return "too few root keys are left";
      ask = `revoke ${name}`;
      make = () => { held.until = index + 1; };
    } else if (type === "key.expiry_set") {
      const until = data.until ?? Infinity;
      if (!vouched(held.actor)) return "may not end it";
      if (until <= index) return "the end is past";
      if (until !== Infinity && !enough(held)) return "too few root keys are left";
      ask = `expire ${name} at ${data.until} or ${data.not_after ?? ""}`;
      make = () => { held.until = until; };
    } else if (type === "key.root_granted") {
      if (!asks || held.root) return "takes a root key, and one that is none yet";
      ask = `root ${name}`;
      make = () => { held.root = true; };
    } else if (type === "key.threshold_changed") {
      const roots = [...keys.values()].filter((key) => key.root && key.until === Infinity).length;
      if (!asks || data.threshold === threshold || data.threshold > roots) return "may not be";
      [ask, needed] = [`threshold ${data.threshold}`, Math.max(threshold, data.threshold)];
      make = () => { threshold = data.threshold; };
    } else return "unknown: nobody can say whose keys count after it";
    const asked = new Set([...(pending.get(ask) ?? []), keyid]);
    pending.set(ask, asked);
    const voices = [...asked].map((each) => keys.get(each)).filter((key) => valid(key, index));
    const counted = voices.filter((key) => (byPeople && !personal ? human(key.actor) : key.root));
    if (counted.length < needed || (personal && !voices.some((key) => human(key.actor)))) return null;
    pending.delete(ask);
    make();
    return null;
  }

  function checkpoint(note, first) {
    const [, text, lines] = /^((?:[^\u0000-\u001f]+\n){3,})\n((?:\u2014 [^\s+]+ [A-Za-z0-9+/]+=*\n)+)$/.exec(note.toString()) ?? [];
    if (!text || !Buffer.from(note.toString()).equals(note)) return found(first, "checkpoint", "not a signed note");
    const [origin, count, hash] = text.split("\n");
    if (origin !== `hee-log/${logId}` || count !== String(size) || hash !== root().toString("base64")) return found(first, "checkpoint", "size or root");
    const signed = lines.trimEnd().split("\n").map((line) => line.split(" "));
    if (signed.some(([, , encoded]) => Buffer.from(encoded, "base64").toString("base64") !== encoded)) return found(first, "checkpoint", "base64");
    const good = signed.some(([, name, encoded]) => {
      const data = Buffer.from(encoded, "base64");
      return [...keys.values()].some((key) => {
        const raw = key.blob.subarray(-32);
        const hint = sha256(`${name}\n\x01`, raw).subarray(0, 4);
        return valid(key, size - 1) && name === origin && hint.equals(data.subarray(0, 4)) && verify(null, Buffer.from(text), ed25519(raw), data.subarray(4));
      });
    });
    return good ? undefined : found(first, "checkpoint", "no key of the log signed it");
  }

  function commitOf(raw, lines, first) { // signature, author, committer, trailers
    const [, head, message] = /^([^]*?)\n\n([^]*)$/.exec(raw) ?? ["", "", raw, ""];
    const header = new RegExp(`\ngpgsig${format === "sha1" ? "" : `-${format}`} ([^\n]*(?:\n [^\n]*)*)`);
    const armor = header.exec(head)?.[1].split("\n").map((line) => line.trim()) ?? [];
    const key = signer(raw.replace(header, ""), armor.slice(1, -1).join(""), "git");
    const held = keys.get(key);
    if (!key || !valid(held, size - 1)) found(first, "commit-signature", key ?? "no signature that holds", !armor.length);
    const last = read(lines.at(-1));
    if (typeof last === "string") return;
    const who = (actor) => actor.replace(/^(\w+):(.*)$/, (_, role, name) => `${name} <${role}.${name.replaceAll("@", ".")}@hee.invalid>`);
    const when = `${Math.floor(Date.parse(last.time) / 1000)} +0000`;
    const people = `author ${who(last.actor)} ${when}\ncommitter ${who(held?.actor ?? last.actor)} ${when}`;
    if (!head.includes(`\n${people}`)) found(first, "trailer", "author, committer or time", true);
    const [, trailers] = /^[^\n]{1,100}\n\n([^]*)\nHEE-State: [0-9a-f]{64}\nHEE-Projection: [1-9][0-9]*\n$/.exec(message) ?? [];
    const names = lines.length > 32 ? [] : lines.map((line) => `HEE-Event: ${sha256(line).toString("hex")}`);
    const expected = [`HEE-Index: ${first}..${size - 1}`, ...names, `HEE-Root: ${root().toString("base64")}`];
    if (trailers !== expected.join("\n")) found(first, "trailer", trailers ?? message, true);
  }

  // A rewritten history is taken over by an event that names exactly what stands before it.
  function anchor(line, parent) {
    const event = read(line);
    const key = keys.get(event.keyid);
    if (event.type !== "log.reanchored" || !valid(key, size) || key.actor !== event.actor || !(key.root || key.actor.startsWith("human:"))) return;
    const { events, root: named, new_head: head } = event.data;
    if (events !== size || named !== root()?.toString("hex") || head !== parent) return;
    findings.splice(0, findings.length, ...findings.filter((finding) => !finding.excusable));
  }

  for (const { id, raw, files } of commits) {
    const first = size;
    const head = raw.toString().split("\n");
    const parents = head.filter((line) => line.startsWith("parent ")).map((line) => line.slice(7));
    if (parents.join() !== previous) found(first, "chain", id);
    previous = id;
    const tree = Buffer.concat(files.map((file) => Buffer.concat([Buffer.from(`${file.mode} ${file.name}\0`), Buffer.from(file.id, "hex")])));
    const sound = named("commit", raw, format) === id && head[0] === `tree ${named("tree", tree, format)}`;
    if (!sound || files.some((file) => named("blob", file.data, format) !== file.id)) found(first, "object", id);
    const names = files.map(({ mode, name }) => `${mode} ${name}`).join();
    if (names !== FILES.map((name) => `100644 ${name}`).join()) found(first, "tree", names);
    const file = (name) => files.find((each) => each.name === name)?.data ?? Buffer.alloc(0);
    const lines = split(file("events.jsonl")), signatures = split(file("signatures"));
    if (!lines?.length) { found(first, "event", "events.jsonl is empty or torn"); break; }
    if (signatures?.length !== lines.length) found(first, "signature", "as many as there are events are expected");
    anchor(lines[0], parents[0]);
    for (const [n, line] of lines.entries()) { if (!blind) judge(line, signatures?.[n]?.toString()); }
    if (blind || !keys.size) break;
    checkpoint(file("checkpoint"), first);
    commitOf(raw.toString(), lines, first);
  }
  if (pin && pin !== logId) found(0, "foreign-log", logId);
  const ok = findings.length === 0 && unknown.length === 0 && size > 0;
  return { ok, events: size, log: logId, findings: findings.slice(0, 100).map(({ excusable, ...rest }) => rest), unknown: unknown.slice(0, 100), not_judged: ["capsule", "state"] };
}

function split(data) { // lines as bytes; null for a last one that is not ended
  const lines = [];
  for (let at = 0, end; at < data.length; at = end + 1) {
    end = data.indexOf(10, at);
    if (end < 0) return null;
    lines.push(data.subarray(at, end));
  }
  return lines;
}

// ---------------------------------------------------------------- where logs come from

function* repository(place) {
  const env = { ...process.env, GIT_NO_REPLACE_OBJECTS: "1", GIT_GRAFT_FILE: "/dev/null" };
  const git = (input, ...args) => execFileSync("git", ["--no-replace-objects", "-c", "advice.graftFileDeprecated=false", "-C", place, ...args], { env, input, maxBuffer: 1 << 30 });
  const objects = (all) => { // git cat-file --batch: "id kind size LF content LF" for each; what is too large is not read
    const asked = (names) => names.map((name) => `${name}\n`).join("");
    const sizes = git(asked(all), "cat-file", "--batch-check=%(objectsize)").toString().split("\n").map(Number);
    const out = git(asked(all.filter((_, n) => !(sizes[n] > LARGEST))), "cat-file", "--batch");
    let at = 0;
    return all.map((_, n) => {
      if (sizes[n] > LARGEST) return Buffer.alloc(0);
      const end = out.indexOf(10, at);
      const length = Number(out.subarray(at, end).toString().split(" ")[2]);
      at = end + 1 + length + 1;
      return out.subarray(end + 1, end + 1 + length);
    });
  };
  const format = git("", "rev-parse", "--show-object-format").toString().trim();
  const wide = format === "sha256" ? 32 : 20;
  const entries = (tree) => { // "mode SP name NUL id" for each
    const rows = [];
    for (let at = 0; at < tree.length; ) {
      const end = tree.indexOf(0, at);
      const [mode, name] = tree.subarray(at, end).toString().split(" ");
      rows.push({ mode, name, id: tree.subarray(end + 1, end + 1 + wide).toString("hex") });
      at = end + 1 + wide;
    }
    return rows;
  };
  yield format;
  const commits = git("", "rev-list", "--reverse", "--first-parent", "refs/heads/hee/log").toString().trim().split("\n");
  for (let start = 0; start < commits.length; start += 256) {
    const some = commits.slice(start, start + 256);
    const raws = objects(some);
    const trees = objects(raws.map((raw) => raw.subarray(5, 5 + 2 * wide).toString())).map(entries);
    const blobs = objects(trees.flat().map((file) => file.id));
    for (const [n, id] of some.entries()) yield { id, raw: raws[n], files: trees[n].map((file) => ({ ...file, data: blobs.shift() })) };
  }
}

function vector({ commits, object_format: format }, texts) { // the commits that the last one leads back to
  const known = new Map();
  for (const [text, files] of commits) {
    const raw = Buffer.from(texts[text]);
    const made = files.map(([mode, name, n]) => ({ mode, name, id: named("blob", Buffer.from(texts[n]), format), data: Buffer.from(texts[n]) }));
    const id = named("commit", raw, format);
    known.set(id, { id, raw, files: made });
  }
  const chain = [];
  for (let commit = [...known.values()].at(-1); commit; commit = known.get(/\nparent (\w+)/.exec(commit.raw.toString())?.[1])) chain.unshift(commit);
  return chain;
}

const [place, more] = process.argv.slice(2);
if (place === "--vectors") {
  const { vectors, texts } = JSON.parse(readFileSync(more));
  for (const each of vectors) console.log(JSON.stringify({ name: each.name, ...check(vector(each, texts), each.object_format) }));
} else {
  const commits = repository(place);
  const report = check(commits, commits.next().value, more);
  console.log(JSON.stringify(report));
  process.exitCode = report.ok ? 0 : report.findings.length ? 1 : 2;
}
