// What the page knows: the person's screen as the lab tells it, and what has been read in this window.

export const store = {
  all: null, // the last "everything"
  channels: new Map(),
  modal: null,
  home: null,
  isAppThere: false,
  isLinked: false,
  read: new Map(), // channel id -> ts of the newest message that was on the screen
  readThreads: new Map(),
};

export function takeEverything(all) {
  const isFirst = store.all === null || store.all.me.id !== all.me.id;
  if (isFirst) store.read.clear();
  store.all = all;
  store.channels = new Map(all.channels.map((one) => [one.id, { ...one, messages: new Map(one.messages.map((m) => [m.ts, m])) }]));
  store.modal = all.modal;
  store.home = all.home;
  store.isAppThere = all.is_app_there;
  if (isFirst) for (const channel of store.channels.values()) markRead(channel);
}

/** Answers whether the message is new, or null when its channel is not known yet. */
export function takeMessage(message) {
  const channel = store.channels.get(message.channel_id);
  if (!channel) return null;
  const isNew = !channel.messages.has(message.ts);
  channel.messages.set(message.ts, message);
  return isNew;
}

export function takeGone({ channel_id, ts }) {
  store.channels.get(channel_id)?.messages.delete(ts);
}

const inOrder = (some) => some.sort((a, b) => (a.ts < b.ts ? -1 : 1));

/** What the channel itself shows: no replies, except those that were sent to the channel too. */
export const roots = (channel) => inOrder([...channel.messages.values()].filter((one) => !one.thread_ts || one.is_broadcast));

export const replies = (channel, ts) => inOrder([...channel.messages.values()].filter((one) => one.thread_ts === ts));

export function markRead(channel) {
  store.read.set(channel.id, roots(channel).at(-1)?.ts || "0");
}

/** How many messages came since the channel was looked at, and how many of them mention the person. */
export function unread(channel) {
  const since = store.read.get(channel.id) || "0";
  const fresh = [...channel.messages.values()].filter((one) => one.ts > since && one.author_id !== store.all.me.id);
  const seen = fresh.filter((one) => !one.thread_ts || one.is_broadcast);
  return { count: seen.length, mentions: fresh.filter((one) => one.mentions_me).length };
}

export function markThreadRead(channel, ts) {
  store.readThreads.set(ts, replies(channel, ts).at(-1)?.ts || "0");
}

export const isThreadUnread = (channel, ts) => (replies(channel, ts).at(-1)?.ts || "0") > (store.readThreads.get(ts) || "0");
