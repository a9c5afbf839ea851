// Talks to the lab: acts as a person through its control API, and hears what changes on that person's screen.

/** Sends an order; the answer's `error` is what the person sees instead of an effect. */
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    return answer.ok ? told : { error: told.error || answer.statusText };
  } catch {
    return { error: "The lab does not answer. Was it ended?" };
  }
}

export async function remove(path) {
  try {
    return await (await fetch(path, { method: "DELETE" })).json();
  } catch {
    return { error: "The lab does not answer. Was it ended?" };
  }
}

/** Acts as `user` in the workspace. */
export const act = (user, what, body) => post(`/control/${what}`, { user, ...body });

/** Listens to server-sent events until the answer is called; the browser connects again by itself. */
export function listen(path, handlers, changed = () => {}) {
  const source = new EventSource(path);
  for (const [name, handler] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  }
  source.addEventListener("open", () => changed(true));
  source.addEventListener("error", () => changed(false));
  return () => source.close();
}
