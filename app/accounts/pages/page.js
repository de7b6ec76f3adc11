// Sends the token of the link to the API when the button is pressed, not before: programs that look at the links of
// mails would use it up. It is taken out of the address at once, so that it stays in no history and goes nowhere else.
"use strict";

const form = document.getElementById("form");
const message = document.getElementById("message");
const button = form.querySelector("button");
const words = JSON.parse(form.dataset.words);
const token = new URLSearchParams(location.search).get("token") || "";
history.replaceState(null, "", location.pathname);

const API = "../v1/";
const PATHS = {
  "verify-email": "auth/verify-email",
  "reset-password": "auth/reset-password",
  "confirm-email-change": "auth/confirm-email-change",
  "confirm-identity": "auth/confirm-identity",
  confirm: "auth/confirm",
};

class Refused extends Error {}

function say(text, kind) {
  message.textContent = text;
  message.className = kind;
}

async function post(path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(API + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: body === null ? undefined : JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Refused(words.no_answer);
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const fields = told.code === "invalid_request" ? told.errors.map((error) => error.detail).join(" ") : "";
    throw new Refused(`${words.try_again}: ${words.problems[told.code] || fields || told.detail || answer.status}`);
  }
  return told;
}

async function join(given) {
  const session = await post("auth/login", { email: given.get("email"), password: given.get("password") });
  const signedIn = { Authorization: `Bearer ${session.access_token}` };
  try {
    await post(`invitations/${encodeURIComponent(token)}/accept`, null, signedIn);
  } finally {
    await post("auth/logout", null, signedIn).catch(() => {});
  }
}

async function send(given) {
  const page = form.dataset.page;
  if (page === "accept-invitation") {
    await join(given);
    return words.done;
  }
  // The password settles that whoever reads the mailbox is who signed up; without one only the address is verified.
  const password = given.get("password");
  const told = await post(PATHS[page], password ? { token, password } : { token });
  return told.status === "waiting" ? words.waiting : words.done;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say(words.working, "");
  try {
    const text = await send(new FormData(form));
    form.hidden = true;
    document.getElementById("lead").hidden = true;
    say(text, "done");
  } catch (fault) {
    button.disabled = false;
    say(fault instanceof Refused ? fault.message : words.no_answer, "wrong");
  }
});

if (!token) {
  button.disabled = true;
  say(words.no_token, "wrong");
}
