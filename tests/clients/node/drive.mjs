// Drives a path of each resource with the official client; what it saw goes to stdout as JSON.
import Courier from "@trycourier/courier";

const calls = [];
const counting = (url, init) => {
  calls.push(`${init.method} ${new URL(url).pathname}`);
  return fetch(url, init);
};
const { API_KEY: apiKey, BASE_URL: baseURL } = process.env;
const client = new Courier({ apiKey, baseURL, fetch: counting, logLevel: "off" });

const user = "a/da & söhne";
const content = { title: "Hi {{profile.name}}", body: "It works." };
const email = { method: "single", channels: ["email"] };

async function settled(id) {
  for (let tries = 0; tries < 300; tries++) {
    const found = await client.messages.retrieve(id);
    if (!["ENQUEUED", "ROUTED"].includes(found.status)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${id} is not sent`);
}

async function refused(call) {
  const before = calls.length;
  try {
    await call();
  } catch (error) {
    const { name } = error.constructor;
    const retry = error.headers?.get("x-should-retry") ?? null;
    return { name, status: error.status, type: error.error?.type, calls: calls.length - before, retry };
  }
  return "not refused";
}

async function pages(list) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor ? { cursor } : {});
    found.push(...page.items);
    cursor = page.paging.cursor;
  } while (cursor);
  return found;
}

const resources = {
  async profiles() {
    await client.profiles.create(user, { profile: { email: "ada@example.com", name: "Ada" } });
    await client.profiles.update(user, { patch: [{ op: "replace", path: "/name", value: "Ada L." }] });
    return (await client.profiles.retrieve(user)).profile;
  },
  async send() {
    const message = { to: { user_id: user }, content, routing: email };
    const { requestId } = await client.send.message({ message });
    const { status, recipient } = await settled(requestId);
    const { results } = await client.messages.content(requestId);
    return { status, recipient, subject: results[0].content.subject };
  },
  async messages() {
    const { results } = await client.messages.list({ recipient: user, status: ["SENT", "OPENED"] });
    const history = await client.messages.history(results[0].id);
    return [results.length, history.results[0].type];
  },
  async requests() {
    const { results } = await client.messages.list({ recipient: user });
    await client.requests.archive(results[0].id);
    return (await client.messages.list({ recipient: user })).results.length;
  },
  async lists() {
    await client.lists.update("orders.eu", { name: "Europe" });
    const recipients = Array.from({ length: 101 }, (_, n) => ({ recipientId: `user ${n}` }));
    await client.lists.subscriptions.add("orders.eu", { recipients });
    const found = await pages((query) => client.lists.subscriptions.list("orders.eu", query));
    return [(await client.lists.list({ pattern: "orders.*" })).items[0].name, found.length];
  },
  async audiences() {
    const filter = { operator: "AND", filters: [{ operator: "EQ", path: "name", value: "Ada L." }] };
    await client.audiences.update("adas", { name: "Adas", filter });
    return (await client.audiences.listMembers("adas")).items.map((one) => one.member_id);
  },
  async tenants() {
    await client.tenants.update("a/cme", { name: "Acme" });
    await client.users.tenants.addSingle("a/cme", { user_id: user });
    const { items } = await client.tenants.listUsers("a/cme", { limit: 1 });
    await client.users.tenants.removeSingle("a/cme", { user_id: user });
    return items.map((one) => one.user_id);
  },
  async tokens() {
    await client.users.tokens.addSingle("t/1", { user_id: user, provider_key: "expo" });
    return (await client.users.tokens.list(user)).tokens.map((one) => one.token);
  },
  async preferences() {
    return (await client.users.preferences.retrieve(user)).items;
  },
  async bulk() {
    const { jobId } = await client.bulk.createJob({ message: { event: "hi", content } });
    await client.bulk.addUsers(jobId, { users: [{ recipient: user }, { recipient: "bob" }] });
    await client.bulk.runJob(jobId);
    const { job } = await client.bulk.retrieveJob(jobId);
    return [job.received, (await client.bulk.listUsers(jobId)).items.length];
  },
  async notifications() {
    const text = { type: "text", content: "Hello" };
    const block = { type: "channel", channel: "email", elements: [text] };
    const notification = {
      name: "Welcome", tags: ["a"], brand: null, subscription: null, routing: null,
      content: { version: "2022-01-01", elements: [block] },
    };
    const { id } = await client.notifications.create({ notification });
    const put = await client.notifications.putContent(id, { content: { elements: [text] } });
    await client.notifications.putLocale("de", { id, elements: [{ id: put.elements[0].id, content: "Hallo" }] });
    await client.notifications.publish(id);
    const { versions } = await client.notifications.listVersions(id);
    await client.notifications.archive(id);
    return [versions.map((one) => one.version), (await client.notifications.list()).results.length];
  },
  async routingStrategies() {
    const { id } = await client.routingStrategies.create({ name: "Mail", routing: email });
    return (await client.routingStrategies.retrieve(id)).routing.channels;
  },
  async brands() {
    await client.brands.create({ id: "acme", name: "Acme", settings: {} });
    return (await client.brands.list()).results.map((one) => one.name);
  },
  async translations() {
    await client.translations.update("de", { domain: "default", body: 'msgid "Hi"\nmsgstr "Hallo"\n' });
    return client.translations.retrieve("de", { domain: "default" });
  },
  async providers() {
    const settings = { host: "localhost", from_address: "notify@example.com", username: "u", password: "p" };
    const { id } = await client.providers.create({ provider: "smtp", settings });
    const found = await client.providers.retrieve(id);
    const { results } = await client.providers.catalog.list({ keys: "smtp,twilio" });
    await client.providers.delete(id);
    return [found.settings.password, results.map((one) => one.provider)];
  },
  async auth() {
    const { token } = await client.auth.issueToken({ scope: "user_id:bob read:messages", expires_in: "1h" });
    const app = new Courier({ apiKey: token, baseURL, fetch: counting, logLevel: "off" });
    return refused(() => app.brands.list());
  },
  async inbound() {
    const event = { event: "bought", messageId: "1", properties: {}, type: "track" };
    return (await client.inbound.trackEvent(event)).messageId;
  },
  async auditEvents() {
    const { results } = await client.auditEvents.list();
    return (await client.auditEvents.retrieve(results[0].auditEventId)).type;
  },
  async idempotency() {
    const body = { message: { to: { user_id: user }, content } };
    const once = { headers: { "Idempotency-Key": "k" } };
    const answers = [await client.send.message(body, once), await client.send.message(body, once)];
    return new Set(answers.map((one) => one.requestId)).size;
  },
  async errors() {
    const stranger = new Courier({ apiKey: "pk_test_wrong", baseURL, fetch: counting, logLevel: "off" });
    return {
      malformed: await refused(() => client.send.message({ message: { to: { list_id: "" } } })),
      unauthenticated: await refused(() => stranger.brands.list()),
      unknown: await refused(() => client.brands.retrieve("nobody")),
      conflict: await refused(() => client.brands.create({ id: "acme", name: "Acme", settings: {} })),
      later: await refused(() => client.journeys.list()),
    };
  },
};

const seen = {};
for (const [name, drive] of Object.entries(resources)) {
  try {
    seen[name] = await drive();
  } catch (error) {
    seen[name] = `${error.constructor.name}: ${error.message}`;
  }
}
console.log(JSON.stringify(seen));
