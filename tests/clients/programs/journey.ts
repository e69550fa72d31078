// A journey by a program over the types that openapi-typescript made (./api), compiled with `tsc --strict`.
// Where the ledger is, and the keys of an operator and of an administrator, are arguments.
import type { components, paths } from "./api";

declare const process: { argv: string[]; exit(status: number): never };

type Schemas = components["schemas"];
type Answer<T> = { status: number; body: T };
type Json<R> = R extends { content: { "application/json": infer B } } ? B : never;
type Success<O> = O extends { responses: infer R }
    ? Json<R extends { 201: infer C } ? C : R extends { 200: infer D } ? D : never>
    : never;
type Body<O> = O extends { requestBody?: infer R } ? Json<NonNullable<R>> : never;
type Gets = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
type Posts = { [P in keyof paths]: paths[P] extends { post: object } ? P : never }[keyof paths];
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : never;

const [url, operator, administrator] = process.argv.slice(2) as [string, string, string];

function check(fits: boolean, what: string): asserts fits {
    if (!fits) throw new Error(what);
}

function filled(path: string, id: string): string {
    return url + path.replace(/\{[a-z_]+\}/, id);
}

async function get<P extends Gets>(
    key: string, path: P, id: string, query: Query<paths[P]["get"]> | null = null,
): Promise<Answer<Success<paths[P]["get"]>>> {
    const texts = Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]);
    const address = `${filled(path, id)}?${new URLSearchParams(Object.fromEntries(texts))}`;
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${key}` } });
    return { status: answer.status, body: await answer.json() };
}

async function post<P extends Posts>(
    key: string, path: P, id: string, body: Body<paths[P]["post"]>, once: string = crypto.randomUUID(),
): Promise<Answer<Success<paths[P]["post"]>>> {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Idempotency-Key": once };
    const answer = await fetch(filled(path, id), { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
}

async function application(): Promise<string> {
    const reference = `TS-${crypto.randomUUID().slice(0, 8)}`;
    const draft: Schemas["DraftApplication"] = {
        reference, asset_class: "phone", product: "rent_12", channel: "shop", amount_fen: 599900, currency: "CNY",
    };
    const once = crypto.randomUUID();
    const drafted = await post(operator, "/v1/applications", "", draft, once);
    const again = await post(operator, "/v1/applications", "", draft, once);
    check(drafted.status === 201 && again.body.id === drafted.body.id, "drafted once");
    const id: string = drafted.body.id;
    const submitted = await post(operator, "/v1/applications/{application}/submit", id, {});
    const position: number = submitted.body.last_position;
    const state: Schemas["ApplicationState"] = "submitted";
    const now = await get(operator, "/v1/applications/{application}", id, { at_least: position });
    check(now.body.state === state && now.body.reference === reference, "it is submitted");
    const past = { as_of_position: drafted.body.last_position };
    const before = await get(operator, "/v1/applications/{application}", id, past);
    check(before.body.state === "draft", "it was a draft");
    const page = await get(operator, "/v1/applications", "", { state, at_least: position });
    check(page.body.data.some((one) => one.id === id), "it is in the list");
    return id;
}

async function events(id: string): Promise<void> {
    const page = await get(operator, "/v1/applications/{application}/events", id);
    const first = page.body.data[0];
    check(first !== undefined && first.entry.type === "application.drafted.v1", "its first event");
    const body = first.entry.body as Required<Schemas["EventBodies"]>["application.drafted.v1"];
    check(body.amount_fen === 599900, "the body of its first event");
    for (let tries = 0; tries < 100; tries++) {
        const receipt = await get(operator, "/v1/receipts/{event}", first.id);
        if (receipt.status === 200) {
            check(receipt.body.leaf_hash === first.leaf_hash, "the receipt is of this event");
            return;
        }
        await new Promise((then) => setTimeout(then, 200));
    }
    check(false, "there is a receipt");
}

async function people(): Promise<void> {
    const label = `T${String(Date.now() % 1000000).padStart(6, "0")}`;
    const user = await post(administrator, "/v1/users", "", { kind: "person", label, roles: ["collector"] });
    const given = { user: user.body.id, role: "collector", label: "till-1", days: 30 } as const;
    const made = await post(administrator, "/v1/api_keys", "", given);
    // A repeated request is answered without the secret, so that the type says `string | null`.
    check(made.status === 201 && made.body.key !== null, "a key is made");
    check((await get(made.body.key, "/v1/leases", "")).status === 200, "the key works");
}

async function problems(id: string): Promise<void> {
    const refused = await post(operator, "/v1/applications/{application}/submit", id, {});
    const problem = refused.body as unknown as Schemas["Problem"];
    check(refused.status === 409 && problem.code.startsWith("application."), "a rule says no");
    const missing = await get(operator, "/v1/applications/{application}", `application_${"0".repeat(32)}`);
    check(missing.status === 404, "what is not there is not found");
}

async function main(): Promise<void> {
    const id = await application();
    await events(id);
    await people();
    await problems(id);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
